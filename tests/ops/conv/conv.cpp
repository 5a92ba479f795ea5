// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/ops/conv/conv.hpp>

#include "../../reference/conv.hpp"

using namespace flipbook;

namespace {

struct Case {
  Shape x, w;
  Window window;
};

const std::vector<Case> cases{
    {{2, 5, 3}, {3, 3, 4}, {}},
    {{2, 9, 2}, {3, 2, 5}, {.stride = 2, .padding = 1, .dilation = 2}},
    {{1, 7, 3}, {3, 3, 2}, {.causal = true}},
    {{2, 5, 4, 3}, {3, 3, 3, 2}, {.padding = 1}},
    {{1, 8, 6, 2}, {4, 4, 2, 3}, {.stride = 2, .padding = 1}},
    {{2, 6, 5, 4}, {3, 2, 2, 6}, {.stride = {2, 1}, .padding = {{0, 1, 2}, {0, 0, 1}}, .groups = 2}},
    {{1, 1, 1, 5}, {1, 1, 5, 1}, {}},
    {{1, 4, 6, 5, 2}, {2, 3, 3, 2, 3}, {.stride = {1, 2, 2}, .padding = 1}},
    {{2, 3, 4, 4, 2}, {3, 3, 3, 2, 2}, {.padding = {0, 1, 1}, .causal = true}},
    {{1, 4, 4, 4, 1}, {4, 4, 4, 1, 3}, {.stride = 2, .padding = 1}},
};

}  // namespace

TEST_CASE_TEMPLATE("a convolution matches its definition in one, two and three dimensions", T, float, double) {
  Rng rng{1};
  for (const auto& [xs, ws, window] : cases) {
    CAPTURE(to_string(xs));
    const Tensor<T> x = normal<T>(xs, rng), w = normal<T>(ws, rng), b = normal<T>({ws.back()}, rng);
    const Tensor<T> y = conv(x, w, b, window);
    Tensor<double> expected(y.shape());
    reference::conv(detail::conv_geometry(xs, y.shape(), ws, window), x.data(), w.data(), b.data(), expected.data());
    CHECK(detail::relative_difference(cast<double>(y), expected) < (std::is_same_v<T, float> ? 1e-5 : 1e-13));
  }
}

TEST_CASE("a transposed convolution is the adjoint of the convolution") {
  Rng rng{2};
  for (const auto& [xs, ws, window] : cases) {
    CAPTURE(to_string(xs));
    const auto x = normal<double>(xs, rng), w = normal<double>(ws, rng);
    const auto y = conv(x, w, None{}, window);
    const auto dy = normal<double>(y.shape(), rng);
    const auto dx = apply(TransposedConvolution{window, xs}, dy, w);
    CHECK(sum(y * dy).item() == doctest::Approx(sum(x * dx).item()).epsilon(1e-10));
  }
}

TEST_CASE("gradients of convolutions are exact to the second order") {
  Rng rng{3};
  for (const auto& [xs, ws, window] : cases) {
    CAPTURE(to_string(xs));
    const auto x = normal<double>(xs, rng), w = normal<double>(ws, rng) * 0.3, b = normal<double>({ws.back()}, rng);
    const auto f = [window = window](const auto& x, const auto& w, const auto& b) {
      return tanh(conv(x, w, b, window));
    };
    CHECK(gradient_error(f, x, w, b) < 1e-6);
    if (x.size() < 80) CHECK(second_gradient_error(f, x, w, b) < 1e-6);
  }
}

TEST_CASE("gradients of transposed convolutions are exact to the second order") {
  Rng rng{4};
  const std::vector<Case> transposed{
      {{1, 3, 2}, {4, 3, 2}, {.stride = 2, .padding = 1}},
      {{1, 2, 3, 2}, {3, 4, 2, 2}, {.stride = {2, 1}, .padding = 1, .output_padding = {1, 0}}},
      {{1, 2, 2, 2, 3}, {4, 4, 4, 1, 3}, {.stride = 2, .padding = 1}},
      {{1, 2, 2, 4}, {2, 2, 3, 4}, {.groups = 2}},
  };
  for (const auto& [ys, ws, window] : transposed) {
    CAPTURE(to_string(ys));
    const auto y = normal<double>(ys, rng), w = normal<double>(ws, rng) * 0.3;
    const auto b = normal<double>({ws[-2] * window.groups}, rng);
    const auto f = [window = window](const auto& y, const auto& w, const auto& b) {
      return tanh(conv_transpose(y, w, b, window));
    };
    CHECK(gradient_error(f, y, w, b) < 1e-6);
    CHECK(second_gradient_error(f, y, w, b) < 1e-6);
  }
}

TEST_CASE("a transposed convolution undoes the extents of the convolution") {
  const Window window{.kernel = 4, .stride = 2, .padding = 1};
  const auto y = conv(Tensor<float>({2, 8, 6, 3}), Tensor<float>({4, 4, 3, 5}), None{}, window);
  CHECK(y.shape() == Shape{2, 4, 3, 5});
  CHECK(conv_transpose(y, Tensor<float>({4, 4, 3, 5}), None{}, window).shape() == Shape{2, 8, 6, 3});
}

TEST_CASE("a causal convolution does not see later input") {
  Rng rng{5};
  const auto w = normal<float>({3, 1, 1, 2, 2}, rng);
  const Window window{.causal = true};
  Tensor<float> x = normal<float>({1, 6, 2, 2, 2}, rng);
  const auto before = conv(x, w, None{}, window);
  x.data()[4 * 8] += 1;  // frame 4
  const auto after = conv(x, w, None{}, window);
  CHECK(before.shape() == x.shape());
  CHECK(to_vector(before[0].slice(0, 4)) == to_vector(after[0].slice(0, 4)));
  CHECK(to_vector(before[0].slice(4, 5)) != to_vector(after[0].slice(4, 5)));
}

TEST_CASE("shapes that do not convolve are named") {
  const Window window{};
  CHECK_THROWS_WITH_AS(conv(Tensor<float>({1, 4, 4, 3}), Tensor<float>({3, 3, 2, 5}), None{}, window),
                       "conv: input (1, 4, 4, 3) has 3 channels, weights (3, 3, 2, 5) need 2", Error);
  CHECK_THROWS_WITH_AS(
      conv(Tensor<float>({1, 2, 4, 3}), Tensor<float>({3, 3, 3, 5}), None{}, window),
      "conv: a kernel of 3 does not fit into an extent of 2 (input (1, 2, 4, 3), weights (3, 3, 3, 5))", Error);
  CHECK_THROWS_WITH_AS(conv(Tensor<float>({4, 3}), Tensor<float>({3, 5}), None{}, window),
                       "conv: needs input (N, [T, [H,]] W, C), got (4, 3)", Error);
  CHECK_THROWS_WITH_AS(conv(Tensor<float>({1, 4, 3}), Tensor<float>({3, 3, 3, 5}), None{}, window),
                       "conv: input (1, 4, 3) and weights (3, 3, 3, 5) differ in rank", Error);
  CHECK_THROWS_AS(conv_transpose(Tensor<float>({1, 1, 2}), Tensor<float>({1, 3, 2}), None{}, {.padding = 1}), Error);
}

TEST_CASE("loops of the program and of its kernels, which may lie in a library, wake the same threads") {
  const int before = threads();
  set_threads(3);
  Rng rng{1};
  const auto x = normal<float>({4, 16, 16, 32}, rng), w = normal<float>({3, 3, 32, 32}, rng);
  std::atomic<int> pieces = 0;
  for (int i = 0; i < 600; ++i) {
    const auto y = conv(x, w, None{}, {.padding = 1});
    parallel_tasks(64, [&](Index) { ++pieces; });
    if (i % 20 != 0) continue;
    // Longer than a thread spins: who called the loop sleeps until another has done its piece.
    parallel_tasks(3, [&](Index) {
      std::this_thread::sleep_for(std::chrono::milliseconds(detail::thread_number() == 0 ? 1 : 10));
    });
  }
  CHECK(pieces == 600 * 64);
  set_threads(before);
}
