// SPDX-License-Identifier: MIT
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/norm/norm.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

// Batch, layer, group and instance normalisation; sizes of 1, primes, whole packs, more than a block and a piece.
const std::vector<NormGeometry> geometries{
    {1, 2, 1, 1}, {1, 701, 37, 1}, {1, 3000, 8, 1}, {1, 67, 300, 1}, {3, 65, 4, 5}, {2, 1000, 2, 8}, {5, 9, 7, 1},
    {7, 1, 1, 2}, {13, 1, 1, 33},  {300, 1, 1, 16}, {2, 1, 1, 4000}, {6, 1, 3, 4},  {0, 3, 2, 1}};

// Of sets of one row each, or of columns.
template <class B>
void normalize(B backend, const NormGeometry& g, double epsilon, bool centred, auto&&... tensors) {
  if (g.rows == 1) kernel::normalize<Along::rows>(backend, g, epsilon, centred, tensors...);
  else kernel::normalize<Along::columns>(backend, g, epsilon, centred, tensors...);
}
template <class B>
void normalize_gradient(B backend, const NormGeometry& g, double epsilon, bool centred, auto&&... tensors) {
  if (g.rows == 1) kernel::normalize_gradient<Along::rows>(backend, g, epsilon, centred, tensors...);
  else kernel::normalize_gradient<Along::columns>(backend, g, epsilon, centred, tensors...);
}

// y, the statistics, and the gradients by x, weight and bias.
auto normalized(const NormGeometry& g, bool centred) {
  return [=]<class T, class B>(const Tensor<T, B>& x, const Tensor<T, B>& w, const Tensor<T, B>& b,
                               const Tensor<T, B>& dy) {
    Tensor<T, B> y(x.shape()), dx(x.shape()), sums({2, g.channels()});
    Tensor<Wide<T>, B> mean(Shape{g.sets()}), variance(Shape{g.sets()});
    normalize(B{}, g, 1e-2, centred, x, w, b, y, mean, variance);
    normalize_gradient(B{}, g, 1e-2, centred, x, std::as_const(mean), std::as_const(variance), w, dy, dx, sums);
    return std::tuple{y, mean, variance, dx, sums[0], sums[1]};
  };
}

/// x · sigmoid(x) after a normalisation, and dy · derivative of it.
struct Silu {
  template <class V>
  constexpr V operator()(const V& v) const {
    return function::Silu{}.value(v);
  }
  template <class V>
  constexpr V operator()(const V& dy, const V& v) const {
    return dy * function::Silu{}.derivative(v);
  }
};

// The same with a function after it: in the same kernels on a device, in passes of its own on the CPU.
auto normalized_then_silu(const NormGeometry& g, bool centred) {
  return [=]<class T, class B>(const Tensor<T, B>& x, const Tensor<T, B>& w, const Tensor<T, B>& b,
                               const Tensor<T, B>& dy) {
    Tensor<T, B> y(x.shape()), again(x.shape()), dx(x.shape()), sums({2, g.channels()});
    Tensor<Wide<T>, B> mean(Shape{g.sets()}), variance(Shape{g.sets()});
    const Tensor<Wide<T>, B>&m = mean, &s = variance;
    if constexpr (std::same_as<B, Cuda>) {
      normalize(B{}, g, 1e-2, centred, x, w, b, y, mean, variance, Silu{});
      normalize_gradient(B{}, g, 1e-2, centred, x, m, s, w, dy, dx, sums, Silu{}, b);
      if (centred) kernel::normalize_by(B{}, g, 1e-2, x, m, s, w, b, again, Silu{});
      return std::tuple{y, centred ? again : y, dx, sums[0], sums[1]};
    } else {
      normalize(B{}, g, 1e-2, centred, x, w, b, y, mean, variance);
      const Tensor<T, B> before = apply(UnaryDerivative<function::Silu>{}, dy, y);
      normalize_gradient(B{}, g, 1e-2, centred, x, m, s, w, before, dx, sums);
      return std::tuple{silu(y), silu(y), dx, sums[0], sums[1]};
    }
  };
}

}  // namespace

TEST_CASE_TEMPLATE("a function in the same kernels as a normalisation is one after it, and so are their gradients", T,
                   float, double) {
  for (const NormGeometry& g : geometries) {
    const Shape shape{g.outer, g.rows, g.groups, g.width}, channels{g.channels()};
    CAPTURE(to_string(shape));
    const auto x = affine(random<double>(shape), 2, 3), dy = random<double>(shape, 4);
    const auto w = random<double>(channels, 2), b = random<double>(channels, 3);
    CHECK(disagreement<T>(normalized_then_silu(g, true), x, w, b, dy) < 3 * device_tolerance<T>);
    if (g.rows == 1) CHECK(disagreement<T>(normalized_then_silu(g, false), x, w, b, dy) < 3 * device_tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("normalisation, its statistics and its gradients are the CPU's", T, float, double, bfloat16,
                   flipbook::half) {
  for (const NormGeometry& g : geometries) {
    const Shape shape{g.outer, g.rows, g.groups, g.width}, channels{g.channels()};
    CAPTURE(to_string(shape));
    const auto x = affine(random<double>(shape), 2, 3), dy = random<double>(shape, 4);
    const auto w = random<double>(channels, 2), b = random<double>(channels, 3);
    CHECK(disagreement<T>(normalized(g, true), x, w, b, dy) < 3 * device_tolerance<T>);
    if (g.rows == 1) CHECK(disagreement<T>(normalized(g, false), x, w, b, dy) < 3 * device_tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("variances keep their precision far from zero", T, float, double) {
  const auto x = affine(random<double>({1, 5000, 3, 1}), 1, 1000);
  const auto w = ones<double>({3}), b = zeros<double>({3});
  const auto variance = [](const auto&... each) { return std::get<2>(normalized({1, 5000, 3, 1}, true)(each...)); };
  CHECK(disagreement<T>(variance, x, w, b, x) < 3 * device_tolerance<T>);
}

TEST_CASE_TEMPLATE("normalising by given statistics is the CPU's, and repeats the batch's own result", T, float,
                   double) {
  const auto x = affine(random<double>({3, 11, 7}), 2, 3), w = random<double>({7}, 2), b = random<double>({7}, 3);
  const auto mean = random<double>({7}, 4), variance = affine(square(random<double>({7}, 5)), 1, 0.1);
  const auto by = []<class U, class B>(const Tensor<U, B>& v, const Tensor<U, B>& m, const Tensor<U, B>& s,
                                       const Tensor<U, B>& scale, const Tensor<U, B>& shift) {
    return normalize_by(v, Statistics<U, B>{m, s}, scale, shift);
  };
  CHECK(disagreement<T>(by, x, mean, variance, w, b) < device_tolerance<T>);
  const auto on_tape = [&](const auto& v, const auto& scale, const auto& shift) {
    using V = std::remove_cvref_t<decltype(v)>;
    using B = typename V::Backend;
    const auto there = [](const Tensor<double>& s) { return to<B>(cast<Wide<typename V::Scalar>>(s)); };
    return normalize_by(v, Statistics<typename V::Scalar, B>{there(mean), there(variance)}, scale, shift, 1e-5,
                        Epilogue{function::Silu{}});
  };
  CHECK(gradient_disagreement<T>(on_tape, x, w, b) < device_tolerance<T>);

  const auto there = to<Cuda>(converted<T>(x));
  const Statistics<T, Cuda> own{Tensor<T, Cuda>(Shape{7}), Tensor<T, Cuda>(Shape{7})};
  const auto y = batch_norm(there, None{}, None{}, 1e-5, own);
  CHECK(same(to<Cpu>(normalize_by(there, own, None{}, None{})), to<Cpu>(y)));
}

TEST_CASE_TEMPLATE("a function after a normalisation gives what it gives on the CPU, and so do its gradients", T, float,
                   double) {
  const auto x = affine(random<double>({3, 11, 7}), 2, 3), dy = random<double>({3, 11, 7}, 4);
  const auto w = random<double>({7}, 2), b = random<double>({7}, 3);
  const auto after = []<class U, class B>(const Tensor<U, B>& v, const Tensor<U, B>& scale, const Tensor<U, B>& shift,
                                          const Tensor<U, B>& d) {
    const Statistics<U, B> own{Tensor<Wide<U>, B>(Shape{7}), Tensor<Wide<U>, B>(Shape{7})};
    Tape tape;
    const auto x_of_tape = tape.variable(v);
    const auto y = batch_norm(x_of_tape, scale, shift, 1e-2, own, Epilogue{function::Silu{}});
    return std::tuple{y.value(), tape.gradient(sum(y * d), x_of_tape),
                      normalize_by(v, own, scale, shift, 1e-2, Epilogue{function::Silu{}})};
  };
  CHECK(disagreement<T>(after, x, w, b, dy) < 3 * device_tolerance<T>);
}

TEST_CASE_TEMPLATE("a gradient that is there before that of a normalisation is part of it", T, float, double,
                   bfloat16) {
  const auto residual = [](const auto& x, const auto& w, const auto& b) {
    const auto v = tanh(x);
    return v + layer_norm(v, w, b) * 0.5;
  };
  for (const Index width : {1, 7, 64, 4000}) {
    const auto x = random<double>({3, width}), w = random<double>({width}, 2), b = random<double>({width}, 3);
    CHECK(gradient_disagreement<T>(residual, x, w, b) < 2 * device_tolerance<T>);
  }
}
