// The matrix product and the convolutions in GFLOP/s (two for each product of the definition, border or
// not), beside what the machine's multiply-add units can do at most.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <flipbook/backend/cpu/conv.hpp>
#include <flipbook/backend/cpu/gemm.hpp>
#include <flipbook/core/fill.hpp>

namespace {

using namespace flipbook;
using cpu::Layout;
using Axes = ConvGeometry::Axes;

void report(benchmark::State& state, double products) {
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * products, benchmark::Counter::kIsIterationInvariantRate);
}

/// Independent fused multiply-adds on every thread, enough of them to hide their latency.
void peak(benchmark::State& state) {
  using V = cpu::Simd<float>;
  constexpr Index rounds = 1 << 22, chains = 12;
  std::vector<float> results(static_cast<std::size_t>(threads()));
  for (auto _ : state) {
    parallel_tasks(threads(), [&](Index thread) {
      V sum[chains];
      for (Index i = 0; i < chains; ++i) sum[i] = V(static_cast<float>(i));
      for (Index r = 0; r < rounds; ++r) {
        FLIPBOOK_UNROLL
        for (Index i = 0; i < chains; ++i) sum[i] = cpu::multiply_add(sum[i], V(1.0001F), V(0.999F));
      }
      for (Index i = 1; i < chains; ++i) sum[0] += sum[i];
      results[static_cast<std::size_t>(thread)] = xsimd::hadd(sum[0]);
    });
    benchmark::DoNotOptimize(results.data());
  }
  report(state, double(rounds * chains * threads() * cpu::lanes<float>));
}

Tensor<float, Cpu> drawn(Index size) {
  Rng rng{1};
  return normal<float>({size}, rng);
}

enum class Pass { forward, input_gradient, weight_gradient };

void convolution(benchmark::State& state, const ConvGeometry& g, Pass pass, bool direct) {
  auto x = drawn(g.inputs() * g.in_channels), y = drawn(g.outputs() * g.out_channels);
  auto w = drawn(g.taps() * g.in_channels * g.out_channels);
  const float* const none = nullptr;
  for (auto _ : state) {
    if (pass == Pass::forward) (direct ? cpu::direct_conv<float> : cpu::conv<float>)(g, x.data(), w.data(), none, y.data());
    else if (pass == Pass::weight_gradient) (direct ? cpu::direct_conv_weight<float> : cpu::conv_weight<float>)(g, x.data(), y.data(), w.data());
    else (direct ? cpu::direct_conv_transpose<float> : cpu::conv_transpose<float>)(g, y.data(), w.data(), none, x.data());
  }
  report(state, double(g.outputs() * g.taps()) * double(g.in_channels * g.out_channels));
}

void product(benchmark::State& state, Layout a_layout, Layout b_layout, Index m, Index n, Index k) {
  const auto a = drawn(m * k), b = drawn(k * n);
  auto c = drawn(m * n);
  const Index lda = a_layout == Layout::normal ? k : m, ldb = b_layout == Layout::normal ? n : k;
  const float* const none = nullptr;
  for (auto _ : state) cpu::gemm(a_layout, b_layout, m, n, k, a.data(), lda, b.data(), ldb, c.data(), n, false, none);
  report(state, double(m * n) * double(k));
}

struct Layer {
  const char* name;
  bool transposed;  ///< the geometry is that of the convolution which the layer is the adjoint of
  Index batch;
  Axes input;
  Index in, out;
  Axes kernel, stride, padding;
};

/// Named as a network would run them; a transposed layer's input is the smaller side.
const Layer layers[] = {
    {"video 64to64 k3", false, 4, {8, 16, 16}, 64, 64, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}},
    {"video 64to128 k4s2", false, 4, {8, 32, 32}, 64, 128, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}},
    {"video 3to64 k4s2", false, 4, {16, 32, 32}, 3, 64, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}},
    {"video transposed 128to64 k4s2", true, 4, {8, 32, 32}, 64, 128, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}},
    {"video transposed 64to3 k4s2", true, 4, {16, 64, 64}, 3, 64, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}},
    {"dcgan transposed 100to512 k4", true, 64, {1, 4, 4}, 512, 100, {1, 4, 4}, {1, 1, 1}, {0, 0, 0}},
    {"dcgan transposed 512to256 k4s2", true, 64, {1, 8, 8}, 256, 512, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan transposed 256to128 k4s2", true, 64, {1, 16, 16}, 128, 256, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan transposed 128to3 k4s2", true, 64, {1, 32, 32}, 3, 128, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan 3to128 k4s2", false, 64, {1, 32, 32}, 3, 128, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan 128to256 k4s2", false, 64, {1, 16, 16}, 128, 256, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan 256to512 k4s2", false, 64, {1, 8, 8}, 256, 512, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan 512to1 k4", false, 64, {1, 4, 4}, 512, 1, {1, 4, 4}, {1, 1, 1}, {0, 0, 0}},
    {"convlstm 64to256 k5", false, 8, {1, 16, 16}, 64, 256, {1, 5, 5}, {1, 1, 1}, {0, 2, 2}},
    {"image 64to64 k3", false, 16, {1, 32, 32}, 64, 64, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}},
    {"video 32to64 k4s2", false, 8, {16, 32, 32}, 32, 64, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}},
    {"convlstm 80to256 k5", false, 8, {1, 16, 16}, 80, 256, {1, 5, 5}, {1, 1, 1}, {0, 2, 2}},
    {"one image 512to512 k3", false, 1, {1, 4, 4}, 512, 512, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}},
};

ConvGeometry geometry(const Layer& layer) {
  ConvGeometry g;
  g.batch = layer.batch, g.input = layer.input, g.in_channels = layer.in, g.out_channels = layer.out;
  g.kernel = layer.kernel, g.stride = layer.stride, g.padding = layer.padding;
  g.fit_output();
  return g;
}

}  // namespace

int main(int count, char** arguments) {
  const auto add = [](const std::string& name, auto run) {
    benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime()->Unit(benchmark::kMicrosecond);
  };
  add("peak", peak);
  for (const Layer& layer : layers) {
    const ConvGeometry g = geometry(layer);
    const std::string name = layer.name;
    const bool shorter = cpu::winograd::scheme_of<float>(g).filter != nullptr || cpu::narrow::fits<float>(g);
    for (const bool direct : {false, true}) {
      if (direct && !shorter) continue;
      const std::string suffix = direct ? ", direct" : "";
      // What runs forward in a convolution is the input gradient of its adjoint.
      add(name + "/forward" + suffix, [=](auto& state) {
        convolution(state, g, layer.transposed ? Pass::input_gradient : Pass::forward, direct);
      });
      add(name + "/input gradient" + suffix, [=](auto& state) {
        convolution(state, g, layer.transposed ? Pass::forward : Pass::input_gradient, direct);
      });
      add(name + "/weight gradient" + suffix, [=](auto& state) { convolution(state, g, Pass::weight_gradient, direct); });
    }
  }
  const Index sizes[][3] = {{2048, 768, 256}, {2048, 256, 1024}, {1024, 1024, 1024}, {64, 64, 64}, {1, 1024, 1024}};
  for (const auto& [m, n, k] : sizes) {
    const std::string name = "gemm " + std::to_string(m) + " " + std::to_string(n) + " " + std::to_string(k);
    add(name + "/NN", [=, m = m, n = n, k = k](auto& s) { product(s, Layout::normal, Layout::normal, m, n, k); });
    add(name + "/NT", [=, m = m, n = n, k = k](auto& s) { product(s, Layout::normal, Layout::transposed, m, n, k); });
    add(name + "/TN", [=, m = m, n = n, k = k](auto& s) { product(s, Layout::transposed, Layout::normal, m, n, k); });
  }
  benchmark::Initialize(&count, arguments);
  benchmark::RunSpecifiedBenchmarks();
}
