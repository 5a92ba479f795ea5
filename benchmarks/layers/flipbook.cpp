// SPDX-License-Identifier: MIT
// flipbook's side of a comparison of layers that are given while the program runs; see side.hpp.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <flipbook/backend/cpu/conv/conv.hpp>
#include <flipbook/ops/attention/attention.hpp>
#include <flipbook/ops/conv/conv.hpp>
#include <flipbook/ops/matmul/matmul.hpp>
#include <flipbook/ops/resample/grid_sample.hpp>

#include "../backend/roof.hpp"
#include "side.hpp"

namespace {

using namespace flipbook;
using layers::Axes;
using layers::Spec;
using layers::Way;

Tensor<float> drawn(const Shape& shape, layers::Stream stream) {
  Tensor<float> x(shape);
  layers::draw(x.data(), x.size(), stream);
  return x;
}

/// @param f  gives the tensor, anew in each call: its memory comes from the pool, as in a training step
template <class F>
Way way(const std::string& direction, const std::string& name, const F& f) {
  const auto y = std::make_shared<Tensor<float>>();
  return {direction, name, [=] { *y = Tensor<float>{}, *y = f(); },
          [=] { return std::vector<float>(y->data(), y->data() + y->size()); }};
}

/// Which of its kernels computes a convolution; see backend/cpu/conv/conv.hpp.
std::string kernel_of(const ConvGeometry& g) {
  const cpu::PaddedChannels<float> whole(g);
  const auto scheme = cpu::winograd::scheme_of<float>(whole.fits() ? whole.wide() : g);
  if (g.groups > 1) return "groups";
  if (cpu::narrow::fits<float>(g)) return "narrow";
  if (scheme.filter != nullptr)
    return "F(" + std::to_string(scheme.filter->outputs) + ", " + std::to_string(scheme.filter->taps) + ")";
  return cpu::MatmulConv::fits(g) ? "product" : "direct";
}

/// One number for each of three axes, from those of the data, which may have fewer.
Extent extent(const Axes& axes, int missing) {
  const auto from_last = [&](std::size_t i) {
    return axes.size() < i ? missing : static_cast<int>(axes[axes.size() - i]);
  };
  return {from_last(3), from_last(2), from_last(1)};
}

std::vector<Way> convolution(const Spec& spec) {
  const bool transposed = spec.kind == "transposed";
  const auto [in, out] = spec.channels();
  Window window;
  window.stride = extent(spec.axes("s"), 1), window.dilation = extent(spec.axes("d"), 1);
  window.padding = {extent(spec.axes("p"), 0), extent(spec.axes("p"), 0)};
  if (transposed) window.output_padding = extent(spec.axes("o"), 0);
  window.groups = static_cast<int>(spec("g"));
  Shape x_shape{spec("n")}, w_shape;
  for (const Index extent : spec.axes("x")) x_shape.push_back(extent);
  for (const Index extent : spec.axes("k")) w_shape.push_back(extent);
  x_shape.push_back(in);
  w_shape.push_back((transposed ? out : in) / window.groups), w_shape.push_back(transposed ? in : out);

  const auto x = drawn(x_shape, layers::input), w = drawn(w_shape, layers::weights);
  const Shape y_shape = transposed ? conv_transpose(x, w, None{}, window).shape() : conv(x, w, None{}, window).shape();
  const auto dy = drawn(y_shape, layers::output_gradient);
  const auto &wide = transposed ? dy : x, &narrow = transposed ? x : dy;  // of the convolution that this is, or adjoins
  const std::string kernel = kernel_of(detail::conv_geometry(wide.shape(), narrow.shape(), w_shape, window));
  const auto forward = [=](const Tensor<float>& from) { return Convolution{window, narrow.shape()}(from, w); };
  const auto adjoint = [=](const Tensor<float>& from) { return TransposedConvolution{window, wide.shape()}(from, w); };
  return {way("forward", kernel, [=] { return transposed ? adjoint(x) : forward(x); }),
          way("input gradient", kernel, [=] { return transposed ? forward(dy) : adjoint(dy); }),
          way("weight gradient", kernel, [=] {
            return ConvolutionWeight{window, w_shape}(wide, narrow);
          })};
}

std::vector<Way> product(const Spec& spec) {
  const Index b = spec("b"), m = spec("m"), n = spec("n"), k = spec("k");
  const auto matrices = [&](Index rows, Index columns, layers::Stream stream) {
    return drawn(b == 1 ? Shape{rows, columns} : Shape{b, rows, columns}, stream);
  };
  const auto x = matrices(m, k, layers::input), w = matrices(k, n, layers::weights);
  const auto dy = matrices(m, n, layers::output_gradient);
  return {way("forward", "A·B", [=] { return MatMul{}(x, w); }),
          way("input gradient", "A·Bᵀ",
              [=] {
                return MatMul{{false, true}}(dy, w);
              }),
          way("weight gradient", "Aᵀ·B", [=] {
            return MatMul{{true, false}}(x, dy);
          })};
}

std::vector<Way> attention_of(const Spec& spec) {
  AttentionGeometry g{.batch = spec("n"), .heads = spec("h"), .queries = spec("q"), .keys = spec("k")};
  g.width = spec("w"), g.causal_block = spec("causal"), g.scale = 1 / std::sqrt(static_cast<double>(g.width));
  const auto tokens = [&](Index length, layers::Stream stream) {
    return drawn({g.batch, length, g.heads, g.width}, stream);
  };
  const auto q = tokens(g.queries, layers::input), k = tokens(g.keys, layers::weights);
  const auto v = tokens(g.keys, layers::values), dy = tokens(g.queries, layers::output_gradient);
  Attention<float, Cpu> attend{g, {}};
  const auto y = attend(q, k, v);
  const AttentionGradient<float, Cpu> gradient{g, {}, attend.log_sums};
  return {way("forward", "tiles",
              [=] {
                return Attention<float, Cpu>{g, {}}(q, k, v);
              }),
          way("input gradient", "tiles", [=] { return gradient(q, k, v, y, dy); })};
}

/// The grid (n, h, w, 2): each sample a few pixels from its own place, and no position where the gradient jumps.
Tensor<float> positions(const Spec& spec) {
  const Axes x = spec.axes("x"), y = spec.axes("y");
  auto grid = drawn({spec("n"), y[0], y[1], 2}, layers::weights);
  for (Index i = 0; i < grid.size(); ++i) {
    const bool across = i % 2 == 0;
    const auto axis = static_cast<std::size_t>(across ? 1 : 0);
    const Index place = across ? i / 2 % y[1] : i / 2 / y[1] % y[0];
    const auto extent = static_cast<double>(x[axis]);
    const double near = static_cast<double>(place) * extent / static_cast<double>(y[axis]) + 4.0 * grid.data()[i];
    const double at = std::floor(near) + 0.1 + 0.8 * (near - std::floor(near));
    grid.data()[i] =
        static_cast<float>(spec("aligned") != 0 ? 2 * at / std::max(extent - 1, 1.0) - 1 : (2 * at + 1) / extent - 1);
  }
  return grid;
}

std::vector<Way> sampling(const Spec& spec) {
  const Index n = spec("n"), c = spec("c");
  const auto grid = positions(spec);
  const auto x = drawn({n, spec.axes("x")[0], spec.axes("x")[1], c}, layers::input);
  const auto dy = drawn(grid.shape().with_tail(1, {c}), layers::output_gradient);
  const GridSampleOptions options{static_cast<PaddingMode>(spec("padding")), spec("aligned") != 0};
  const Sampling how = detail::grid_sampling(x.shape(), grid.shape(), options);
  const auto gradients = std::make_shared<std::array<Tensor<float>, 2>>();
  return {way("forward", "bilinear", [=] { return grid_sample(x, grid, options); }),
          {"input gradient", "bilinear",
           [=] {
             *gradients = {};
             *gradients = {GridSampleAdjoint{how}(dy, grid), detail::gradient_in_positions(how, x, grid, dy)};
           },
           [=] {
             std::vector<float> both;
             for (const auto& each : *gradients) both.insert(both.end(), each.begin(), each.end());
             return both;
           }}};
}

/// What bounds every layer, named after the GFLOP of a call's multiply-adds and the GB of its copy.
std::vector<Way> roof_of() {
  const auto results = std::make_shared<std::vector<float>>(static_cast<std::size_t>(threads()));
  constexpr Index size = Index{1} << 24;  // 64 MiB
  const auto from = drawn({size}, layers::input);
  const auto to = std::make_shared<Tensor<float>>(Shape{size});
  const auto sums = [=] { return *results; };
  return {{"peak", std::to_string(2e-9 * roof::multiply_adds()), [=] { roof::multiply_adds(*results); }, sums},
          {"copy", std::to_string(2e-9 * sizeof(float) * size), [=] { roof::copy(from, *to); }, sums}};
}

}  // namespace

int main(int count, char** arguments) {
  const int count_of_threads = count > 1 ? std::atoi(arguments[1]) : threads();
  set_threads(count_of_threads);
  return layers::serve(count_of_threads, [](const Spec& spec) {
    if (spec.kind == "roof") return roof_of();
    if (spec.kind == "sampling") return sampling(spec);
    return spec.kind == "matmul" ? product(spec) : spec.kind == "attention" ? attention_of(spec) : convolution(spec);
  });
}
