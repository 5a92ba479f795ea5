// SPDX-License-Identifier: MIT
#include <flipbook/train/gradient_average.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/over_ranks.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/train/train_step.hpp>
#include <flipbook/optim/sgd.hpp>

using namespace flipbook;

namespace {

std::vector<std::string> events;

/// Two ranks, of which the other always has the same as this one.
class Twins final : public distributed::Communicator {
 public:
  std::vector<std::size_t> begun;
  int rank() const noexcept override { return 0; }
  int size() const noexcept override { return 2; }
  void sum(void* numbers, std::size_t count, distributed::Number type) override {
    if (type == distributed::Number::float32) twice(static_cast<float*>(numbers), count);
    else twice(static_cast<double*>(numbers), count);
  }
  void begin_sum(void* numbers, std::size_t count, distributed::Number type) override {
    events.emplace_back("sum");
    begun.push_back(count);
    sum(numbers, count, type);
  }
  void progress() override {}
  void finish_sums() override { events.emplace_back("finish"); }
  void broadcast(void*, std::size_t) override {}
  void all_gather(void*, std::span<const std::size_t>) override {}
  [[noreturn]] void abort(const char* why) noexcept override {
    std::fprintf(stderr, "%s\n", why);
    std::terminate();
  }

 private:
  template <class T>
  static void twice(T* numbers, std::size_t count) {
    std::for_each_n(numbers, count, [](T& x) { x *= 2; });
  }
};

/// Passes x, and notes when its gradient comes by.
struct Noted {
  static constexpr unsigned saves = save::none;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    return x;
  }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    events.emplace_back("first layer");
    return gradients([&] { return dy; });
  }
};

constexpr int width = 400;
struct Deep {
  template <Real T, class B>
  struct Instance {
    Of<nn::Linear<width, width>, T, B> first, second, third;
    Parameter<T, B> unused{ones<T, B>({3})};
    explicit Instance(Rng& rng) : first(rng), second(rng), third(rng) {}
    static void fields(auto& self, auto&& field) {
      field("first", self.first), field("second", self.second), field("third", self.third);
      field("unused", self.unused);
    }
    template <Value X>
    auto loss(const X& x) const {
      return mean(square(third(second(apply(Noted{}, first(x))))));
    }
  };
};

Tensor<float> stepped(const Tensor<float>& x) {
  Module<Deep, float> model{Rng{1}};
  Optimizer sgd{optim::Sgd{.learning_rate = 0.1}, model.parameters()};
  Rng rng{2};
  events.clear();
  train_step(model, sgd, rng, [&](Tape& tape) { return model->loss(tape.constant(x)); });
  return model.parameters().clone();
}

}  // namespace

TEST_CASE("sums begin while the backward pass still runs, and change nothing where all ranks have the same") {
  Rng rng{3};
  const auto x = normal<float>({4, width}, rng);
  const auto alone = stepped(x);
  CHECK(events == std::vector<std::string>{"first layer"});

  Twins twins;
  const distributed::Use use(twins);
  const auto together = stepped(x);
  CHECK(std::equal(alone.begin(), alone.end(), together.begin()));
  const auto first = std::ranges::find(events, "first layer");
  CHECK(std::count(events.begin(), first, "sum") >= 1);
  CHECK(events.back() == "finish");

  std::size_t all = 0;
  for (const std::size_t count : twins.begun) all += count;
  CHECK(all == static_cast<std::size_t>(alone.size()));
  CHECK(twins.begun.size() > 1);
}

TEST_CASE("the mean of a tensor, of a number and of what is recorded") {
  Twins twins;
  const distributed::Use use(twins);
  const Tensor<float> x({2}, {1, 3});
  CHECK(to_vector(mean_over_ranks(x)) == std::vector<float>{1, 3});
  CHECK(to_vector(sum_over_ranks(x)) == std::vector<float>{2, 6});
  CHECK(mean_over_ranks(5.0) == 5);
  Tape tape;
  const auto v = tape.variable<Order::higher>(x);
  const auto slope = tape.recorded_gradient(sum(square(mean_over_ranks(v))), v);
  CHECK(to_vector(slope.value()) == std::vector<float>{2, 6});
  CHECK(to_vector(tape.gradient(sum(square(slope)), v)) == std::vector<float>{8, 24});
}
