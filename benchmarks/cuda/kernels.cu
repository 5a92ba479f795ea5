// SPDX-License-Identifier: MIT
// Kernels on the device: products, convolutions, attention and local filters beside the rate of a bfloat16 product of
// 8192³, kernels that are bound by memory beside the bandwidth of a copy.
//
//   kernels [WORD…]     those whose names contain one of the words; without any, all

#include <array>
#include <cstring>
#include <span>
#include <string>

#include <flipbook/autodiff/tape.hpp>
#include <flipbook/ops/attention/attention.hpp>
#include <flipbook/ops/conv/conv.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/filter/local_filter.hpp>
#include <flipbook/ops/matmul/matmul.hpp>
#include <flipbook/ops/norm/norm.hpp>
#include <flipbook/ops/resample/grid_sample.hpp>
#include <flipbook/ops/softmax/softmax.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/optim/optimizer.hpp>

#include "../backend/layers.hpp"
#include "timing.hpp"

namespace {

using namespace flipbook;

std::span<char*> words;

template <class T>
Tensor<T, Cuda> drawn(const Shape& shape) {
  Rng rng{1};
  return normal<T, Cuda>(shape, rng);
}

/// Times kernels and prints a line for each: its rate, and how that compares with `most`.
struct Table {
  const char* unit;
  double most;  ///< 10⁹ of work a second

  template <class F>
  double line(const std::string& name, double giga, const F& f) const {
    const auto asked = [&](const char* word) { return std::strstr(name.c_str(), word) != nullptr; };
    if (!words.empty() && std::none_of(words.begin(), words.end(), asked)) return 0;
    try {
      const double milliseconds = benchmark::device_milliseconds(f), rate = giga / milliseconds * 1e3;
      std::printf("%-58s %10.3f ms %10.1f %s  %5.2f\n", name.c_str(), milliseconds, rate, unit, rate / most);
      std::fflush(stdout);
      return rate;
    } catch (const Error& error) {
      std::printf("%-58s %s\n", name.c_str(), error.what());
      return 0;
    }
  }
};

template <class T>
double product_rate(Index m, Index n, Index k, Transposed transposed = {}) {
  const auto a = drawn<T>(transposed.a ? Shape{k, m} : Shape{m, k}),
             b = drawn<T>(transposed.b ? Shape{n, k} : Shape{k, n});
  return 2e-9 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) /
         benchmark::device_milliseconds([&] { matmul(a, b, transposed); }) * 1e3;
}

template <class T>
void products(const Table& table, const std::string& numbers) {
  const Index sizes[][3] = {{8192, 8192, 8192}, {2048, 768, 256},   {32768, 768, 256},
                            {32768, 256, 1024}, {32768, 1024, 256}, {128, 8192, 128}};
  for (const auto& [m, n, k] : sizes) {
    for (const auto& [name, transposed] :
         {std::pair{"NN", Transposed{}}, {"NT", Transposed{false, true}}, {"TN", Transposed{true, false}}}) {
      const auto a = drawn<T>(transposed.a ? Shape{k, m} : Shape{m, k}),
                 b = drawn<T>(transposed.b ? Shape{n, k} : Shape{k, n});
      table.line(text("product ", m, " × ", k, " × ", n, ' ', name, ' ', numbers),
                 2e-9 * static_cast<double>(m * n) * static_cast<double>(k), [&, t = transposed] { matmul(a, b, t); });
    }
  }
}

/// The layers of the comparison with PyTorch at 16 times their batch, by cuDNN and by the own kernels.
template <class T>
void convolutions(const Table& table, const std::string& numbers) {
  for (const networks::Layer& layer : networks::layers) {
    ConvGeometry g = networks::geometry(layer);
    g.batch *= 16;
    const auto image = [&](const ConvGeometry::Axes& e, Index channels) {
      return Shape{g.batch, e[0], e[1], e[2], channels};
    };
    auto x = drawn<T>(image(g.input, g.in_channels)), y = drawn<T>(image(g.output, g.out_channels));
    auto w = drawn<T>({g.kernel[0], g.kernel[1], g.kernel[2], g.in_channels / g.groups, g.out_channels});
    const double giga = 2e-9 * static_cast<double>(g.multiply_adds());
    const T* const none = nullptr;
    for (const bool cudnn : {false, true}) {
      cuda::arithmetic().cudnn = cudnn;
#ifndef FLIPBOOK_CUDNN
      if (cudnn) continue;
#endif
      const auto line = [&](const char* pass, const auto& f) {
        table.line(text(layer.name, '/', pass, ' ', numbers, cudnn ? " cudnn" : " own"), giga, f);
      };
      line(layer.transposed ? "input gradient" : "forward", [&] { kernel::conv(Cuda{}, g, y, x, w, none); });
      line(layer.transposed ? "forward" : "input gradient", [&] { kernel::conv_transpose(Cuda{}, g, x, y, w, none); });
      line("weight gradient", [&] { kernel::conv_weight(Cuda{}, g, w, x, y); });
    }
  }
  cuda::arithmetic().cudnn = true;
}

template <class T>
void attentions(const Table& table, const std::string& numbers) {
  constexpr Index batch = 16, length = 1024, heads = 8;
  for (const Index width : {32, 64, 128}) {
    for (const bool causal : {false, true}) {
      const auto qkv = drawn<T>({batch, length, 3, heads, width}), dy = drawn<T>({batch, length, heads, width});
      AttentionGeometry g{.batch = batch, .heads = heads, .queries = length, .keys = length};
      g.width = width, g.causal_block = causal ? 1 : 0, g.scale = 1 / std::sqrt(static_cast<double>(width));
      const double giga = 4e-9 * static_cast<double>(batch * heads * length * length * width) * (causal ? 0.5 : 1);
      const std::string name = text("attention ", length, " × ", width, causal ? " causal " : " ", numbers);
      Attention<T, Cuda> attention{g, {}};
      const auto y = attention(qkv);
      table.line(name + "/forward", giga, [&] { attention(qkv); });
      table.line(name + "/gradients", 2.5 * giga, [&] {
        AttentionGradient<T, Cuda>{g, {}, attention.log_sums}(qkv, y, dy);
      });
    }
  }
}

/// @param table  whose unit is GB/s
template <class T>
void memory_bound(const Table& table, const std::string& numbers) {
  constexpr Index channels = 128, rows = Index{1} << 20, size = rows * channels;
  const auto x = drawn<T>({rows, channels}), y = drawn<T>({rows, channels});
  const auto w = full<T, Cuda>({channels}, T(1));
  const auto line = [&](const char* name, double passes, const auto& f) {
    table.line(text(name, ' ', numbers), 1e-9 * passes * static_cast<double>(size) * sizeof(T), f);
  };
  line("relu", 2, [&] { relu(x); });
  line("gelu", 2, [&] { gelu(x); });
  line("x + y", 3, [&] { x + y; });
  line("batch normalisation", 3, [&] { batch_norm(x, w, w); });
  line("layer normalisation", 2, [&] { layer_norm(x, w, w); });
  line("softmax", 2, [&] { softmax(x); });
  line("sum", 1, [&] { sum(x); });
  Optimizer<optim::Adam, T, Cuda> adam({}, zeros<T, Cuda>({size}));
  const auto parameters = x.clone().reshape({size}), gradient = y.reshape({size});
  // Of float: the gradient read, the rest read and written. Of bfloat16 there are parameters in float besides.
  constexpr double bytes = sizeof(T) == 4 ? 4 + 3 * 8 : 2 + 3 * 8 + 2;
  table.line(text("adam ", numbers), 1e-9 * bytes * static_cast<double>(size),
             [&] { adam.step(parameters, gradient); });
}

/// Frames warped by displacements of about two pixels; the adjoint and the gradient in positions too.
/// @param table  whose unit is GB/s
template <class T>
void samplings(const Table& table, const std::string& numbers) {
  for (const auto& [frames, extent, channels] : {std::array<Index, 3>{64, 256, 3}, {64, 128, 64}}) {
    const auto x = drawn<T>({frames, extent, extent, channels}), dy = drawn<T>(x.shape());
    const auto flow = affine(drawn<T>({frames, extent, extent, 2}), 2, 0);
    Sampling how = detail::sampling_of("warp", "displacements", x.shape(), flow.shape(), PaddingMode::border);
    how.own_columns = extent;
    const auto line = [&](const char* pass, double passes, double flows, const auto& f) {
      const double numbers_moved = passes * static_cast<double>(x.size()) + flows * static_cast<double>(flow.size());
      table.line(text("grid_sample ", extent, " × ", extent, " × ", channels, pass, ' ', numbers),
                 1e-9 * numbers_moved * sizeof(T), f);
    };
    line("/forward", 2, 1, [&] { GridSample{how}(x, flow); });
    line("/adjoint", 2, 1, [&] { GridSampleAdjoint{how}(dy, flow); });
    line("/positions", 2, 2, [&] { detail::gradient_in_positions(how, x, flow, dy); });
  }
}

/// Pictures by filters of their blocks.
/// @param table  whose unit is GFLOP/s
template <class T>
void filterings(const Table& table, const std::string& numbers) {
  for (const LocalFilterGeometry& g : {LocalFilterGeometry{64, 64, 64, 1, 16, 16, 9},  // blocks of 4×4
                                       LocalFilterGeometry{8, 128, 128, 32, 128, 128, 3}}) {
    const auto x = drawn<T>({g.frames, g.height, g.width, g.channels}), dy = drawn<T>(x.shape());
    const auto filters = drawn<T>({g.frames, g.rows, g.columns, g.taps()});
    const auto line = [&](const char* pass, const auto& f) {
      table.line(
          text("local_filter ", g.frames, " × ", g.height, " × ", g.width, " × ", g.channels, pass, ' ', numbers),
          2e-9 * static_cast<double>(x.size() * g.taps()), f);
    };
    line("/forward", [&] { LocalFilter{g}(x, filters); });
    line("/adjoint", [&] { LocalFilterAdjoint{g}(dy, filters); });
    line("/gradient", [&] { LocalFilterGradient{g}(x, dy); });
  }
}

/// GB/s, read and written, of a copy of 1 GiB within the device.
double copy_rate() {
  const Tensor<float, Cuda> from({Index{1} << 28});
  Tensor<float, Cuda> to(from.shape());
  const std::size_t bytes = static_cast<std::size_t>(from.size()) * sizeof(float);
  const auto copy = [&] {
    cuda::check(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice, cuda::stream()), "copy");
  };
  return 2e-9 * static_cast<double>(bytes) / benchmark::device_milliseconds(copy) * 1e3;
}

void run() {
  benchmark::print_device();
  cuda::arithmetic().autotune = true;
  const Table arithmetic{"GFLOP/s", product_rate<bfloat16>(8192, 8192, 8192)}, memory{"GB/s", copy_rate()};
  std::printf("a product of 8192³ in bfloat16: %.1f TFLOP/s; a copy: %.1f GB/s\n", arithmetic.most / 1e3, memory.most);
  std::printf("the last column is the rate beside that\n\n");
  products<bfloat16>(arithmetic, "bfloat16");
  convolutions<bfloat16>(arithmetic, "bfloat16");
  attentions<bfloat16>(arithmetic, "bfloat16");
  for (const bool tf32 : {true, false}) {
    cuda::arithmetic().tf32 = tf32;
    const char* const numbers = tf32 ? "tf32" : "float";
    products<float>(arithmetic, numbers);
    convolutions<float>(arithmetic, numbers);
    attentions<float>(arithmetic, numbers);
  }
  memory_bound<float>(memory, "float");
  memory_bound<bfloat16>(memory, "bfloat16");
  filterings<float>(arithmetic, "float");
  filterings<bfloat16>(arithmetic, "bfloat16");
  samplings<float>(memory, "float");
  samplings<bfloat16>(memory, "bfloat16");
}

}  // namespace

int main(int count, char** arguments) {
  words = {arguments + 1, static_cast<std::size_t>(std::max(0, count - 1))};
  try {
    run();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
