// SPDX-License-Identifier: MIT
#include <flipbook/autodiff/multiply_adds.hpp>

#include <doctest/doctest.h>

#include <flipbook/ops/attention/attention.hpp>
#include <flipbook/ops/conv/conv.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/matmul/matmul.hpp>

using namespace flipbook;

namespace {
template <class F>
Index counted(const F& f) {
  MultiplyAdds counter;
  f();
  return counter.count();
}
Tensor<float> ones_of(const Shape& shape) { return ones<float>(shape); }
}  // namespace

TEST_CASE("a product of (M, K) and (K, N) is M·K·N multiply-adds, transposed or not, in batches or not") {
  CHECK(counted([] { matmul(ones_of({2, 3}), ones_of({3, 5})); }) == 2 * 3 * 5);
  CHECK(counted([] { matmul(ones_of({3, 2}), ones_of({5, 3}), {.a = true, .b = true}); }) == 2 * 3 * 5);
  CHECK(counted([] { matmul(ones_of({7, 2, 3}), ones_of({7, 3, 5})); }) == 7 * 2 * 3 * 5);
  CHECK(counted([] { linear(ones_of({7, 2, 3}), ones_of({3, 5}), ones_of({5})); }) == 7 * 2 * 3 * 5);
}

TEST_CASE("a convolution is one multiply-add for each output, tap and input channel of its group") {
  const auto x = ones_of({2, 9, 7, 4});
  const Index out = 2 * 5 * 4 * 6;  // 9 × 7 with padding 1 and stride 2 give 5 × 4
  const Window window{.stride = 2, .padding = 1};
  CHECK(counted([&] { conv(x, ones_of({3, 3, 4, 6}), None{}, window); }) == out * 9 * 4);
  const Window grouped{.stride = 2, .padding = 1, .groups = 2};
  CHECK(counted([&] { conv(x, ones_of({3, 3, 2, 6}), ones_of({6}), grouped); }) == out * 9 * 2);
  // The adjoint reads what the convolution writes: every input with every tap and output channel.
  CHECK(counted([&] { conv_transpose(x, ones_of({2, 2, 5, 4}), None{}, {.stride = 2}); }) == 2 * 9 * 7 * 4 * 5 * 4);
}

TEST_CASE("attention counts the keys that each query may see, for scores and for values") {
  const auto q = ones_of({2, 5, 3, 4}), k = ones_of({2, 5, 3, 4});
  CHECK(counted([&] { attention(q, k, k); }) == 2 * (2 * 3) * (5 * 5) * 4);
  CHECK(counted([&] { attention(q, k, k, {.causal = true}); }) == 2 * (2 * 3) * (1 + 2 + 3 + 4 + 5) * 4);
}

TEST_CASE("training counts the backward pass too: two products more for a product") {
  CHECK(counted([] {
          Tape tape;
          const auto a = tape.variable(ones_of({2, 3})), b = tape.variable(ones_of({3, 5}));
          const auto y = sum(matmul(a, b));
          tape.gradient(y, a, {.retain_graph = true});
          tape.gradient(y, b);
        }) == 3 * (2 * 3 * 5));
}

TEST_CASE("what is element by element counts as none, and nothing is counted outside") {
  CHECK(counted([] { exp(ones_of({100}) * ones_of({100})); }) == 0);
  matmul(ones_of({2, 3}), ones_of({3, 5}));
  CHECK(counted([] {}) == 0);
}

TEST_CASE("a counter inside of another hands its count on") {
  MultiplyAdds outer;
  CHECK(counted([] { matmul(ones_of({2, 3}), ones_of({3, 5})); }) == 30);
  CHECK(outer.count() == 30);
  matmul(ones_of({1, 3}), ones_of({3, 1}));
  CHECK(outer.count() == 33);
}
