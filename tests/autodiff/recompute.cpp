// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/autodiff/recompute.hpp>

using namespace flipbook;

namespace {

const auto segment = [](const auto& x, const auto& w) { return tanh(x * w + 2) / (softplus(w) + 1); };

/// Multiplies by a random number, as dropout does.
const auto noisy = [](const auto& x) {
  const auto noise = uniform<double>(x.shape(), x.tape().rng());
  return exp(x * noise);
};

}  // namespace

TEST_CASE("recomputed segments have the gradients of kept ones, to the second order") {
  Rng rng{1};
  const auto x = normal<double>({3, 5}, rng), w = normal<double>({5}, rng);
  const auto f = [](const auto& x, const auto& w) { return recompute(segment, x, w) * x; };
  CHECK(gradient_error(f, x, w) < 1e-7);
  CHECK(second_gradient_error(f, x, w) < 1e-7);
}

TEST_CASE("segments may be nested") {
  Rng rng{2};
  const auto x = normal<double>({4}, rng);
  const auto f = [](const auto& x) {
    return recompute([](const auto& a) { return recompute([](const auto& b) { return sigmoid(b) * b; }, exp(a)) + a; },
                     x);
  };
  CHECK(gradient_error(f, x) < 1e-7);
}

TEST_CASE("the second run draws the random numbers of the first") {
  Rng rng{3};
  const auto x = normal<double>({7}, rng);
  const auto run = [&](bool recomputed) {
    Tape tape{Rng{11}};
    const auto v = tape.variable(x);
    const auto y = sum(recomputed ? recompute(noisy, v) : noisy(v));
    (void)uniform<double>({5}, tape.rng());  // the stream goes on between the runs
    auto gradient = to_vector(tape.gradient(y, v));
    gradient.push_back(tape.rng().uniform());
    return gradient;
  };
  CHECK(run(true) == run(false));
}

TEST_CASE("a change to a buffer is noted once") {
  int changes = 0;
  Tape tape;
  const auto x = tape.variable(full<double>({2}, 1.0));
  const auto y = sum(recompute(
      [&](const auto& v) {
        v.tape().defer([&] { ++changes; });
        return v * v;
      },
      x));
  (void)tape.gradient(y, x);
  tape.apply_updates();
  CHECK(changes == 1);
}

TEST_CASE("a recomputed segment keeps only its inputs") {
  Tape tape;
  const auto x = tape.variable(full<float>({1 << 16}, 0.5F));
  const std::size_t before = HostPool::instance().statistics().in_use;
  const auto y = sum(recompute(
      [](auto h) {
        for (int i = 0; i < 8; ++i) h = silu(h);
        return h;
      },
      x));
  CHECK(HostPool::instance().statistics().in_use - before < 2 * (std::size_t{4} << 16));
  CHECK(tape.gradient(y, x).size() == 1 << 16);
}
