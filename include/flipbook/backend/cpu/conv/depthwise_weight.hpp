// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/conv/grouped.hpp>
#include <flipbook/backend/cpu/reduce/reduce.hpp>

/// The weights' gradient of convolutions with narrow groups: the sums of some taps stay in registers in the loop over
/// the positions of a line.
namespace flipbook::inline FLIPBOOK_ISA::cpu::depthwise {

/// A tap and a number of the group: the offset of its pixels from those of the position, its row of the result, and the
/// positions [low, high) of a line for which it is inside.
struct WeightTap {
  Index in, row, low, high;
  Index t, h;  ///< its offset along the first two axes
};

/// dw[j, d, c] = Σ_{n, q}  in[n, pixel(q, j), d, c] · dy[n, q, c]
template <Real T>
class WeightGradient {
  /// Taps of a tile: few sums would wait for themselves.
  template <int vectors>
  static constexpr int many_of = TileShape::registers == 32 || vectors == 1 ? 9 : 5;
  static constexpr int few = 3;

 public:
  /// @param streams  whether the input comes from memory
  WeightGradient(const ReceptiveField& field, Index depth, const T* dy, bool streams)
      : field_(field), depth_(depth), dy_(dy), streams_(streams) {}

  /// Workspace of one thread, in WeightTaps.
  Index workspace() const { return 2 * field_.taps() * depth_; }

  /// Adds the products of a block of positions to dw.
  /// @param dw  (taps, depth, channels)
  void add(const Block& b, const Pixels<const T*>& in, Index number_pitch, WeightTap* taps, T* dw) const {
    const auto& s = field_;
    const auto all = collect(b, in, number_pitch, taps);
    for (Index line = b.line; line < b.line + b.lines; ++line) {
      const Index t = b.t * s.stride[0], h = line * s.stride[1];
      WeightTap* const seen = taps + all.size();
      std::size_t count = 0;
      for (const WeightTap& tap : all) {
        if (s.inside(0, t + tap.t) && s.inside(1, h + tap.h) && tap.low < tap.high) seen[count++] = tap;
      }
      Line position;
      position.in = in.data + in.offset(b.n, t, h, 0);
      position.next = s.stride[2] * in.pitch[2];
      const Index next_dy = s.positions[2] * s.channels;
      position.dy = dy_ + ((b.n * s.positions[0] + b.t) * s.positions[1] + line) * next_dy;
      // The line of input that the next line of outputs reads first.
      const Index below = h + s.stride[1] + s.origin[1] + (s.kernel[1] - 1) * s.step[1];
      const bool fetches = streams_ && number_pitch == 0 && s.inside(1, below) && line + 1 < s.positions[1];
      const T* const next = in.data + (fetches ? in.offset(b.n, t, below, 0) : 0);
      each_block<T>(b.first, b.last, [&]<int vectors>(Index c) {
        if (fetches) {
          fetch(next + c, position.next, s.positions[2], vectors * lanes<T>);
          fetch(position.dy + next_dy + c, s.channels, s.positions[2], vectors * lanes<T>);
        }
        constexpr int many = many_of<vectors>;
        for (std::size_t i = 0; i < count;) {
          if (count - i >= many) multiply<vectors, many>(b, position, {seen + i, many}, c, dw), i += many;
          else {
            const std::size_t size = std::min<std::size_t>(few, count - i);
            multiply<vectors, few>(b, position, {seen + i, size}, c, dw), i += size;
          }
        }
      });
    }
  }

 private:
  struct Line {
    const T *in, *dy;
    Index next;  ///< between the pixels of neighbouring positions
  };

  [[gnu::cold]] std::span<const WeightTap> collect(const Block& b, const Pixels<const T*>& in, Index number_pitch,
                                                   WeightTap* to) const {
    const auto& s = field_;
    std::size_t size = 0;
    for (Index j = 0; j < s.taps(); ++j) {
      const Index j2 = j % s.kernel[2], j1 = j / s.kernel[2] % s.kernel[1], j0 = j / (s.kernel[2] * s.kernel[1]);
      WeightTap tap;
      tap.t = s.origin[0] + j0 * s.step[0], tap.h = s.origin[1] + j1 * s.step[1];
      const Index column = s.origin[2] + j2 * s.step[2];
      const auto first = [&](Index end) {  // first position whose pixel is not before `end`
        const Index q = end <= column ? 0 : quotient_up(end - column, s.stride[2]);
        return std::clamp(q, b.column, b.column + b.width);
      };
      tap.low = first(0), tap.high = first(s.extent[2]);
      tap.in = in.offset(0, tap.t, tap.h, column);
      for (Index d = 0; d < depth_; ++d, tap.in += number_pitch) {
        tap.row = j * depth_ + d;
        to[size++] = tap;
      }
    }
    return {to, size};
  }

  // A separate function, since too few registers are left if it is inlined.
  template <int vectors, int rows>
  [[gnu::noinline]] void multiply(const Block& b, const Line& line, std::span<const WeightTap> taps, Index c,
                                  T* dw) const {
    using V = Simd<T>;
    V sum[rows][vectors];
    const T* in[rows];
    Index low = b.column, high = b.column + b.width;
    FLIPBOOK_UNROLL
    for (int i = 0; i < rows; ++i) {
      const WeightTap& tap = taps[std::min(static_cast<std::size_t>(i), taps.size() - 1)];
      in[i] = line.in + tap.in + c;
      low = std::max(low, tap.low), high = std::min(high, tap.high);
      FLIPBOOK_UNROLL
      for (int v = 0; v < vectors; ++v) sum[i][v] = V(T(0));
    }
    high = std::max(high, low);
    const auto add = [&]<bool border>(Index from, Index end) {
      const T* dy = line.dy + from * field_.channels + c;
      const Index last = end * line.next;
      for (Index at = from * line.next, q = from; at != last; at += line.next, dy += field_.channels, ++q) {
        V right[vectors];
        FLIPBOOK_UNROLL
        for (int v = 0; v < vectors; ++v) right[v] = V::load_unaligned(dy + v * lanes<T>);
        FLIPBOOK_UNROLL
        for (int i = 0; i < rows; ++i) {
          if constexpr (border) {
            const WeightTap& tap = taps[std::min(static_cast<std::size_t>(i), taps.size() - 1)];
            if (q < tap.low || q >= tap.high) continue;
          }
          FLIPBOOK_UNROLL
          for (int v = 0; v < vectors; ++v) {
            sum[i][v] = multiply_add(V::load_unaligned(in[i] + at + v * lanes<T>), right[v], sum[i][v]);
          }
        }
      }
    };
    add.template operator()<false>(low, high);
    for (const auto& [from, end] : {std::pair{b.column, low}, std::pair{high, b.column + b.width}}) {
      add.template operator()<true>(from, end);
    }
    // The last vector of channels may overlap the one before it.
    const Index overlap = (c - b.first) % lanes<T> == 0 ? 0 : lanes<T> - (b.last - b.first) % lanes<T>;
    const auto add_to = [overlap](T* to, const V* total) {
      for (Index v = 0; v < vectors; ++v, to += lanes<T>) {
        V added = total[v];
        if (overlap > 0) {
          alignas(64) std::array<T, static_cast<std::size_t>(lanes<T>)> each;
          added.store_unaligned(each.data());
          std::fill_n(each.data(), overlap, T(0));
          added = V::load_unaligned(each.data());
        }
        (V::load_unaligned(to) + added).store_unaligned(to);
      }
    };
    FLIPBOOK_UNROLL
    for (int i = 0; i < rows; ++i) {
      const auto tap = static_cast<std::size_t>(i);
      if (tap < taps.size()) add_to(dw + taps[tap].row * field_.channels + c, sum[i]);
    }
  }

  ReceptiveField field_;
  Index depth_;
  const T* dy_;
  bool streams_;
};

/// As cpu::conv_weight. Blocks are summed in parts, whose number does not depend on the number of threads.
template <Real T>
[[gnu::cold]] void conv_weight(const ConvGeometry& geometry, const T* x, const T* dy, T* dw) {
  ConvGeometry g = merged_lines(geometry);
  GroupGather gather{g.in_channels / g.groups, g.out_channels / g.groups, g.out_channels, g.out_channels};
  const Index wanted = gather.channels, channels = gather.channels = std::max(wanted, lanes<T>);
  const bool padded = wanted < channels;
  const Scratch<T> dy_padded(padded ? g.outputs() * channels : 0);
  if (padded) copy_rows(g.outputs(), dy, wanted, wanted, dy_padded.data(), channels);
  ReceptiveField field{g.batch, g.input, g.output, g.kernel, g.stride, g.dilation, {}, channels, true};
  for (std::size_t axis = 0; axis < 3; ++axis) field.origin[axis] = -g.padding[axis];
  const auto in = Pixels<const T*>::dense(x, g.input, g.in_channels);
  const bool streams = g.inputs() * g.in_channels > cache::share_of_last / Index{sizeof(T)};
  const WeightGradient<T> gradient(field, gather.from, padded ? dy_padded.data() : dy, streams);
  Blocks<T> blocks(gather, in);
  blocks.add(field);
  if (gather.in_place()) {
    constexpr Index some = 4 * panel_columns<T>;
    const Index lines = (g.kernel[1] + 3) * g.output[2] * Index{sizeof(T)};
    const Index fitting = cache::half_of_second / std::max(lines, Index{1}) / some * some;
    blocks.take_in_place(streams ? std::clamp(fitting, some, std::max(channels, some)) : some);
  }
  const Index ranges = blocks.channels().count(), rows = g.taps() * gather.from, size = rows * channels;
  const Index parts = std::clamp(32 / ranges, Index{1}, std::max(blocks.count(), Index{1}));
  const Scratch<T> sums(parts * size);
  const PerThread<T> copies(gather.in_place() ? 0 : blocks.workspace());
  const PerThread<WeightTap> taps(gradient.workspace());
  parallel_tasks(parts * ranges, [&](Index task) {
    const Index part = task / ranges, end = blocks.count() * (part + 1) / parts;
    T* const sum = sums + part * size;
    const Index first = blocks.channels().first(task % ranges), last = blocks.channels().last(task % ranges);
    for (Index i = 0; i < rows; ++i) std::fill(sum + i * channels + first, sum + i * channels + last, T(0));
    for (Index i = blocks.count() * part / parts; i < end; ++i) {
      const Block block = blocks.block(i, task % ranges);
      if (gather.in_place()) gradient.add(block, in, 0, taps.mine(), sum);
      else gradient.add(block, blocks.copy(block, copies.mine()), blocks.number_pitch(block), taps.mine(), sum);
    }
  });
  if (!padded) return sum_middle(Index{1}, parts, size, static_cast<const T*>(sums.data()), dw);
  const Scratch<T> all(size);
  sum_middle(Index{1}, parts, size, static_cast<const T*>(sums.data()), all.data());
  copy_rows<T>(rows, all.data(), channels, wanted, dw, wanted);
}

}  // namespace flipbook::cpu::depthwise
