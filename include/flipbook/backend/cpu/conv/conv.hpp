// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/conv/depthwise_weight.hpp>
#include <flipbook/backend/cpu/conv/narrow.hpp>
#include <flipbook/backend/cpu/conv/planar.hpp>
#include <flipbook/backend/cpu/conv/padded_channels.hpp>
#include <flipbook/backend/cpu/conv/winograd/winograd.hpp>
#include <flipbook/backend/cpu/gemm/gemm.hpp>
#include <flipbook/backend/cpu/gemm/implicit_gemm.hpp>
#include <flipbook/backend/cpu/gemm/line_gemm.hpp>
#include <flipbook/backend/cpu/gemm/line_weight_gradient.hpp>
#include <flipbook/backend/cpu/gemm/right_operand.hpp>
#include <flipbook/backend/cpu/gemm/weight_gradient.hpp>
#include <flipbook/backend/cpu/gemm/weight_gradient_in_place.hpp>
#include <flipbook/backend/cpu/runtime/arithmetic.hpp>
#include <flipbook/kernels/conv/phase.hpp>

/// Convolution, its adjoint and its gradient, over channels-last images of three axes. In all of them
///
///     x  (N, T, H, W, C)    y  (N, T', H', W', O)    w  (Kt, Kh, Kw, C / groups, O)
///
/// with extents, C and O from the geometry. Group g connects channels [g, g + 1) · C / groups of x with
/// channels [g, g + 1) · O / groups of y.

namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

inline ReceptiveField receptive_field_of(const ConvGeometry& g) {
  ReceptiveField field{g.batch,      g.input, g.output, g.kernel, g.stride, g.dilation, {}, g.in_channels / g.groups,
                       g.groups == 1};
  for (std::size_t axis = 0; axis < 3; ++axis) field.origin[axis] = -g.padding[axis];
  return field;
}

/// Whether pairing the operands' numbers pays, and every pixel's channels are whole pairs.
inline bool pairs_up(const ConvGeometry& g) {
  const Index in = g.in_channels / g.groups, out = g.out_channels / g.groups;
  return in % 2 == 0 && out % 2 == 0 && std::min(in, out) >= 16;
}

}  // namespace detail

/// y[n, p, o] = bias[o] + Σ_k Σ_c  x[n, p·stride + k·dilation − padding, c] · w[k, c, o],
///
/// with factors F.
/// @param bias  (O) or null
template <Multiplicand F, class T = Sum<F>>
void direct_conv(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  ReceptiveField field = detail::receptive_field_of(g);
  field.channels /= numbers_in<F>;
  const Index channels = field.channels, columns = g.out_channels / g.groups, depth = field.taps() * channels;
  if (field.outputs() == 0 || columns == 0) return;
  const Multiplicands<F> pixels(x, g.inputs() * g.in_channels);
  const auto in = Pixels<const F*>::dense(pixels.data(), g.input, g.in_channels / numbers_in<F>);
  const auto out = Pixels<T*>::dense(y, g.output, g.out_channels);
  const Index run = contiguous_run(field.touching && g.dilation[2] == 1, channels, g.kernel[2]);
  if (g.groups == 1) {
    const RightOperand<F> right(Layout::normal, depth, columns, w, columns, run, field.outputs());
    if (LineGemm<F>::fits(field, right.panels(), bias)) {
      LineGemm<F> lines(field, in, out, right.panels(), bias);
      return line_gemm(std::span(&lines, 1));
    }
    ImplicitGemm<F> whole(field, in, out, right.panels(), bias, false);
    implicit_gemm(std::span(&whole, 1));
    return;
  }
  Panels<F> panels;
  panels.rows = depth, panels.columns = columns;
  panels.kind = cheaper_kind<F>(depth, run, columns);
  if (panels.kind == PanelKind::reduction) panels.pitch = depth;
  const bool by_lines = LineGemm<F>::fits(field, panels, bias);
  const Index size = panels.packed_size();
  const Scratch<F> packed(g.groups * size);
  parallel_for(g.groups, 1, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      pack_rows(panels, packed.data() + i * size, 0, depth, Layout::normal, w + i * columns, g.out_channels);
    }
  });
  WorkList<ImplicitGemm<F>> works(g.groups);
  WorkList<LineGemm<F>> lines(g.groups);
  for (Index i = 0; i < g.groups; ++i) {
    auto group_in = in;
    auto group_out = out;
    group_in.data += i * channels, group_out.data += i * columns;
    panels.data = packed.data() + i * size;
    const T* const start = bias == nullptr ? nullptr : bias + i * columns;
    if (by_lines) lines.add(field, group_in, group_out, panels, start);
    else works.add(field, group_in, group_out, panels, start, false);
  }
  line_gemm(lines.all());
  implicit_gemm(works.all());
}

namespace detail {

/// The pixels of x whose positions equal `first` modulo the stride. In an adjoint they are a dense convolution over y
/// with a part of the kernel. Along an axis with 4 taps, a stride of 2 and a padding of 1:
///
///     phase 0, taps 1 and 3:                 phase 1, taps 0 and 2:
///     x[0] = w[1]·y[0]                       x[1] = w[0]·y[1] + w[2]·y[0]
///     x[2] = w[1]·y[1] + w[3]·y[0]           x[3] = w[0]·y[2] + w[2]·y[1]
///     x[4] = w[1]·y[2] + w[3]·y[1]           x[5] = w[0]·y[3] + w[2]·y[2]
struct AdjointPhase {
  ConvGeometry::Axes first;
  std::array<Phase, 3> axes;
  ReceptiveField field;  // of its pixels in y

  static Index count(const ConvGeometry& g) { return g.stride[0] * g.stride[1] * g.stride[2]; }

  /// @param channels  number of factors of a pixel of y that a group reads
  AdjointPhase(const ConvGeometry& g, Index number, Index channels)
      : first{number / (g.stride[1] * g.stride[2]), number / g.stride[2] % g.stride[1], number % g.stride[2]} {
    field.batch = g.batch;
    field.extent = g.output;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const Phase& phase = axes[axis] = phase_of(g, axis, first[axis]);
      field.positions[axis] = phase.pixels;
      field.kernel[axis] = phase.taps;
      field.step[axis] = phase.step;
      field.origin[axis] = phase.origin;
    }
    field.channels = channels;
    field.touching = g.groups == 1;
  }
  /// The index in the kernel of tap (t, h, v) of the phase.
  Index tap(const ConvGeometry& g, Index t, Index h, Index v) const {
    const auto at = [&](std::size_t axis, Index j) { return axes[axis].tap - j * axes[axis].tap_step; };
    return (at(0, t) * g.kernel[1] + at(1, h)) * g.kernel[2] + at(2, v);
  }
  /// The phase's pixels of x.
  template <class T>
  Pixels<T*> pixels(const ConvGeometry& g, Pixels<T*> x) const {
    x.data += x.offset(0, first[0], first[1], first[2]);
    for (std::size_t axis = 0; axis < 3; ++axis) x.pitch[axis] *= g.stride[axis];
    return x;
  }
};

/// A phase's weights in place, transposed: a row of a tap's matrix is a column of the panel.
/// @param w  of the group, (K…, C / groups, O)
template <Multiplicand F>
Panels<F> panels_in_place(const ConvGeometry& g, const AdjointPhase& phase,
                          const Sum<F>* w) requires std::same_as<F, Sum<F>> {
  Panels<F> panels;
  panels.rows = phase.field.taps() * phase.field.channels, panels.columns = g.in_channels / g.groups;
  const Index pitch = panels.columns * g.out_channels, first = phase.tap(g, 0, 0, 0);  // pitch between taps
  panels.kind = PanelKind::reduction;
  panels.data = w + first * pitch, panels.pitch = g.out_channels;
  panels.tap_pitch = {(phase.tap(g, 1, 0, 0) - first) * pitch, (phase.tap(g, 0, 1, 0) - first) * pitch,
                      (phase.tap(g, 0, 0, 1) - first) * pitch};
  return panels;
}

/// A phase's weights, packed.
/// @param to  memory for taps · channels · round_up(C / groups, lanes) factors
template <Multiplicand F>
Panels<F> pack_phase(const ConvGeometry& g, const AdjointPhase& phase, const Sum<F>* w, F* to) {
  const ReceptiveField& field = phase.field;
  const Index channels = field.channels, columns = g.in_channels / g.groups;
  Panels<F> panels;
  panels.rows = field.taps() * channels, panels.columns = columns;
  const bool adjoin = field.touching && field.step[2] == 1;
  panels.kind = cheaper_kind<F>(panels.rows, contiguous_run(adjoin, channels, field.kernel[2]), columns);
  if (panels.kind == PanelKind::reduction) panels.pitch = panels.rows;
  const Index worth_a_thread = std::max(Index{1}, (Index{1} << 14) / std::max(channels * columns, Index{1}));
  parallel_for(field.taps(), worth_a_thread, [&](Index begin, Index end) {
    for (Index j = begin; j < end; ++j) {
      const Index v = j % field.kernel[2], h = j / field.kernel[2] % field.kernel[1];
      const Index t = j / (field.kernel[1] * field.kernel[2]);
      pack_rows(panels, to, j * channels, channels, Layout::transposed,
                w + phase.tap(g, t, h, v) * columns * g.out_channels, g.out_channels);
    }
  });
  panels.data = to;
  return panels;
}

}  // namespace detail

/// The adjoint of `conv`, which is also its gradient with respect to x:
///
///     x[n, u, c] = bias[c] + Σ_{p, k : p·stride + k·dilation − padding = u} Σ_o  y[n, p, o] · w[k, c, o]
///
/// phase by phase (`AdjointPhase`).
/// @param bias  (C) or null
template <Multiplicand F, class T = Sum<F>>
void direct_conv_transpose(const ConvGeometry& g, const T* y, const T* w, const T* bias, T* x) {
  const Index columns = g.in_channels / g.groups, channels = g.out_channels / g.groups / numbers_in<F>;
  if (g.inputs() == 0 || columns == 0) return;
  const Multiplicands<F> pixels(y, g.outputs() * g.out_channels);
  const auto in = Pixels<const F*>::dense(pixels.data(), g.output, g.out_channels / numbers_in<F>);
  const auto out = Pixels<T*>::dense(x, g.input, g.in_channels);

  const Index phases = detail::AdjointPhase::count(g);
  WorkList<ImplicitGemm<F>> works(phases * g.groups);
  WorkList<LineGemm<F>> lines(phases * g.groups);
  const Scratch<F> packed(g.groups * g.taps() * channels * round_up(columns, lanes<T>));
  F* free = packed.data();
  for (Index i = 0; i < phases * g.groups; ++i) {
    const Index group = i / phases;
    const detail::AdjointPhase phase(g, i % phases, channels);
    if (phase.field.outputs() == 0) continue;
    const T* const weights = w + group * channels * numbers_in<F>;
    Panels<F> panels;
    if constexpr (std::same_as<F, T>) {
      const bool few = phase.field.outputs() <= few_uses && channels >= lanes<T>;  // too few to pay for packing
      if (few) panels = detail::panels_in_place<F>(g, phase, weights);
    }
    if (panels.data == nullptr) {
      panels = detail::pack_phase<F>(g, phase, weights, free);
      free += panels.packed_size();
    }
    Pixels<const F*> group_in = in;
    group_in.data += group * channels;
    Pixels<T*> phase_out = phase.pixels(g, out);
    phase_out.data += group * columns;
    const T* const start = bias == nullptr ? nullptr : bias + group * columns;
    if (LineGemm<F>::fits(phase.field, panels, start)) lines.add(phase.field, group_in, phase_out, panels, start);
    else works.add(phase.field, group_in, phase_out, panels, start, false);
  }
  line_gemm(lines.all());
  implicit_gemm(works.all());
}

/// dw[k, c, o] = Σ_{n, p}  x[n, p·stride + k·dilation − padding, c] · dy[n, p, o], the gradient of `conv`
/// with respect to w.
template <Multiplicand F, class T = Sum<F>>
void direct_conv_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  const ReceptiveField field = detail::receptive_field_of(g);
  const Index columns = g.out_channels / g.groups;
  if (field.taps() * field.channels == 0 || columns == 0) return;
  const auto in = Pixels<const T*>::dense(x, g.input, g.in_channels);
  const auto out = Pixels<const T*>::dense(dy, g.output, g.out_channels);
  if constexpr (std::same_as<F, T>) {
    const Index in_place = WeightGradientInPlace<T>::cost(field, columns);
    const bool in_order = WeightGradientInPlace<T>::bound_by_memory(field, columns);
    if (g.groups == 1) {
      const LineWeightGradient<T> lines(field, in, dy, columns);
      if (lines.fits() && (in_order || lines.cost() < static_cast<double>(in_place))) return lines(dw);
    }
    // WeightGradient copies its input for every tap.
    if (!in_order && in_place < 3 * WeightGradient<T>::cost(field, columns)) {
      return WeightGradientInPlace<T>(field, in, dy, g.groups, columns)(dw);
    }
  }
  const T* const none = nullptr;
  WorkList<WeightGradient<F>> works(g.groups);
  for (Index i = 0; i < g.groups; ++i) {
    auto group_in = in, group_out = out;
    if (g.batch > 0)
      group_in.data += i * field.channels, group_out.data += i * columns;  // an empty batch may have no memory
    works.add(field, group_in, group_out, columns, dw + i * columns, g.out_channels, none, false);
  }
  weight_gradient(works.all());
}

/// A convolution as a matrix product, if no two outputs read the same pixel: its kernel covers its input, or is one
/// pixel.
struct MatmulConv {
  Index outputs, numbers, channels;  ///< rows, length of the reduction, columns
  explicit MatmulConv(const ConvGeometry& g)
      : outputs(g.outputs()), numbers(g.taps() * g.in_channels), channels(g.out_channels) {}
  static bool fits(const ConvGeometry& g) {
    const ConvGeometry::Axes one{1, 1, 1}, none{0, 0, 0};
    const bool whole_images = g.kernel == g.input && g.output == one && g.dilation == one;
    const bool pixels = g.kernel == one && g.stride == one && g.output == g.input;
    return g.groups == 1 && g.padding == none && (whole_images || pixels);
  }
  template <Real T>
  void conv(const T* x, const T* w, const T* bias, T* y) const {
    gemm(Layout::normal, Layout::normal, outputs, channels, numbers, x, numbers, w, channels, y, channels, false, bias);
  }
  template <Real T>
  void conv_transpose(const T* y, const T* w, const T* bias, Index in_channels, T* x) const {
    const Scratch<T> repeated(bias == nullptr ? 0 : numbers);
    for (Index i = 0; bias != nullptr && i < numbers; i += in_channels) std::copy_n(bias, in_channels, repeated + i);
    gemm(Layout::normal, Layout::transposed, outputs, numbers, channels, y, channels, w, channels, x, numbers, false,
         bias == nullptr ? bias : repeated.data());
  }
  template <Real T>
  void conv_weight(const T* x, const T* dy, T* dw) const {
    const T* const none = nullptr;
    gemm(Layout::transposed, Layout::normal, numbers, channels, outputs, x, numbers, dy, channels, dw, channels, false,
         none);
  }
};

namespace detail {

/// Calls way.template operator()<F>() with the type F of the factors, which may be pairs if `pairs`.
template <Real T, class Way>
void by_factors(bool pairs, const Way& way) {
  if (pairs) with_arithmetic<T>(way);
  else way.template operator()<T>();
}
/// Calls way.template operator()<F>(scheme) with the type F of a convolution's factors and its fastest scheme.
template <Real T, bool transposed = false, class Way>
void by_shortest_way(const ConvGeometry& g, const Way& way) {
  by_factors<T>(pairs_up(g),
                [&]<Multiplicand F>() { way.template operator()<F>(winograd::scheme_of<F>(g, transposed)); });
}

}  // namespace detail

/// As direct_conv, by a faster kernel if there is one.
template <Real T, bool may_group = true>
void conv(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  if constexpr (may_group) {
    if (depthwise::fits<T>(g)) return depthwise::conv(g, x, w, bias, y);
  }
  if (const PaddedChannels<T> whole(g); whole.fits()) {
    const ConvGeometry& wide = whole.wide();
    const PaddedRows<T> in = whole.input(x), start(bias, 1, g.out_channels, wide.out_channels);
    return whole.into(y, g.outputs(), g.out_channels, wide.out_channels, [&](T* to) {
      whole.with_weights(w, [&](const T* weights) { conv<T, may_group>(wide, in.data(), weights, start.data(), to); });
    });
  }
  if (!MatmulConv::fits(g) && narrow::fits<T>(g)) {
    return detail::by_factors<T>(narrow::pairs_up(g), [&]<Multiplicand F>() {
      if constexpr (std::same_as<F, T>) direct_conv<F>(g, x, w, bias, y);  // copies lines too
      else narrow::conv<F>(g, x, w, bias, y);
    });
  }
  if (!MatmulConv::fits(g) && narrow::fits_reversed<T>(g)) return narrow::conv_reversed(g, x, w, bias, y);
  detail::by_shortest_way<T>(g, [&]<Multiplicand F>(const winograd::Scheme<T>& scheme) {
    if (scheme.filter != nullptr) return winograd::conv<F>(scheme, g, x, w, bias, y);
    if (std::same_as<F, T> && MatmulConv::fits(g)) return MatmulConv(g).conv(x, w, bias, y);
    direct_conv<F>(g, x, w, bias, y);
  });
}
/// As direct_conv_transpose, by a faster kernel if there is one.
template <Real T, bool may_group = true>
void conv_transpose(const ConvGeometry& g, const T* y, const T* w, const T* bias, T* x) {
  if constexpr (may_group) {
    if (depthwise::fits<T>(g)) return depthwise::conv_transpose(g, y, w, bias, x);
  }
  if (const PaddedChannels<T> whole(g); whole.fits()) {
    const ConvGeometry& wide = whole.wide();
    const PaddedRows<T> in = whole.output(y), start(bias, 1, g.in_channels, wide.in_channels);
    return whole.into(x, g.inputs(), g.in_channels, wide.in_channels, [&](T* to) {
      whole.with_weights(
          w, [&](const T* weights) { conv_transpose<T, may_group>(wide, in.data(), weights, start.data(), to); });
    });
  }
  if (!MatmulConv::fits(g) && narrow::fits_adjoint<T>(g)) {
    return detail::by_factors<T>(g.out_channels % 2 == 0,
                                 [&]<Multiplicand F>() { narrow::conv_transpose<F>(g, y, w, bias, x); });
  }
  detail::by_shortest_way<T, true>(g, [&]<Multiplicand F>(const winograd::Scheme<T>& scheme) {
    if (scheme.filter != nullptr) return winograd::conv_transpose<F>(scheme, g, y, w, bias, x);
    if (std::same_as<F, T> && MatmulConv::fits(g)) return MatmulConv(g).conv_transpose(y, w, bias, g.in_channels, x);
    direct_conv_transpose<F>(g, y, w, bias, x);
  });
}
/// As direct_conv_weight, by a faster kernel if there is one.
template <Real T, bool may_group = true>
void conv_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  if constexpr (may_group) {
    if (depthwise::fits<T>(g)) return depthwise::conv_weight(g, x, dy, dw);
  }
  if (const PaddedChannels<T> whole(g); whole.fits()) {
    const ConvGeometry& wide = whole.wide();
    const PaddedRows<T> in = whole.input(x), out = whole.output(dy);
    const Index rows = g.taps() * g.in_channels, tap = g.in_channels * wide.out_channels;
    return whole.into(dw, rows, g.out_channels, wide.out_channels, [&](T* across) {
      whole.into(across, g.taps(), tap, wide.in_channels * wide.out_channels,
                 [&](T* to) { conv_weight<T, may_group>(wide, in.data(), out.data(), to); });
    });
  }
  if (!MatmulConv::fits(g) && narrow::fits<T>(g)) {
    return detail::by_factors<T>(narrow::pairs_up(g), [&]<Multiplicand F>() { narrow::conv_weight<F>(g, x, dy, dw); });
  }
  detail::by_shortest_way<T>(g, [&]<Multiplicand F>(const winograd::Scheme<T>& scheme) {
    if (scheme.filter != nullptr) return winograd::conv_weight<F>(scheme, g, x, dy, dw);
    if (std::same_as<F, T> && MatmulConv::fits(g)) return MatmulConv(g).conv_weight(x, dy, dw);
    direct_conv_weight<F>(g, x, dy, dw);
  });
}

}  // namespace flipbook::cpu
