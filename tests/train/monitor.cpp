// SPDX-License-Identifier: MIT
#include <flipbook/train/monitor.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/optim/sgd.hpp>
#include <flipbook/train/trainer.hpp>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

/// A network of two fields, with a codebook of four codes that it does not use.
template <class Network>
struct TwoParts {
  template <Real T, class B>
  struct Instance {
    Of<Network, T, B> encoder;
    Of<nn::Linear<4, 1>, T, B> head;
    Buffer<T, B> codebook{zeros<T, B>({4, 2})}, counts{Tensor<T, B>({4}, {1, 1, 0, 0})};
    explicit Instance(Rng& rng) : encoder(rng), head(rng) {}
    static void fields(auto& self, auto&& field) {
      field("encoder", self.encoder);
      field("head", self.head);
      field("codebook", self.codebook);
      field("counts", self.counts);
    }
    template <Value V>
    V loss(const V& x) const {
      return mean(square(head(encoder(x))));
    }
  };
};
using Plain = TwoParts<nn::Sequential<nn::Linear<2, 4>, nn::ReLU>>;
using Normed = TwoParts<nn::Sequential<nn::Linear<2, 4>, nn::BatchNorm<4>>>;

template <class Model = Plain>
auto new_trainer() {
  return Trainer{Module<Model, float>{Rng{1}}, optim::Sgd{.learning_rate = 0.5}};
}

/// Clips of two numbers, some of which are none.
struct Pairs {
  std::vector<Index> broken = {};
  Shape shape() const { return {1, 1, 1, 2}; }
  Tensor<float> clip(Index i) const {
    Rng rng(static_cast<std::uint64_t>(i));
    const bool none = std::ranges::find(broken, i) != broken.end();
    return none ? full<float>(shape(), NAN) : normal<float>(shape(), rng);
  }
};
FitOptions quietly(Index steps) { return {.steps = steps, .batch = 6, .title = ""}; }

double length(const std::vector<float>& x) {
  double squares = 0;
  for (const float number : x) squares += static_cast<double>(number) * static_cast<double>(number);
  return std::sqrt(squares);
}

}  // namespace

TEST_CASE("a monitor is told gradients, parameters and updates by field, activations and the use of codebooks") {
  auto trainer = new_trainer(), unobserved = new_trainer();
  std::vector<StepReport> reports;
  FitOptions options = quietly(5);
  options.monitor = [&](const StepReport& report) { reports.push_back(report); };
  options.monitor_every = 2;
  trainer.fit(Pairs{}, options);
  unobserved.fit(Pairs{}, quietly(5));
  CHECK(to_vector(trainer.model.parameters()) == to_vector(unobserved.model.parameters()));
  CHECK(trainer.history().csv() == unobserved.history().csv());

  REQUIRE(reports.size() == 2);
  const StepReport& report = reports[0];
  CHECK(report.step == 2);
  CHECK(report.losses[0].second == trainer.history().rows()[1].values[0]);
  REQUIRE(report.parts.size() == 2);
  CHECK(report.parts[0].name == "encoder");
  CHECK(report.parts[1].name == "head");
  for (const StepReport::Part& part : report.parts) {  // Sgd: the update is the gradient times the rate
    CHECK(part.gradient > 0);
    CHECK(part.update == doctest::Approx(0.5 * part.gradient));
    CHECK(part.ratio() == doctest::Approx(part.update / part.parameters));
  }
  CHECK(report.whole.gradient == doctest::Approx(std::hypot(report.parts[0].gradient, report.parts[1].gradient)));
  auto two = new_trainer();
  two.fit(Pairs{}, quietly(2));
  CHECK(report.whole.parameters == doctest::Approx(length(to_vector(two.model.parameters()))));

  const auto relu = std::ranges::find(report.activations, "Unary<Relu>", &StepReport::Activation::operation);
  REQUIRE(relu != report.activations.end());
  CHECK(relu->shape == Shape{6, 1, 1, 1, 4});
  CHECK(relu->numbers.least == 0);
  CHECK(relu->zeros() > 0);
  CHECK(relu->place == "after 'encoder.0.weight'");
  REQUIRE(report.codebooks.size() == 1);
  CHECK(report.codebooks[0].name == "codebook");
  CHECK(report.codebooks[0].codes == 4);
  CHECK(report.codebooks[0].perplexity == doctest::Approx(2));
}

TEST_CASE("steps that are not finite are left out where that is asked for, but not too many in a row") {
  auto trainer = new_trainer();
  FitOptions options = quietly(6);
  const Pairs some{{7, 20, 24}};  // of batches 1, 3 and 4
  CHECK_THROWS_AS(trainer.fit(some, options), NotFinite);
  CHECK(trainer.steps() == 1);

  auto skipping = new_trainer();
  options.skip_not_finite = 2;
  skipping.fit(some, options);
  CHECK(skipping.steps() == 6);
  CHECK(skipping.history().names() == std::vector<std::string>{"loss", "skipped"});
  CHECK(skipping.history().rows().back().values[1] == 3);
  skipping.training().visit_optimizers([](const auto&, auto& optimizer) { CHECK(optimizer.steps() == 3); });

  options.steps = 2;
  CHECK_THROWS_AS(skipping.fit(some, {.steps = 9, .monitor_every = 0}), Error);
  auto second_only = new_trainer(),
       first_only = new_trainer();  // a step that is left out draws other numbers than the next
  second_only.fit(some, options);
  options.steps = 1;
  first_only.fit(some, options);
  CHECK(second_only.rng() != first_only.rng());

  options.steps = 6;
  auto few = new_trainer();
  options.skip_not_finite = 1;
  CHECK_THROWS_AS(few.fit(some, options), NotFinite);
  CHECK(few.steps() == 4);
}

TEST_CASE("a run that leaves steps out goes on to the same bits where it is resumed") {
  const Folder folder;
  const Pairs some{{7, 20}};
  FitOptions options = quietly(3);
  options.skip_not_finite = 1;
  auto first = new_trainer(), second = new_trainer(), whole = new_trainer();
  first.fit(some, options);
  first.save(folder / "run.safetensors");
  second.resume(folder / "run.safetensors");
  options.steps = 6;
  second.fit(some, options);
  whole.fit(some, options);
  CHECK(to_vector(second.model.parameters()) == to_vector(whole.model.parameters()));
  CHECK(second.history().csv() == whole.history().csv());
  CHECK(second.rng() == whole.rng());
}

TEST_CASE("a batch in parts gives the step of the whole batch, up to rounding") {
  const auto batch = batch_of(Pairs{}, 0, 7);  // parts of 2, 2 and 3 clips
  auto whole = new_trainer();
  const double loss = whole.step(batch)[0].second;
  for (const Index parts : {1, 2, 3, 7}) {
    auto cut = new_trainer();
    CHECK(cut.step(batch, {.micro_batches = parts})[0].second == doctest::Approx(loss));
    const auto a = to_vector(whole.model.parameters()), b = to_vector(cut.model.parameters());
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(b[i] == doctest::Approx(a[i]));
    cut.training().visit_optimizers([](const auto&, auto& optimizer) { CHECK(optimizer.steps() == 1); });
  }
  auto trainer = new_trainer();
  for (const Index parts : {0, 8}) {
    mentions(error_of([&] { (void)trainer.step(batch, {.micro_batches = parts}); }), "cannot be cut into");
  }
}

TEST_CASE("buffers follow each part of a batch, and are as before where one of the parts is not finite") {
  auto trainer = new_trainer<Normed>();
  Tensor<float> batch = batch_of(Pairs{}, 0, 6);
  const auto before = to_vector(trainer.model.buffers()), parameters = to_vector(trainer.model.parameters());
  batch.data()[5] = NAN;  // the first part is
  CHECK_THROWS_AS((void)trainer.step(batch, {.micro_batches = 2}), NotFinite);
  CHECK(to_vector(trainer.model.buffers()) == before);
  CHECK(to_vector(trainer.model.parameters()) == parameters);
  (void)trainer.step(batch_of(Pairs{}, 0, 6), {.micro_batches = 2});
  auto once = new_trainer<Normed>();
  (void)once.step(batch_of(Pairs{}, 3, 3));
  const auto two = to_vector(trainer.model.buffers()), one = to_vector(once.model.buffers());
  CHECK(two != one);
}
