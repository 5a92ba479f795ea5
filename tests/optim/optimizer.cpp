// SPDX-License-Identifier: MIT
// The rules differ in one function each, so they are tested together with what runs them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/optim/rmsprop.hpp>
#include <flipbook/optim/sgd.hpp>

using namespace flipbook;

namespace {

template <class T>
void check_close(const Tensor<T>& x, const std::vector<double>& expected) {
  REQUIRE(x.size() == static_cast<Index>(expected.size()));
  for (Index i = 0; i < x.size(); ++i) {
    CHECK(static_cast<double>(x.data()[i]) == doctest::Approx(expected[static_cast<std::size_t>(i)])
                                                  .epsilon(std::is_same_v<T, float> ? 1e-5 : 1e-12)
                                                  .scale(0.01));
  }
}

// What PyTorch 1.13 has in double after three steps from (0.5, −1.25, 2): parameters, then each memory.
using Expected = std::vector<std::vector<double>>;

template <class T, class Rule>
Optimizer<Rule, T> after_three_steps(Rule rule, const Expected& expected) {
  Tensor<T> p({3}, {T(0.5), T(-1.25), T(2)});
  Optimizer optimizer{rule, p};
  for (const auto& g : {Tensor<T>({3}, {T(0.1), T(-0.2), T(0.3)}), Tensor<T>({3}, {T(1), T(0.5), T(-0.25)}),
                        Tensor<T>({3}, {T(-0.3), T(0.7), T(0)})}) {
    optimizer.step(p, g);
  }
  CHECK(optimizer.steps() == 3);
  check_close(p, expected[0]);
  std::size_t memory = 1;
  optimizer.visit([&](const char*, const Tensor<T>& x) { check_close(x, expected.at(memory++)); });
  CHECK(memory == expected.size());
  return optimizer;
}

template <class T, class Rule>
Tensor<T> trained(Rule rule, Index size, int steps) {
  Rng rng{11};
  Tensor<T> p = normal<T>({size}, rng);
  Optimizer optimizer{rule, p};
  for (int i = 0; i < steps; ++i) optimizer.step(p, normal<T>({size}, rng));
  return p;
}

}  // namespace

TEST_CASE_TEMPLATE("SGD is PyTorch's", T, float, double) {
  after_three_steps<T>(optim::Sgd{.learning_rate = 0.1, .weight_decay = 0.01},
                       {{0.4186214895, -1.34624372875, 1.9890409679999999}});
  after_three_steps<T>(optim::Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01},
                       {{0.31023538949999996, -1.3538194787500002, 1.955078568},
                        {0.6932511050000001, 0.9542322874999999, 0.07153432000000004}});
  after_three_steps<T>(
      optim::Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true},
      {{0.2480563619805, -1.4397014492462499, 1.948728286512}, {0.69217677905, 0.954137232875, 0.07122375520000003}});
}

TEST_CASE_TEMPLATE("RMSProp is PyTorch's", T, float, double) {
  using optim::RmsProp;
  after_three_steps<T>(RmsProp{.learning_rate = 0.05, .alpha = 0.9, .weight_decay = 0.01},
                       {{0.23159426352135104, -1.3657847202822113, 1.9293377650481507},
                        {0.10039908523416409, 0.072467720775035, 0.013158634214481454}});
  after_three_steps<T>(RmsProp{.learning_rate = 0.05, .alpha = 0.9, .weight_decay = 0.01, .centered = true},
                       {{0.2139813514662464, -1.368506106634905, 1.9209339742689417},
                        {0.10039485252726309, 0.07248374323043744, 0.01316187422621082},
                        {0.06897074552080443, 0.09558060632196845, 0.006999358288481647}});
  after_three_steps<T>(RmsProp{.learning_rate = 0.05, .alpha = 0.9, .weight_decay = 0.01, .momentum = 0.9},
                       {{-0.18018229033843788, -1.2270658971524826, 1.7458899357836308},
                        {0.10048414397909486, 0.07266362313346533, 0.01315332168466216},
                        {4.448510388576645, 2.6259956292865394, 0.9918343149762314}});
  after_three_steps<T>(
      RmsProp{.learning_rate = 0.05, .alpha = 0.9, .weight_decay = 0.01, .momentum = 0.9, .centered = true},
      {{-0.22163311613424905, -1.2173166360439376, 1.7230103569810988},
       {0.10048458026228711, 0.0726902725170419, 0.0131563111519483},
       {4.747572738773643, 2.708459160248324, 1.1269586300109382},
       {0.06882074556842346, 0.09573060629843905, 0.006849358304106646}});
}

TEST_CASE_TEMPLATE("Adam and AdamW are PyTorch's", T, float, double) {
  after_three_steps<T>(optim::Adam{.learning_rate = 0.05, .beta1 = 0.5, .beta2 = 0.99, .weight_decay = 0.01},
                       {{0.38985633041439555, -1.2836076529238154, 1.9604036077586768},
                        {0.11625392700316525, 0.439268736981913, -0.007832831176559982},
                        {0.010973470005987435, 0.007528998787164955, 0.0015334473377363001}});
  after_three_steps<T>(optim::AdamW{.learning_rate = 0.05, .beta1 = 0.5, .beta2 = 0.99, .weight_decay = 0.1},
                       {{0.38353815891674015, -1.2669033803271939, 1.9390200917192757},
                        {0.11250000000000002, 0.44999999999999996, -0.025},
                        {0.01089801000000001, 0.007767040000000006, 0.0015008400000000013}});
}

TEST_CASE_TEMPLATE("a parameter's steps do not depend on where it stands, nor on the number of threads", T, float,
                   double) {
  const auto check = [](auto rule) {
    const int before = threads();
    const Index size = 20011;  // more than one thread's share, no multiple of a vector
    const auto alone = [&](int count) {
      set_threads(count);
      return to_vector(trained<T>(rule, size, 2));
    };
    CHECK(alone(1) == alone(3));
    set_threads(before);

    // The same parameter in every place: every place must come to the same bits.
    for (const Index count : {1, 2, 31, 1031}) {
      Tensor<T> p = full<T>({count}, T(0.3));
      Optimizer optimizer{rule, p};
      for (const double g : {0.7, -0.1}) optimizer.step(p, full<T>({count}, T(g)));
      for (const T x : p) CHECK(x == *p.begin());
    }
  };
  check(optim::Sgd{.momentum = 0.9, .weight_decay = 0.1});
  check(optim::RmsProp{.momentum = 0.9, .centered = true});
  check(optim::Adam{.weight_decay = 0.1});
}

TEST_CASE_TEMPLATE("an optimiser goes on from its saved memories to the same bits", T, float, double) {
  Rng rng{5};
  const auto first = normal<T>({37}, rng), second = normal<T>({37}, rng);
  Tensor<T> p = normal<T>({37}, rng);
  Optimizer optimizer{optim::Adam{}, p};
  optimizer.step(p, first);

  Tensor<T> resumed_p = p.clone();
  Optimizer resumed{optim::Adam{}, resumed_p};
  std::vector<Tensor<T>> saved;
  std::vector<std::string> names;
  optimizer.visit([&](const char* name, const Tensor<T>& x) { saved.push_back(x.clone()), names.push_back(name); });
  CHECK(names == std::vector<std::string>{"exp_avg", "exp_avg_sq"});
  std::size_t at = 0;
  resumed.visit([&](const char*, Tensor<T> x) { std::copy(saved[at].begin(), saved[at].end(), x.begin()), ++at; });
  resumed.resume(optimizer.steps());

  Tensor<T> copied_p = p.clone();
  Optimizer copied = optimizer;
  optimizer.step(p, second);
  resumed.step(resumed_p, second);
  copied.step(copied_p, second);  // a copy remembers by itself
  CHECK(to_vector(resumed_p) == to_vector(p));
  CHECK(to_vector(copied_p) == to_vector(p));
}

TEST_CASE("a learning rate that changes between steps is followed") {
  Tensor<double> p({1}, {1.0});
  Optimizer optimizer{optim::Sgd{.learning_rate = 0.5}, p};
  optimizer.step(p, ones<double>({1}));
  optimizer.rule.learning_rate = 0.25;
  optimizer.step(p, ones<double>({1}));
  CHECK(p.item() == 0.25);
}

TEST_CASE_TEMPLATE("a gradient in parts, none of which fills vectors, steps as the whole does", T, float, double) {
  Rng rng{3};
  const Index sizes[] = {1, 37, 0, 4099, 5};
  std::vector<Tensor<T>> parts;
  Tensor<T> whole({4142}), p = normal<T>({4142}, rng);
  Index first = 0;
  for (const Index size : sizes) {
    parts.push_back(normal<T>({size}, rng));
    std::copy_n(parts.back().data(), size, whole.data() + first);
    first += size;
  }
  const Tensor<T> other = p.clone();
  Optimizer by_parts{optim::Adam{.weight_decay = 0.1}, p}, at_once = by_parts;
  for (int step = 0; step < 3; ++step) {
    by_parts.step(p, std::span<const Tensor<T>>(parts));
    at_once.step(other, whole);
  }
  CHECK(to_vector(p) == to_vector(other));
  parts.pop_back();
  CHECK_THROWS_WITH_AS(by_parts.step(p, std::span<const Tensor<T>>(parts)), doctest::Contains("a gradient of 4137"),
                       Error);
  CHECK(by_parts.steps() == 3);
}

TEST_CASE("a gradient of another size, and settings that do not fit, are refused") {
  const Tensor<float> p({3});
  Optimizer optimizer{optim::Sgd{}, p};
  CHECK_THROWS_WITH_AS(optimizer.step(p, zeros<float>({4})),
                       "optimizer: made for parameters of shape (3), got parameters (3) and a gradient of 4", Error);
  CHECK_THROWS_AS(optimizer.step(zeros<float>({4}), zeros<float>({3})), Error);
  optimizer.rule.momentum = 0.9;
  CHECK_THROWS_AS(optimizer.step(p, zeros<float>({3})), Error);
  Optimizer nesterov{optim::Sgd{.nesterov = true}, p};
  CHECK_THROWS_AS(nesterov.step(p, zeros<float>({3})), Error);
  CHECK_THROWS_AS(optimizer.resume(-1), Error);
}
