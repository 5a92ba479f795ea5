// SPDX-License-Identifier: MIT
// The matrix product, the convolutions, local filters and attention in GFLOP/s (two for each product of the definition,
// border or not), beside what the machine's multiply-add units can do at most; sampling between pixels in millions of
// samples a second.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <flipbook/backend/cpu/attention/gradient.hpp>
#include <flipbook/backend/cpu/conv/conv.hpp>
#include <flipbook/backend/cpu/filter/local_filter.hpp>
#include <flipbook/backend/cpu/gemm/gemm.hpp>
#include <flipbook/backend/cpu/resample/grid_sample.hpp>
#include <flipbook/core/fill.hpp>

#include "layers.hpp"
#include "roof.hpp"

namespace {

using namespace flipbook;
using cpu::Layout;
using networks::Layer;

/// @param numbers  that must at least be read or written
void report(benchmark::State& state, double products, Index numbers = 0) {
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * products, benchmark::Counter::kIsIterationInvariantRate);
  if (numbers > 0) state.counters["FLOP/byte"] = 2 * products / (sizeof(float) * static_cast<double>(numbers));
}

void peak(benchmark::State& state) {
  std::vector<float> results(static_cast<std::size_t>(threads()));
  for (auto _ : state) {
    roof::multiply_adds(results);
    benchmark::DoNotOptimize(results.data());
  }
  report(state, roof::multiply_adds());
}

Tensor<float, Cpu> drawn(Index size) {
  Rng rng{1};
  return normal<float>({size}, rng);
}

enum class Pass { forward, input_gradient, weight_gradient };

void convolution(benchmark::State& state, const ConvGeometry& g, Pass pass, bool direct) {
  auto x = drawn(g.inputs() * g.in_channels), y = drawn(g.outputs() * g.out_channels);
  auto w = drawn(g.taps() * (g.in_channels / g.groups) * g.out_channels);
  const float* const none = nullptr;
  for (auto _ : state) {
    if (pass == Pass::forward)
      (direct ? cpu::direct_conv<float> : cpu::conv<float>)(g, x.data(), w.data(), none, y.data());
    else if (pass == Pass::weight_gradient)
      (direct ? cpu::direct_conv_weight<float> : cpu::conv_weight<float>)(g, x.data(), y.data(), w.data());
    else
      (direct ? cpu::direct_conv_transpose<float> : cpu::conv_transpose<float>)(g, y.data(), w.data(), none, x.data());
  }
  report(state, double(g.multiply_adds()), x.size() + y.size() + w.size());
}

void product(benchmark::State& state, Layout a_layout, Layout b_layout, Index m, Index n, Index k) {
  const auto a = drawn(m * k), b = drawn(k * n);
  auto c = drawn(m * n);
  const Index lda = a_layout == Layout::normal ? k : m, ldb = b_layout == Layout::normal ? n : k;
  const float* const none = nullptr;
  for (auto _ : state) cpu::gemm(a_layout, b_layout, m, n, k, a.data(), lda, b.data(), ldb, c.data(), n, false, none);
  report(state, double(m * n) * double(k), m * k + k * n + m * n);
}

/// Causal attention of a sequence to itself. Of products the definition has two forward and four backward, of the pairs
/// that it sees; that the scores are worked out once more is not counted.
void self_attention(benchmark::State& state, const AttentionGeometry& g, bool backward) {
  const Index token = g.heads * g.width;
  const auto qkv = drawn(g.batch * g.queries * 3 * token), dy = drawn(g.batch * g.queries * token);
  Tensor<float, Cpu> y(dy.shape()), gradient(qkv.shape()), log_sums({g.batch * g.heads * g.queries});
  const auto heads = [&](auto* data, Index parts, Index part) {
    return HeadRows{data + part * token, g.queries * parts * token, parts * token, g.width};
  };
  const auto all = [&](auto* data) { return AttentionRows{heads(data, 3, 0), heads(data, 3, 1), heads(data, 3, 2)}; };
  const auto x = all(qkv.data());
  const auto forward = [&] { cpu::attention<float>(g, x.q, x.k, x.v, {}, heads(y.data(), 1, 0), log_sums.data()); };
  forward();
  for (auto _ : state) {
    if (!backward) forward();
    else
      cpu::attention_gradient<float>(g, x, {}, heads(std::as_const(y).data(), 1, 0), heads(dy.data(), 1, 0),
                                     log_sums.data(), all(gradient.data()), g.keys);
  }
  Index pairs = 0;
  for (Index i = 0; i < g.queries; ++i) pairs += g.visible(i);
  report(state, double(backward ? 4 : 2) * double(g.batch * g.heads * pairs) * double(g.width));
}

enum class SamplePass { forward, adjoint, positions };

/// A frame warped by displacements of about two pixels.
void sampling(benchmark::State& state, Index extent, Index channels, SamplePass pass) {
  Sampling s;
  s.samples = extent * extent, s.channels = channels, s.own_columns = extent;
  s.across.extent = s.down.extent = extent, s.across.padding = s.down.padding = PaddingMode::border;
  auto x = drawn(s.pixels() * channels), y = drawn(s.samples * channels), dgrid = drawn(2 * s.samples);
  auto grid = drawn(2 * s.samples);
  for (float& displacement : grid) displacement *= 2;
  for (auto _ : state) {
    if (pass == SamplePass::forward) cpu::grid_sample(s, x.data(), grid.data(), y.data());
    else if (pass == SamplePass::adjoint) cpu::grid_sample_adjoint(s, y.data(), grid.data(), x.data());
    else cpu::grid_sample_positions(s, x.data(), grid.data(), y.data(), dgrid.data());
  }
  state.counters["Msamples/s"] =
      benchmark::Counter(1e-6 * double(s.samples), benchmark::Counter::kIsIterationInvariantRate);
}

enum class FilterPass { forward, adjoint, gradient };

/// Pictures by filters of their blocks.
void filtering(benchmark::State& state, const LocalFilterGeometry& g, FilterPass pass) {
  const Index numbers = g.frames * g.height * g.width * g.channels;
  auto x = drawn(numbers), y = drawn(numbers), filters = drawn(g.frames * g.rows * g.columns * g.taps());
  for (auto _ : state) {
    if (pass == FilterPass::forward) cpu::local_filter(g, x.data(), filters.data(), y.data());
    else if (pass == FilterPass::adjoint) cpu::local_filter_adjoint(g, y.data(), filters.data(), x.data());
    else cpu::local_filter_gradient(g, x.data(), y.data(), filters.data());
  }
  report(state, double(numbers) * double(g.taps()), 2 * numbers + filters.size());
}

}  // namespace

int main(int count, char** arguments) {
  const auto add = [](const std::string& name, auto run) {
    benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime()->Unit(benchmark::kMicrosecond);
  };
  add("peak", peak);
  for (const Layer& layer : networks::layers) {
    const ConvGeometry g = networks::geometry(layer);
    const std::string name = layer.name;
    const bool shorter = cpu::winograd::scheme_of<float>(g).filter != nullptr || cpu::narrow::fits<float>(g) ||
                         cpu::depthwise::fits<float>(g);
    for (const bool direct : {false, true}) {
      if (direct && !shorter) continue;
      const std::string suffix = direct ? ", direct" : "";
      // What runs forward in a convolution is the input gradient of its adjoint.
      add(name + "/forward" + suffix,
          [=](auto& state) { convolution(state, g, layer.transposed ? Pass::input_gradient : Pass::forward, direct); });
      add(name + "/input gradient" + suffix,
          [=](auto& state) { convolution(state, g, layer.transposed ? Pass::forward : Pass::input_gradient, direct); });
      add(name + "/weight gradient" + suffix,
          [=](auto& state) { convolution(state, g, Pass::weight_gradient, direct); });
    }
  }
  const Index sizes[][3] = {{2048, 768, 256}, {2048, 256, 1024}, {1024, 1024, 1024}, {64, 64, 64}, {1, 1024, 1024}};
  for (const auto& [m, n, k] : sizes) {
    const std::string name = "gemm " + std::to_string(m) + " " + std::to_string(n) + " " + std::to_string(k);
    add(name + "/NN", [=, m = m, n = n, k = k](auto& s) { product(s, Layout::normal, Layout::normal, m, n, k); });
    add(name + "/NT", [=, m = m, n = n, k = k](auto& s) { product(s, Layout::normal, Layout::transposed, m, n, k); });
    add(name + "/TN", [=, m = m, n = n, k = k](auto& s) { product(s, Layout::transposed, Layout::normal, m, n, k); });
  }
  const Index sequences[][4] = {{2, 8, 1024, 32}, {2, 4, 1024, 64}, {4, 8, 256, 32}};
  for (const auto& [n, heads, length, width] : sequences) {
    AttentionGeometry g{.batch = n, .heads = heads, .queries = length, .keys = length, .width = width};
    g.causal_block = 1, g.scale = 1 / std::sqrt(double(width));
    const std::string name = "attention " + std::to_string(n) + " " + std::to_string(heads) + " " +
                             std::to_string(length) + " " + std::to_string(width);
    add(name + "/forward", [=](auto& state) { self_attention(state, g, false); });
    add(name + "/backward", [=](auto& state) { self_attention(state, g, true); });
  }
  for (const Index channels : {1, 3, 16, 64}) {
    const std::string name = "grid_sample 128x128 " + std::to_string(channels);
    add(name + "/forward", [=](auto& state) { sampling(state, 128, channels, SamplePass::forward); });
    add(name + "/adjoint", [=](auto& state) { sampling(state, 128, channels, SamplePass::adjoint); });
    add(name + "/positions", [=](auto& state) { sampling(state, 128, channels, SamplePass::positions); });
  }
  for (const LocalFilterGeometry& g : {LocalFilterGeometry{64, 64, 64, 1, 16, 16, 9},  // blocks of 4×4
                                       LocalFilterGeometry{8, 128, 128, 32, 128, 128, 3}}) {
    const std::string name = "local_filter " + std::to_string(g.frames) + " " + std::to_string(g.height) + "x" +
                             std::to_string(g.width) + " " + std::to_string(g.channels);
    add(name + "/forward", [=](auto& state) { filtering(state, g, FilterPass::forward); });
    add(name + "/adjoint", [=](auto& state) { filtering(state, g, FilterPass::adjoint); });
    add(name + "/gradient", [=](auto& state) { filtering(state, g, FilterPass::gradient); });
  }
  benchmark::Initialize(&count, arguments);
  benchmark::RunSpecifiedBenchmarks();
}
