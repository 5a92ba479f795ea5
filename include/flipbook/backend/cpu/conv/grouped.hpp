// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <flipbook/backend/cpu/conv/depthwise.hpp>

/// Convolutions with narrow groups. Depthwise convolutions are filters as they are. For others, a task copies the
/// pixels that it reads, so that the numbers of an output channel's group are at the index of that channel.
namespace flipbook::inline FLIPBOOK_ISA::cpu::depthwise {

/// Whether these kernels are used: for groups that do not fill a vector.
template <Real T>
bool fits(const ConvGeometry& g) {
  return g.groups > 1 && g.in_channels / g.groups < lanes<T> && g.out_channels / g.groups < lanes<T>;
}

/// Broadcasts the d-th lane of each group of lanes to all lanes of the group.
template <std::size_t group, std::size_t d, class V>
[[gnu::always_inline]] inline V one_for_all(const V& x) {
#ifdef __CUDACC__  // nvcc's front end does not expand the pack of indices below
  typename V::value_type from[V::size], to[V::size];
  x.store_unaligned(from);
  for (std::size_t l = 0; l < V::size; ++l) to[l] = from[l / group * group + d];
  return V::load_unaligned(to);
#else
  return [&]<std::size_t... l>(std::index_sequence<l...>) {
    const auto lanes_of = x.data;
    return V(__builtin_shufflevector(lanes_of, lanes_of, (l / group * group + d)...));
  }
  (std::make_index_sequence<V::size>{});
#endif
}

/// Gathers input for vectors of output channels: output channel o, in groups of `to`, reads all `from` numbers of its
/// group.
struct GroupGather {
  Index from, to, channels, present;  ///< output channels, and those of them that the tensors have
  bool in_place() const { return from == 1 && to == 1 && present == channels; }
  Index in_channels() const { return present / to * from; }

  /// out[d · pitch + i] = the d-th number of the group of channel first + i, for i < count.
  template <class T>
  void operator()(const T* x, Index first, Index count, T* out, Index pitch) const {
    const Index there = std::min(count, present - first);  // the last vector may exceed them
    if (from == to && there == count && first % to == 0) {
      if (to == 2) return repeat<2>(x + first, count, out, pitch);
      if (to == 4) return repeat<4>(x + first, count, out, pitch);
      if (to == 8) return repeat<8>(x + first, count, out, pitch);
    }
    for (Index d = 0; d < from; ++d, out += pitch) {
      Index place = first / to * from + d, within = first % to;
      for (Index i = 0; i < there; ++i) {
        out[i] = x[place];
        if (++within == to) within = 0, place += from;
      }
      std::fill(out + there, out + count, T(0));
    }
  }

 private:
  /// Repeats each number of the groups for all lanes of its group.
  /// @param count  a multiple of lanes
  template <std::size_t group, class T>
  static void repeat(const T* x, Index count, T* out, Index pitch) {
    if constexpr (group < static_cast<std::size_t>(lanes<T>)) {
      for (Index i = 0; i < count; i += lanes<T>) {
        const auto v = Simd<T>::load_unaligned(x + i);
        [&]<std::size_t... d>(std::index_sequence<d...>) {
          (one_for_all<group, d>(v).store_unaligned(out + static_cast<Index>(d) * pitch + i), ...);
        }
        (std::make_index_sequence<group>{});
      }
    }
  }
};

/// Positions of clip n: t of the first axis, [line, line + lines) of the second, [column, column + width) of the third;
/// and channels [first, last) of these.
struct Block {
  Index n, t, line, lines, column, width, first, last;
};

/// Divides positions and channels into blocks, and copies the pixels that a block reads.
template <Real T>
class Blocks {
 public:
  Blocks(const GroupGather& gather, const Pixels<const T*>& in) : gather_(gather), in_(in) {
    channels_ = {gather.channels, TileShape::vectors * lanes<T>};
  }
  /// Adds a receptive field; all fields have the same input.
  [[gnu::cold]] void add(const ReceptiveField& s) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      stride_[axis] = s.stride[axis], positions_[axis] = std::max(positions_[axis], s.positions[axis]);
      first_[axis] = std::min(first_[axis], s.origin[axis]);
      last_[axis] = std::max(last_[axis], s.origin[axis] + (s.kernel[axis] - 1) * s.step[axis]);
    }
    batch_ = s.batch, extent_ = s.extent;
    width_ = std::min<Index>(64, positions_[2]), lines_ = std::min<Index>(16, positions_[1]);
    const auto large = [&] { return workspace() * static_cast<Index>(sizeof(T)) > cache::half_of_second; };
    while (lines_ > 4 && large()) lines_ /= 2;
  }
  bool divide() {
    if (lines_ <= 4) return false;
    lines_ /= 2;
    return true;
  }
  /// Sets the channels of a block, whose pixels are read in place.
  void take_in_place(Index channels) { channels_.each = channels, width_ = positions_[2]; }

  const Channels& channels() const { return channels_; }
  Index count() const {
    if (positions_[1] * positions_[2] == 0) return 0;
    return batch_ * positions_[0] * quotient_up(positions_[1], lines_) * quotient_up(positions_[2], width_);
  }
  [[gnu::cold]] Block block(Index i, Index range) const {
    const auto next = [&](Index count) { return std::exchange(i, i / count) % count; };
    Block b;
    b.column = next(quotient_up(positions_[2], width_)) * width_, b.width = std::min(width_, positions_[2] - b.column);
    b.line = next(quotient_up(positions_[1], lines_)) * lines_, b.lines = std::min(lines_, positions_[1] - b.line);
    b.t = next(positions_[0]), b.n = i;
    b.first = channels_.first(range), b.last = channels_.last(range);
    return b;
  }

  /// Size of a copy, in numbers.
  Index workspace() const { return span(0, 1) * span(1, lines_) * span(2, width_) * gather_.from * 2 * channels_.each; }
  /// Distance between the numbers of a pixel of a copy.
  static Index number_pitch(const Block& b) { return round_up(b.last - b.first, lanes<T>); }
  /// Copies the pixels that a block reads. Returns the grid of the whole input, of which only these pixels exist.
  Pixels<const T*> copy(const Block& b, T* to) const {
    const Axes begin{at(0, b.t), at(1, b.line), at(2, b.column)};
    const Axes end{end_of(0, b.t, 1), end_of(1, b.line, b.lines), end_of(2, b.column, b.width)};
    const Index number = number_pitch(b), pixel = number * gather_.from;
    Pixels<const T*> seen;
    seen.pitch[2] = pixel, seen.pitch[1] = (end[2] - begin[2]) * pixel;
    seen.pitch[0] = (end[1] - begin[1]) * seen.pitch[1];
    seen.data = to - seen.offset(b.n, begin[0], begin[1], begin[2]) - b.first;
    for (Index p = begin[0]; p < end[0]; ++p) {
      for (Index u = begin[1]; u < end[1]; ++u) {
        const T* x = in_.data + in_.offset(b.n, p, u, begin[2]);
        for (Index v = begin[2]; v < end[2]; ++v, x += in_.pitch[2], to += pixel)
          gather_(x, b.first, number, to, number);
      }
    }
    return seen;
  }

 private:
  Index span(std::size_t axis, Index positions) const {
    return std::min((positions - 1) * stride_[axis] + last_[axis] - first_[axis] + 1, extent_[axis]);
  }
  Index at(std::size_t axis, Index position) const {
    return std::clamp(position * stride_[axis] + first_[axis], Index{0}, extent_[axis]);
  }
  Index end_of(std::size_t axis, Index position, Index count) const {
    return std::clamp((position + count - 1) * stride_[axis] + last_[axis] + 1, at(axis, position), extent_[axis]);
  }

  GroupGather gather_;
  Pixels<const T*> in_;
  Axes extent_{1, 1, 1}, stride_{1, 1, 1}, positions_{0, 0, 0}, first_{0, 0, 0}, last_{0, 0, 0};
  Index batch_ = 0, width_ = 1, lines_ = 1;
  Channels channels_;
};

/// Computes the outputs of filters with the same input in a block.
template <Real T>
void make(const Block& b, std::span<const Filter<T>> filters, const Pixels<const T*>& seen, Index number, Taps* taps) {
  for (const Filter<T>& filter : filters) {
    const auto& extent = filter.field().positions;
    if (b.t >= extent[0]) continue;
    for (Index h = b.line; h < std::min(b.line + b.lines, extent[1]); ++h) {
      const Index line = (b.n * extent[0] + b.t) * extent[1] + h, end = std::min(b.column + b.width, extent[2]);
      filter.make({line, b.column, end, b.first, b.last}, seen, number, taps);
    }
  }
}

/// Runs the filters of a convolution or its adjoint, from `in` to `out`.
/// @param weights  (taps, from, channels)
template <Real T>
[[gnu::cold]] void run(const ConvGeometry& g, bool adjoint, const GroupGather& gather, const T* in, const T* weights,
                       const T* start, T* out) {
  const Axes &in_extent = adjoint ? g.output : g.input, &out_extent = adjoint ? g.input : g.output;
  const Axes phases = adjoint ? g.stride : Axes{1, 1, 1};
  const Index channels = gather.channels, row = gather.from * channels;
  const Axes pitch{g.kernel[1] * g.kernel[2] * row, g.kernel[2] * row, row};
  const auto pixels = Pixels<const T*>::dense(in, in_extent, gather.in_channels());
  WorkList<Filter<T>> works(phases[0] * phases[1] * phases[2]);
  Index taps = 0;
  for (Index i = 0; i < phases[0] * phases[1] * phases[2]; ++i) {
    const Axes first{i / (phases[1] * phases[2]), i / phases[2] % phases[1], i % phases[2]};
    ReceptiveField field{g.batch, in_extent, out_extent, g.kernel, g.stride, g.dilation, {}, channels, true};
    Weights<T> w{weights, pitch, gather.from, channels};
    auto written = Pixels<T*>::dense(out, out_extent, channels);
    const Index begin = written.offset(0, first[0], first[1], first[2]);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      field.origin[axis] = -g.padding[axis];
      if (!adjoint) continue;
      const Phase phase = phase_of(g, axis, first[axis]);
      field.positions[axis] = phase.pixels, field.kernel[axis] = phase.taps, field.stride[axis] = 1;
      field.step[axis] = phase.step, field.origin[axis] = phase.origin;
      w.data += phase.tap * pitch[axis], w.pitch[axis] = -phase.tap_step * pitch[axis];
      written.pitch[axis] *= g.stride[axis];
    }
    if (field.outputs() == 0) continue;
    written.data += begin;
    works.add(field, pixels, written, w, start);
    taps = std::max(taps, works.all().back().workspace());
  }
  if (gather.in_place()) return run_tasks<Taps>(works.all(), taps);
  Blocks<T> blocks(gather, pixels);
  for (const auto& work : works.all()) blocks.add(work.field());
  const Index ranges = blocks.channels().count();
  while (threads() > 1 && blocks.count() * ranges < 4 * threads() && blocks.divide()) {
  }
  const PerThread<T> copies(blocks.workspace());
  const PerThread<Taps> lists(taps);
  parallel_tasks(blocks.count() * ranges, [&](Index task) {
    const Block block = blocks.block(task / ranges, task % ranges);
    const auto seen = blocks.copy(block, copies.mine());
    make<T>(block, works.all(), seen, blocks.number_pitch(block), lists.mine());
  });
}

/// The same convolution with each plane as one line, if all taps are along the first axis.
[[gnu::cold]] inline ConvGeometry merged_lines(ConvGeometry g) {
  const auto alone = [&](std::size_t axis) {
    return g.kernel[axis] == 1 && g.stride[axis] == 1 && g.padding[axis] == 0 && g.input[axis] == g.output[axis];
  };
  if (alone(1) && alone(2)) {
    for (Axes* extent : {&g.input, &g.output}) (*extent)[2] *= std::exchange((*extent)[1], 1);
  }
  return g;
}

/// Copies rows of `channels` numbers and pads them with zeros, or copies them back.
template <Real T>
[[gnu::cold]] void copy_rows(Index rows, const T* from, Index pitch, Index channels, T* to, Index to_pitch) {
  parallel_for(rows, 1024, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      std::fill(std::copy_n(from + i * pitch, channels, to + i * to_pitch), to + (i + 1) * to_pitch, T(0));
    }
  });
}

/// As `run`, also if all channels together do not fill a vector.
template <Real T>
[[gnu::cold]] void run_padded(const ConvGeometry& geometry, bool adjoint, GroupGather gather, const T* in,
                              const T* weights, const T* start, T* out) {
  const ConvGeometry g = merged_lines(geometry);
  const Index channels = gather.channels, rows = adjoint ? g.inputs() : g.outputs();
  if (channels >= lanes<T>) return run(g, adjoint, gather, in, weights, start, out);
  gather.channels = lanes<T>, gather.present = channels;
  const Scratch<T> w(g.taps() * gather.from * lanes<T>), some(lanes<T>), all(rows * lanes<T>);
  copy_rows(g.taps() * gather.from, weights, channels, channels, w.data(), lanes<T>);
  if (start != nullptr) copy_rows(1, start, channels, channels, some.data(), lanes<T>);
  run<T>(g, adjoint, gather, in, w.data(), start == nullptr ? start : some.data(), all.data());
  copy_rows<T>(rows, all.data(), lanes<T>, channels, out, channels);
}

/// As cpu::conv.
template <Real T>
[[gnu::cold]] void conv(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  run_padded(g, false, {g.in_channels / g.groups, g.out_channels / g.groups, g.out_channels, g.out_channels}, x, w,
             bias, y);
}

/// As cpu::conv_transpose.
template <Real T>
[[gnu::cold]] void conv_transpose(const ConvGeometry& g, const T* y, const T* w, const T* bias, T* x) {
  const GroupGather gather{g.out_channels / g.groups, g.in_channels / g.groups, g.in_channels, g.in_channels};
  if (gather.from == 1 && gather.to == 1) return run_padded(g, true, gather, y, w, bias, x);
  const Scratch<T> transposed(g.taps() * gather.from * g.in_channels);  // (taps, O / groups, C)
  for (Index i = 0; i < g.taps() * g.in_channels; ++i) {
    const Index tap = i / g.in_channels, c = i % g.in_channels;
    const T* const from = w + (tap * gather.to + c % gather.to) * g.out_channels + c / gather.to * gather.from;
    for (Index d = 0; d < gather.from; ++d) transposed[(tap * gather.from + d) * g.in_channels + c] = from[d];
  }
  run_padded<T>(g, true, gather, y, transposed.data(), bias, x);
}

}  // namespace flipbook::cpu::depthwise
