// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include <flipbook/backend/cpu/gemm/edge_tile.hpp>
#include <flipbook/backend/cpu/gemm/implicit_gemm.hpp>
#include <flipbook/kernels/conv/phase.hpp>

/// Depthwise convolution: output channel c reads a few numbers of each pixel, each at channel c of a different vector.
/// A register holds channels; the sums of some adjacent outputs stay in registers in the loop over taps, and no product
/// mixes the lanes of a register.
namespace flipbook::inline FLIPBOOK_ISA::cpu::depthwise {

using Axes = ConvGeometry::Axes;

/// Calls body.template operator()<vectors>(c) for blocks of vectors that cover channels [first, last), at least one
/// vector of them. A partial block at the end overlaps the one before it.
template <Real T, class Body>
void each_block(Index first, Index last, const Body& body) {
  constexpr Index wide = TileShape::vectors * lanes<T>;
  Index c = first;
  for (; c + wide <= last; c += wide) body.template operator()<TileShape::vectors>(c);
  for (; c < last; c += lanes<T>) body.template operator()<1>(std::min(c, last - lanes<T>));
}

/// Ranges of channels for tasks: `each` channels per range, and up to twice as many in the last.
struct Channels {
  Index all, each;
  Index count() const { return std::max(all / each, Index{1}); }
  Index first(Index i) const { return i * each; }
  Index last(Index i) const { return i + 1 == count() ? all : (i + 1) * each; }
};

/// The output of a task: positions [column, end) of a line, channels [first, last).
struct Piece {
  Index line, column, end, first, last;
};

/// The taps [first, last) along one axis that are inside for a position.
struct Seen {
  Index first, last;
  Seen(const ReceptiveField& s, std::size_t axis, Index q) {
    const Index at = q * s.stride[axis] + s.origin[axis], step = s.step[axis];
    first = at >= 0 ? 0 : std::min(quotient_up(-at, step), s.kernel[axis]);
    last = at >= s.extent[axis] ? first : std::clamp(quotient_up(s.extent[axis] - at, step), first, s.kernel[axis]);
  }
};

/// One tap along the last axis, or several consecutive ones, for one of the numbers: the offsets of their pixels and
/// weights from the first tap's. The rows of a tile read pixels 0, 1, … from there on; [low, high) are inside.
struct Taps {
  Index in, weights, column;
  int count, low, high;
};

/// Weights as rows of channels, for each tap and number.
template <Real T>
struct Weights {
  const T* data;
  Axes pitch;  ///< between taps
  Index depth, number_pitch;
};

/// out[n, q, c] = start[c] + Σ_j Σ_d  in[n, pixel(q, j), d, c] · weights[j, d, c]
template <Real T>
class Filter {
 public:
  /// @param field  its channels are those of the output
  [[gnu::cold]] Filter(const ReceptiveField& field, const Pixels<const T*>& in, const Pixels<T*>& out,
                       const Weights<T>& weights, const T* start)
      : field_(field), in_(in), out_(out), weights_(weights), start_(start) {
    constexpr Index block = TileShape::vectors * lanes<T>;
    // If many lines are read, channels are divided, so that lines which the next line of outputs reads again stay in
    // the first-level cache; or in the second, if they come from memory, which is fastest in its own order.
    const Index seen = field.kernel[0] * field.kernel[1] * field.positions[2] * static_cast<Index>(sizeof(T));
    streams_ = in.batch_pitch * field.batch > cache::share_of_last / Index{sizeof(T)};
    const Index capacity = streams_ ? cache::half_of_second / 2 : Index{1} << 15;
    const Index fitting = capacity / std::max(seen, Index{1}) / block * block;
    channels_ = {field.channels, std::clamp(fitting, block, streams_ ? std::max(field.channels, block) : 4 * block)};
    lines_a_task_ =
        std::clamp(4096 / std::max(field.positions[2], Index{1}), Index{1}, std::max(field.positions[1], Index{1}));
  }

  const ReceptiveField& field() const { return field_; }
  Index lines() const { return field_.batch * field_.positions[0] * field_.positions[1]; }
  Index tasks() const { return quotient_up(lines(), lines_a_task_) * channels_.count(); }
  /// Halves the tasks' size; false if they cannot be smaller.
  bool divide() {
    if (lines_a_task_ > 1) lines_a_task_ = quotient_up(lines_a_task_, 2);
    else if (channels_.each > TileShape::vectors * lanes<T>)
      channels_.each = round_up(channels_.each / 2, 2 * lanes<T>);
    else return false;
    return true;
  }
  /// Workspace of one thread, in Taps.
  Index workspace() const { return 2 * field_.taps() * weights_.depth; }

  void operator()(Index task, Taps* workspace) const {
    const Index count = channels_.count(), range = task % count, first = task / count * lines_a_task_;
    for (Index line = first; line < std::min(first + lines_a_task_, lines()); ++line) {
      make({line, 0, field_.positions[2], channels_.first(range), channels_.last(range)}, in_, 0, workspace);
    }
  }

  /// @param in  the input, or a copy of the pixels that are read
  /// @param number_pitch  between the numbers of a pixel
  void make(const Piece& piece, const Pixels<const T*>& in, Index number_pitch, Taps* workspace) const {
    const auto& s = field_;
    const Index h = piece.line % s.positions[1], plane = piece.line / s.positions[1], t = plane % s.positions[0];
    const Index n = plane / s.positions[0], stride = s.stride[2];
    const auto all = of_line(Seen(s, 0, t), Seen(s, 1, h), in.pitch, number_pitch, workspace);
    const Index seen = in.offset(n, t * s.stride[0] + s.origin[0], h * s.stride[1] + s.origin[1], 0);
    Tile tile;
    tile.pixel = stride * in.pitch[2], tile.weight = weights_.pitch[2], tile.out_pixel = out_.pitch[2];
    // The line of input that the next line of outputs reads first.
    const Index below = (h + 1) * s.stride[1] + s.origin[1] + (s.kernel[1] - 1) * s.step[1];
    const bool fetches = streams_ && number_pitch == 0 && s.inside(1, below);
    const T* const next = in.data + (fetches ? in.offset(n, t * s.stride[0], below, 0) : 0);
    const auto make_blocks = [&]<int vectors>(Index first, Index last) {
      constexpr int rows = rows_of<vectors>;
      for (Index q = piece.column; q < piece.end && first < last; q += rows) {
        const Index column = q * stride + s.origin[2];
        const Index farthest = column + (rows - 1) * stride + (s.kernel[2] - 1) * s.step[2];
        tile.count = std::min<Index>(rows, piece.end - q);
        const bool whole = tile.count == rows && column >= 0 && farthest < s.extent[2];
        tile.taps = whole ? all : at_border(all, column, tile.count, workspace + all.size());
        for (Index some = first; some < last; some += vectors * lanes<T>) {
          const Index c = std::min(some, last - vectors * lanes<T>);
          tile.in = in.data + seen + column * in.pitch[2] + c;
          tile.weights = weights_.data + c;
          tile.out = out_.data + out_.offset(n, t, h, q) + c;
          tile.start = start_ == nullptr ? nullptr : start_ + c;
          if (fetches) {
            fetch(next + q * tile.pixel + c, tile.pixel, tile.count, vectors * lanes<T>);
            fetch<1>(tile.out + rows * tile.out_pixel, tile.out_pixel,
                     std::min<Index>(rows, piece.end - q - tile.count), vectors * lanes<T>);
          }
          if (whole) multiply<vectors, false>(tile);
          else multiply<vectors, true>(tile);
        }
      }
    };
    const Index wide = piece.first + (piece.last - piece.first) / panel_columns<T> * panel_columns<T>;
    make_blocks.template operator()<TileShape::vectors>(piece.first, wide);
    make_blocks.template operator()<1>(wide, piece.last);
  }

 private:
  static constexpr int together = 3;
  /// Outputs of a tile: few sums would wait for themselves.
  template <int vectors>
  static constexpr int rows_of = TileShape::registers / 2 / vectors;

  /// Adjacent outputs of a line: `rows_of<vectors>` are computed, `count` are written.
  struct Tile {
    const T *in, *weights, *start;  ///< `in`: the first tap's pixel, inside or not; `start` may be null
    T* out;
    std::span<const Taps> taps;
    Index pixel, weight, out_pixel, count;
  };

  /// The taps of a line, regardless of its ends: groups of taps first, then single taps.
  std::span<const Taps> of_line(const Seen& times, const Seen& heights, const Axes& pitch, Index number_pitch,
                                Taps* to) const {
    const bool adjoin = field_.stride[2] == 1 && field_.step[2] == 1;
    const Index kernel = field_.kernel[2], whole = adjoin ? kernel / together * together : 0;
    std::size_t size = 0;
    for (const bool alone : {false, true}) {
      for (Index j0 = times.first; j0 < times.last; ++j0) {
        for (Index j1 = heights.first; j1 < heights.last; ++j1) {
          for (Index j2 = alone ? whole : 0; j2 < (alone ? kernel : whole); j2 += alone ? 1 : together) {
            Taps taps{};
            taps.in = j0 * field_.step[0] * pitch[0] + j1 * field_.step[1] * pitch[1] + j2 * field_.step[2] * pitch[2];
            taps.weights = j0 * weights_.pitch[0] + j1 * weights_.pitch[1] + j2 * weights_.pitch[2];
            taps.column = j2 * field_.step[2], taps.count = alone ? 1 : together;
            for (Index d = 0; d < weights_.depth; ++d) {
              to[size++] = taps;
              taps.in += number_pitch, taps.weights += weights_.number_pitch;
            }
          }
        }
      }
    }
    return {to, size};
  }

  /// The taps that are inside for some of `count` rows from `column` on.
  std::span<const Taps> at_border(std::span<const Taps> all, Index column, Index count, Taps* to) const {
    const Index stride = field_.stride[2], extent = field_.extent[2];
    std::size_t size = 0;
    for (Taps taps : all) {
      const Index at = column + taps.column, pixels = count + taps.count - 1;
      const auto before = [&](Index end) {
        if (at >= end) return 0;
        return static_cast<int>(std::min(stride == 1 ? end - at : quotient_up(end - at, stride), pixels));
      };
      taps.low = before(0), taps.high = before(extent);
      if (taps.low < taps.high) to[size++] = taps;
    }
    return {to, size};
  }

  template <int vectors>
  using Sums = Simd<T>[rows_of<vectors>][vectors];

  // A separate function, since too few registers are left if it is inlined.
  template <int vectors, bool border>
  [[gnu::noinline]] static void multiply(const Tile& tile) {
    using V = Simd<T>;
    constexpr int rows = rows_of<vectors>;
    Sums<vectors> sum;
    FLIPBOOK_UNROLL
    for (int v = 0; v < vectors; ++v) {
      const V first = tile.start == nullptr ? V(T(0)) : V::load_unaligned(tile.start + v * lanes<T>);
      FLIPBOOK_UNROLL
      for (int i = 0; i < rows; ++i) sum[i][v] = first;
    }
    const Taps *taps = tile.taps.data(), *const end = taps + tile.taps.size();
    for (; taps != end && taps->count == together; ++taps) add<vectors, together, border>(tile, *taps, sum);
    for (; taps != end; ++taps) add<vectors, 1, border>(tile, *taps, sum);
    FLIPBOOK_UNROLL
    for (int i = 0; i < rows; ++i) {
      if (border && i >= tile.count) break;
      T* const to = tile.out + i * tile.out_pixel;
      FLIPBOOK_UNROLL
      for (int v = 0; v < vectors; ++v) sum[i][v].store_unaligned(to + v * lanes<T>);
    }
  }

  /// Each pixel is loaded once for all taps.
  template <int vectors, int count, bool border>
  [[gnu::always_inline]] static void add(const Tile& tile, const Taps& taps, Sums<vectors>& sum) {
    using V = Simd<T>;
    constexpr int rows = rows_of<vectors>;
    const T *x = tile.in + taps.in, *const w = tile.weights + taps.weights;
    V weight[count][vectors];
    FLIPBOOK_UNROLL
    for (int k = 0; k < count; ++k) {
      FLIPBOOK_UNROLL
      for (int v = 0; v < vectors; ++v) weight[k][v] = V::load_unaligned(w + k * tile.weight + v * lanes<T>);
    }
    FLIPBOOK_UNROLL
    for (int j = 0; j < rows + count - 1; ++j, x += tile.pixel) {
      if (border && (j < taps.low || j >= taps.high)) continue;
      FLIPBOOK_UNROLL
      for (int v = 0; v < vectors; ++v) {
        V pixel = V::load_unaligned(x + v * lanes<T>);
        if constexpr (count > 1) keep_in_register(pixel);
        FLIPBOOK_UNROLL
        for (int k = 0; k < count; ++k) {
          if (j >= k && j - k < rows) sum[j - k][v] = multiply_add(pixel, weight[k][v], sum[j - k][v]);
        }
      }
    }
  }

  ReceptiveField field_;
  Pixels<const T*> in_;
  Pixels<T*> out_;
  Weights<T> weights_;
  const T* start_;
  Channels channels_;
  Index lines_a_task_;
  bool streams_;  // the input comes from memory
};

}  // namespace flipbook::cpu::depthwise
