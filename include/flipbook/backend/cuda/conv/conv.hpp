// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <initializer_list>

#include <flipbook/backend/cuda/conv/operands.hpp>
#include <flipbook/backend/cuda/gemm/stage.hpp>
#include <flipbook/backend/cuda/runtime/arithmetic.hpp>
#include <flipbook/backend/cuda/runtime/scratch.hpp>

/// Convolution, its adjoint and its gradient, over channels-last images of three axes, as implicit matrix products.
/// Extents and layouts are those of backend/cpu/conv/conv.hpp. Long sums of few tiles are split into parts, which a
/// second kernel adds in order, so that the result does not depend on the order of blocks.

namespace flipbook::inline FLIPBOOK_ISA::cuda {

namespace detail {

template <class T>
inline constexpr int conv_rows = sizeof(T) == 8 ? 64 : 128;
template <class T>
inline constexpr int conv_step = sizeof(T) == 2 ? 32 : 16;

/// The minimum number of resident blocks of a multiprocessor. Of two, one multiplies while the other waits; each thread
/// then has 128 registers, some thirty fewer than tiles of 2-byte scalars would use.
template <class T>
inline constexpr int conv_blocks = sizeof(T) == 2 ? 2 : 1;

template <class T, bool Fast, int Columns, Inner A, Inner B>
using ConvProduct = StagedProduct<T, Fast, conv_rows<T>, Columns,
                                  Columns == 128  ? 2
                                  : Columns == 64 ? 4
                                                  : 8,
                                  Columns == 128  ? 4
                                  : Columns == 64 ? 2
                                                  : 1,
                                  conv_step<T>, A, B>;

/// The grid of blocks: tiles of columns (fastest), tiles of rows, groups, phases and parts.
struct TilePlan {
  int row_tiles, column_tiles, groups, phases, parts;

  struct Place {
    int row, column, group, phase, part;
  };
  constexpr Place place(Index block) const {
    const auto next = [&block](int extent) {
      const auto at = static_cast<int>(block % extent);
      block /= extent;
      return at;
    };
    Place place{};
    place.column = next(column_tiles), place.row = next(row_tiles), place.group = next(groups);
    place.phase = next(phases), place.part = static_cast<int>(block);
    return place;
  }
  Index blocks() const { return Index{row_tiles} * column_tiles * groups * phases * parts; }
  dim3 grid() const { return grid_of(blocks()); }
  /// Chooses the number of parts: a few tiles for every multiprocessor, each of at least `least` steps, with at most
  /// 128 MiB of partial sums.
  void divide(int steps, int least, std::size_t bytes_a_part) {
    const Index wanted = 2 * Index{properties().multiprocessors} / std::max<Index>(1, blocks());
    const Index fitting = static_cast<Index>((std::size_t{1} << 27) / std::max<std::size_t>(1, bytes_a_part));
    parts = static_cast<int>(std::max<Index>(1, std::min({wanted, Index{steps / least}, fitting})));
  }
};

/// The destination of sums: the output, or the partial sums of a part.
template <class T>
struct SumTarget {
  T* out;
  Wide<T>* parts;  ///< null: there is only one
  const T* bias;
  Index size;  ///< of the output

  __device__ void put(int part, Index at, int channel, Wide<T> sum) const {
    if (parts != nullptr) parts[part * size + at] = sum;
    else out[at] = static_cast<T>(bias == nullptr ? sum : sum + static_cast<Wide<T>>(bias[channel]));
  }
};

inline constexpr int most_phases = 8;  ///< in one launch

template <class T>
struct ImplicitGemm {
  TilePlan plan;
  const T *in, *weights;
  SumTarget<T> target;
  PixelGrid in_grid, out_grid;
  WeightGrid weight_grid;
  Divider channel_divider;
  int channels, columns;  ///< of a group
  bool packed_in, packed_weights;
  ReceptiveField fields[most_phases];
};

/// out[q, o] = Σ_(tap, c)  in[pixel(q, tap), c] · weights[tap, c, o]  for all phases and groups.
template <class T, bool Fast, int Columns, bool Turned>
__global__ void __launch_bounds__(256, conv_blocks<T>) implicit_gemm(const __grid_constant__ ImplicitGemm<T> work) {
  using Product = ConvProduct<T, Fast, Columns, Inner::depth, Turned ? Inner::depth : Inner::side>;
  const auto at = work.plan.place(blockIdx.x);
  const ReceptiveField& field = work.fields[at.phase];
  const int row = at.row * Product::rows, column = at.column * Columns;
  if (row >= field.lines) return;
  const int depth = field.taps_in_all() * work.channels, steps = (depth + Product::step - 1) / Product::step;
  const Patches<T> left{
      work.in + Index{at.group} * work.channels, work.in_grid, field, work.channel_divider, depth, work.packed_in};
  const Weights<T, Turned> right{work.weights + at.group * (Turned ? work.channels * work.weight_grid.channel_pitch
                                                                   : work.columns * work.weight_grid.column_pitch),
                                 field,
                                 work.weight_grid,
                                 work.channel_divider,
                                 depth,
                                 work.columns,
                                 work.packed_weights};
  typename Product::Sums sums;
  Product::sum(sums, left, row, right, column, static_cast<int>(Index{steps} * at.part / work.plan.parts),
               static_cast<int>(Index{steps} * (at.part + 1) / work.plan.parts));
#pragma unroll
  for (int i = 0; i < Product::Sums::lines; ++i) {
    int position = row + Product::Sums::row(i);
    if (position >= field.lines) continue;
    const int w = field.positions[2].split(position), h = field.positions[1].split(position);
    const int t = field.positions[0].split(position);
    const auto pixel = [&](int axis, int q) { return field.axis[axis].first + q * field.axis[axis].pixel_step; };
    const Index first = work.out_grid.offset(position, pixel(0, t), pixel(1, h), pixel(2, w)) + at.group * work.columns;
#pragma unroll
    for (int j = 0; j < Product::Sums::line; ++j) {
      const int o = column + Product::Sums::column(j);
      if (o < work.columns) work.target.put(at.part, first + o, at.group * work.columns + o, sums(i, j));
    }
  }
}

template <class T>
struct WeightGradient {
  TilePlan plan;
  const T *x, *dy;
  SumTarget<T> target;
  PixelGrid in_grid;
  Divider channel_divider;
  int channels, columns;  ///< of a group
  Index out_channels;
  bool packed_x, packed_dy;
  ReceptiveField field;
};

/// dw[tap, c, o] = Σ_q  x[pixel(q, tap), c] · dy[q, o]  for all groups.
template <class T, bool Fast, int Columns>
__global__ void __launch_bounds__(256, conv_blocks<T>) weight_gradient(const __grid_constant__ WeightGradient<T> work) {
  using Product = ConvProduct<T, Fast, Columns, Inner::side, Inner::side>;
  const auto at = work.plan.place(blockIdx.x);
  const ReceptiveField& field = work.field;
  const int row = at.row * Product::rows, column = at.column * Columns;
  const int height = field.taps_in_all() * work.channels;
  const Patches<T> left{
      work.x + Index{at.group} * work.channels, work.in_grid, field, work.channel_divider, height, work.packed_x};
  const Matrix<T> right{work.dy + Index{at.group} * work.columns, field.lines, work.columns, work.out_channels,
                        work.packed_dy};
  const int steps = (field.lines + Product::step - 1) / Product::step;
  typename Product::Sums sums;
  Product::sum(sums, left, row, right, column, static_cast<int>(Index{steps} * at.part / work.plan.parts),
               static_cast<int>(Index{steps} * (at.part + 1) / work.plan.parts));
#pragma unroll
  for (int i = 0; i < Product::Sums::lines; ++i) {
    const int r = row + Product::Sums::row(i);
#pragma unroll
    for (int j = 0; j < Product::Sums::line; ++j) {
      const int o = column + Product::Sums::column(j);
      if (r < height && o < work.columns) {
        work.target.put(at.part, r * work.out_channels + at.group * work.columns + o, 0, sums(i, j));
      }
    }
  }
}

/// out[i] = Σ_part parts[part, i] (+ bias of i's channel), in order.
template <class T>
__global__ void add_parts(SumTarget<T> target, int parts, Index channels) {
  for (Index i = thread_number(); i < target.size; i += thread_count()) {
    Wide<T> sum = 0;
    for (int part = 0; part < parts; ++part) sum += target.parts[part * target.size + i];
    if (target.bias != nullptr) sum += static_cast<Wide<T>>(target.bias[i % channels]);
    target.out[i] = static_cast<T>(sum);
  }
}

/// Calls launch_tiles(); if there are several parts, with a buffer for their sums, which are then added.
template <class T, class Launch>
void in_parts(const TilePlan& plan, SumTarget<T>& target, Index channels, const Launch& launch_tiles) {
  if (plan.parts == 1) return launch_tiles();
  const Scratch<Wide<T>> parts(plan.parts * target.size);
  target.parts = parts.data();
  launch_tiles();
  launch(add_parts<T>, dim3(blocks_for(target.size)), dim3(block_threads), 0, target, plan.parts, channels);
}

/// Calls f.template operator()<Columns>() with the tile width for `columns`.
template <class F>
void with_columns(Index columns, const F& f) {
  if (columns <= 32) f.template operator()<32>();
  else if (columns <= 64) f.template operator()<64>();
  else f.template operator()<128>();
}

template <class T>
bool packs(const T* data, std::initializer_list<Index> multiples) {
  return std::bit_cast<std::uintptr_t>(data) % 16 == 0 &&
         std::all_of(multiples.begin(), multiples.end(), [](Index n) { return n % pack_size<T> == 0; });
}

/// Computes all phases, of the fields `receptive_field_of(i)`, at most `most_phases` in one launch.
template <class T, bool Turned, class ReceptiveFieldOf>
void implicit_gemm_all(ImplicitGemm<T>& work, Index phases, const ReceptiveFieldOf& receptive_field_of) {
  const auto launch_with = [&]<bool Fast, int Columns> {
    using Product = ConvProduct<T, Fast, Columns, Inner::depth, Turned ? Inner::depth : Inner::side>;
    const auto each_launch = [&](const auto& body) {
      for (Index first = 0; first < phases; first += most_phases) {
        int lines = 0, deepest = 0;
        work.plan.phases = static_cast<int>(std::min<Index>(most_phases, phases - first));
        for (int i = 0; i < work.plan.phases; ++i) {
          const ReceptiveField& field = work.fields[i] = receptive_field_of(first + i);
          lines = std::max(lines, field.lines), deepest = std::max(deepest, field.taps_in_all() * work.channels);
        }
        work.plan.row_tiles = (lines + Product::rows - 1) / Product::rows;
        work.plan.column_tiles = (work.columns + Columns - 1) / Columns;
        body((deepest + Product::step - 1) / Product::step);
      }
    };
    work.plan.parts = 1;
    if (phases <= most_phases) {
      each_launch(
          [&](int steps) { work.plan.divide(steps, 8, static_cast<std::size_t>(work.target.size) * sizeof(Wide<T>)); });
    }
    in_parts(work.plan, work.target, work.out_grid.pitch, [&] {
      each_launch([&](int) {
        launch(implicit_gemm<T, Fast, Columns, Turned>, work.plan.grid(), dim3(Product::threads), Product::shared_bytes,
               work);
      });
    });
  };
  with_arithmetic<T>([&]<bool Fast> {
    with_columns(work.columns, [&]<int Columns> { launch_with.template operator()<Fast, Columns>(); });
  });
}

}  // namespace detail

/// y[n, p, o] = bias[o] + Σ_k Σ_c  x[n, p·stride + k·dilation − padding, c] · w[k, c, o]
template <class T>
void direct_conv(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  if (g.outputs() * g.out_channels == 0) return;
  const Index channels = g.in_channels / g.groups, columns = g.out_channels / g.groups;
  detail::ImplicitGemm<T> work{};
  work.plan.groups = static_cast<int>(g.groups);
  work.in = x, work.weights = w;
  work.target = {y, nullptr, bias, g.outputs() * g.out_channels};
  work.in_grid = input_grid(g), work.out_grid = output_grid(g);
  work.weight_grid = weight_grid(g, channels * g.out_channels, g.out_channels, 1);
  work.channels = static_cast<int>(channels), work.columns = static_cast<int>(columns);
  work.channel_divider = Divider(std::max<Index>(1, channels));
  work.packed_in = detail::packs(x, {channels, g.in_channels});
  work.packed_weights = detail::packs(w, {columns, g.out_channels});
  detail::implicit_gemm_all<T, false>(work, 1, [&](Index) { return conv_field(g); });
}

/// The adjoint of `direct_conv`, which is also its gradient with respect to x:
///
///     x[n, u, c] = bias[c] + Σ_{p, k : p·stride + k·dilation − padding = u} Σ_o  y[n, p, o] · w[k, c, o]
///
/// Input pixels with the same position modulo the stride use the same taps: each such phase is a dense convolution of y
/// with a part of the kernel.
template <class T>
void direct_conv_transpose(const ConvGeometry& g, const T* y, const T* w, const T* bias, T* x) {
  if (g.inputs() * g.in_channels == 0) return;
  const Index channels = g.out_channels / g.groups, columns = g.in_channels / g.groups;
  detail::ImplicitGemm<T> work{};
  work.plan.groups = static_cast<int>(g.groups);
  work.in = y, work.weights = w;
  work.target = {x, nullptr, bias, g.inputs() * g.in_channels};
  work.in_grid = output_grid(g), work.out_grid = input_grid(g);
  work.weight_grid = weight_grid(g, columns * g.out_channels, 1, g.out_channels);
  work.channels = static_cast<int>(channels), work.columns = static_cast<int>(columns);
  work.channel_divider = Divider(std::max<Index>(1, channels));
  work.packed_in = work.packed_weights = detail::packs(y, {channels, g.out_channels}) && detail::packs(w, {});
  detail::implicit_gemm_all<T, true>(work, g.stride[0] * g.stride[1] * g.stride[2],
                                     [&](Index i) { return phase_field(g, i); });
}

/// dw[k, c, o] = Σ_{n, p}  x[n, p·stride + k·dilation − padding, c] · dy[n, p, o], the gradient of `direct_conv`
/// with respect to w.
template <class T>
void direct_conv_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  const Index channels = g.in_channels / g.groups, columns = g.out_channels / g.groups, height = g.taps() * channels;
  if (height * g.out_channels == 0) return;
  detail::WeightGradient<T> work{};
  work.x = x, work.dy = dy;
  work.target = {dw, nullptr, nullptr, height * g.out_channels};
  work.in_grid = input_grid(g), work.field = conv_field(g);
  work.channel_divider = Divider(channels);
  work.channels = static_cast<int>(channels), work.columns = static_cast<int>(columns),
  work.out_channels = g.out_channels;
  work.packed_x = detail::packs(x, {channels, g.in_channels});
  work.packed_dy = detail::packs(dy, {columns, g.out_channels});
  with_arithmetic<T>([&]<bool Fast> {
    detail::with_columns(columns, [&]<int Columns> {
      using Product = detail::ConvProduct<T, Fast, Columns, Inner::side, Inner::side>;
      const auto tiles = [](Index extent, Index tile) { return static_cast<int>((extent + tile - 1) / tile); };
      work.plan = {tiles(height, Product::rows), tiles(columns, Columns), static_cast<int>(g.groups), 1, 1};
      work.plan.divide(tiles(work.field.lines, Product::step), 8,
                       static_cast<std::size_t>(work.target.size) * sizeof(Wide<T>));
      detail::in_parts(work.plan, work.target, g.out_channels, [&] {
        launch(detail::weight_gradient<T, Fast, Columns>, work.plan.grid(), dim3(Product::threads),
               Product::shared_bytes, work);
      });
    });
  });
}

}  // namespace flipbook::cuda
