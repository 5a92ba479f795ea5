// SPDX-License-Identifier: MIT
#include <flipbook/models/flow/flow_mlp.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <flipbook/optim/adam.hpp>
#include <flipbook/testing/gradients.hpp>
#include <flipbook/train/trainer.hpp>

using namespace flipbook;

namespace {

// [code-flow]
using Prior = CodeFlow<2, 32, 2>;  // codes of 2 numbers, by 2 residual blocks of width 32
// [/code-flow]
constexpr double deviation = 0.2;

/// The exact velocity from N(0, 1) to numbers of N(condition, deviation²) each, or N(0.5, deviation²) without one:
/// with the path's x_t = a·x₀ + b·x₁,  v = b'·m + (a·a' + b·b'·s²) / (a² + b²·s²) · (x − b·m).
template <class Path>
struct Exact {
  static constexpr int in = 1, out = 1, dimensions = nn::any, condition = 1;
  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& x, const X& level, const X& condition = {}) const {
      const X t = nn::broadcast_over_positions(reshape(level, with_channel(level.shape())), x.shape());
      const X zero = t * 0, one = zero + 1;
      const X a = Path::at(one, zero, t), b = Path::at(zero, one, t);
      const X slope_a = Path::velocity(one, zero, t), slope_b = Path::velocity(zero, one, t);
      const X m = tensor_of(condition) ? nn::broadcast_over_positions(condition, x.shape()) : zero + 0.5;
      constexpr double variance = deviation * deviation;
      return slope_b * m + (a * slope_a + b * slope_b * variance) / (a * a + b * b * variance) * (x - b * m);
    }
    static Shape with_channel(Shape shape) {
      shape.push_back(1);
      return shape;
    }
    explicit Instance(Rng&) {}
    static void fields(auto&, auto&&) {}
  };
};
template <class Path, class Levels = flow::OneLevel>
using ExactFlow = Flow<Exact<Path>, Path, Levels, flow::Range::unbounded>;

double largest(const Tensor<double>& x) {
  const auto most = abs(x);
  return *std::max_element(most.begin(), most.end());
}
flow::Sampling accurate(double guidance = 1) {
  return {.integration = {.solver = flow::Solver::dormand_prince, .tolerance = 1e-8}, .guidance = guidance};
}

/// Points of two normal distributions, three in ten of them at (−2, 1) and the others at (1, −1).
Tensor<float> two_modes(Index count, Rng& rng) {
  Tensor<float> x = normal<float>({count, 2}, rng) * 0.3;
  for (Index i = 0; i < count; ++i) {
    const bool first = rng.uniform() < 0.3;
    x.data()[2 * i] += first ? -2 : 1;
    x.data()[2 * i + 1] += first ? 1 : -1;
  }
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("an exact velocity carries noise x₀ to m + s·x₀, for any path", P, flow::Straight,
                   flow::Trigonometric) {
  const Module<ExactFlow<P>, double> model{Rng{1}};
  Rng rng{2}, again{2};
  const auto x = model->sample(Shape{50, 3, 1}, rng, accurate());
  CHECK(largest(x - (normal<double>({50, 3, 1}, again) * deviation + 0.5)) < 1e-5);
}

TEST_CASE("guidance of weight w goes w times as far from no condition to the condition") {
  const Module<ExactFlow<flow::Straight>, double> model{Rng{1}};
  const auto condition = full<double>({20, 1}, 2.5);
  for (const double w : {0.0, 1.0, 2.0}) {
    Rng rng{2}, again{2};
    const auto x = model->sample(Shape{20, 1}, rng, accurate(w), condition);
    CHECK(largest(x - (normal<double>({20, 1}, again) * deviation + (0.5 + w * 2))) < 1e-5);
  }
}

TEST_CASE("what is given is kept exactly, and the rest is made") {
  const Module<ExactFlow<flow::Straight>, double> model{Rng{1}};
  Rng rng{3};
  const auto known = normal<double>({4, 3, 1}, rng);
  const Tensor<double> mask({1, 3, 1}, {1, 0, 1});
  const auto x = model->inpaint(known, mask, rng, accurate());
  for (Index i = 0; i < 4; ++i) {
    for (Index t : {0, 2}) CHECK(x.data()[3 * i + t] == known.data()[3 * i + t]);
    CHECK(std::abs(x.data()[3 * i + 1] - 0.5) < 5 * deviation);
  }
}

TEST_CASE("a rollout of any lag and window makes each frame of its own noise, as all at once do") {
  const Module<ExactFlow<flow::Straight, flow::LevelPerFrame>, double> model{Rng{1}};
  Rng rng{4};
  const auto context = normal<double>({2, 2, 1}, rng);
  for (const auto [steps, lag, window] : {std::array<Index, 3>{4, 0, 9}, {4, 1, 5}, {3, 3, 2}, {2, 5, 1}}) {
    CAPTURE(lag);
    auto how = accurate();
    how.integration.steps = steps, how.lag = lag, how.window = window;
    Rng drawn{5}, again{5};
    const auto x = model->sample(context, 7, drawn, how);
    CHECK(largest(x - (normal<double>({2, 7, 1}, again) * deviation + 0.5)) < 1e-5);
  }
  CHECK_THROWS_WITH_AS(
      model->sample(context, 7, rng, {.window = 4, .lag = 4}),
      "Pyramid: with 20 steps and a lag of 4, 5 frames are unfinished at the same time, and the window "
      "holds 4",
      Error);
}

TEST_CASE("in a pyramid no frame leaves the window before it is finished, and all are at the end") {
  for (const flow::Pyramid p : {flow::Pyramid{2, 9, 6, 2, 5}, {0, 5, 4, 0, 5}, {3, 6, 4, 4, 4}, {1, 4, 3, 5, 2}}) {
    for (Index stage = 0; stage < p.stages(); ++stage) {
      for (Index frame = 0; frame < p.context + p.frames; ++frame) {
        const bool moves = p.level(frame, stage + 1) != p.level(frame, stage);
        if (moves) CHECK((frame >= p.begin(stage) && frame < p.begin(stage) + p.seen()));
        if (frame < p.context) CHECK(p.level(frame, stage) == 1);
      }
      CHECK(p.begin(stage) + p.seen() <= p.context + p.frames);
    }
    CHECK(p.level(p.context + p.frames - 1, p.stages()) == 1);
    CHECK(p.level(p.context, 0) == 0);
  }
}

TEST_CASE("a flow learns the modes of a mixture, how often they occur and how wide they are") {
  Trainer trainer{Module<Prior, float>{Rng{1}}, optim::Adam{.learning_rate = 5e-3}, 1};
  Rng rng{2};
  trainer.keep_average(0.98);
  for (int i = 0; i < 500; ++i) {
    if (i == 300) trainer.set_learning_rate(1e-3);
    (void)trainer.step(two_modes(128, rng));
  }
  const auto x = trainer.with_average([&] { return trainer.model->sample(Shape{2000, 2}, rng); });
  double count[2] = {0, 0}, sum[2][2] = {}, squares[2][2] = {};
  for (Index i = 0; i < 2000; ++i) {
    const std::size_t mode = x.data()[2 * i] > -0.5F;
    ++count[mode];
    for (std::size_t k = 0; k < 2; ++k) {
      const double value = static_cast<double>(x.data()[2 * i + static_cast<Index>(k)]);
      sum[mode][k] += value, squares[mode][k] += value * value;
    }
  }
  CHECK(count[0] / 2000 == doctest::Approx(0.3).epsilon(0.2));
  const double means[2][2] = {{-2, 1}, {1, -1}};
  for (std::size_t mode = 0; mode < 2; ++mode) {
    for (std::size_t k = 0; k < 2; ++k) {
      const double mean = sum[mode][k] / count[mode];
      CHECK(std::abs(mean - means[mode][k]) < 0.15);
      CHECK(std::sqrt(squares[mode][k] / count[mode] - mean * mean) == doctest::Approx(0.3).epsilon(0.35));
    }
  }
}

TEST_CASE("the gradient of the loss is exact, and a condition that is dropped is none") {
  Module<CodeFlow<3, 8, 1, 2>, double> model{Rng{1}};
  Rng rng{2};
  const auto x = normal<double>({5, 3}, rng), condition = normal<double>({5, 2}, rng);
  Tensor<double> parameters = model.parameters();
  const auto moved = normal<double>(parameters.shape(), rng);  // the last layer is 0 at first, and hides the others
  for (Index i = 0; i < parameters.size(); ++i) parameters.data()[i] += 0.1 * moved.data()[i];
  const auto loss = [&](Tape& tape) { return model->loss({tape.constant(x), tape.constant(condition)}); };
  CHECK(parameter_gradient_error(model, loss) < 1e-6);

  const auto of = [&](double dropout) {
    model->condition_dropout = dropout;
    Tape tape{Rng{3}};
    return loss(tape).item();
  };
  Tape tape{Rng{3}};
  const double without = model->loss(tape.constant(x)).item();
  CHECK(of(1) == without);
  CHECK(of(0) != without);
  CHECK_THROWS_WITH_AS(model->sample(Shape{4, 5}, rng),
                       "Flow: clips of shape (4, 5) have 5 channels; its network takes 3", Error);
}

TEST_CASE("the same seeds give the same training and samples, bit for bit, on any number of threads") {
  std::vector<std::vector<float>> runs;
  const int before = threads();
  for (const int count : {1, 3, 1}) {
    set_threads(count);
    Trainer trainer{Module<Prior, float>{Rng{1}}, optim::Adam{}, 1};
    Rng rng{2};
    for (int i = 0; i < 5; ++i) (void)trainer.step(two_modes(64, rng));
    runs.push_back(to_vector(trainer.model->sample(Shape{100, 2}, rng)));
  }
  set_threads(before);
  CHECK(runs[0] == runs[1]);
  CHECK(runs[0] == runs[2]);
}
