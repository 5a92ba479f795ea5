// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/conv/winograd/winograd.hpp>

/// Convolutions whose channels do not fill whole vectors, padded with channels of zeros. Winograd's filtering needs
/// whole vectors, and saves more time than the copies take.
namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// Rows padded with zeros to a width, or the rows themselves if they have this width.
template <Real T>
class PaddedRows {
 public:
  PaddedRows(const T* from, Index rows, Index have, Index want) : padded_(have == want ? 0 : rows * want), data_(from) {
    if (have == want || from == nullptr) return;
    data_ = padded_.data();
    parallel_for(rows, std::max(Index{1}, 4096 / want), [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        T* const to = padded_ + i * want;
        std::fill(std::copy_n(from + i * have, have, to), to + want, T(0));
      }
    });
  }
  const T* data() const { return data_; }

 private:
  Scratch<T> padded_;
  const T* data_;
};

template <Real T>
class PaddedChannels {
 public:
  explicit PaddedChannels(const ConvGeometry& g) : g_(g), wide_(g) {
    wide_.in_channels = round_up(g.in_channels, lanes<T>), wide_.out_channels = round_up(g.out_channels, lanes<T>);
  }
  /// The padded convolution.
  const ConvGeometry& wide() const { return wide_; }
  /// Whether padding pays: there is a filter, and few of the products are with zeros.
  bool fits() const {
    const Index products = g_.in_channels * g_.out_channels, wide = wide_.in_channels * wide_.out_channels;
    return g_.groups == 1 && products < wide && 5 * wide <= 9 * products &&
           std::min(g_.in_channels, g_.out_channels) >= 24 && winograd::scheme_of<T>(wide_).filter != nullptr;
  }

  PaddedRows<T> input(const T* x) const { return {x, g_.inputs(), g_.in_channels, wide_.in_channels}; }
  PaddedRows<T> output(const T* y) const { return {y, g_.outputs(), g_.out_channels, wide_.out_channels}; }
  /// Calls f with the padded weights.
  template <class F>
  void with_weights(const T* w, const F& f) const {
    const PaddedRows<T> across(w, g_.taps() * g_.in_channels, g_.out_channels, wide_.out_channels);
    const PaddedRows<T> all(across.data(), g_.taps(), g_.in_channels * wide_.out_channels,
                            wide_.in_channels * wide_.out_channels);
    f(all.data());
  }
  /// Calls f with memory for (rows, wide), and copies its result to (rows, have).
  template <class F>
  static void into(T* to, Index rows, Index have, Index wide, const F& f) {
    if (have == wide) return f(to);
    const Scratch<T> padded(rows * wide);
    f(padded.data());
    parallel_for(rows, std::max(Index{1}, 4096 / have), [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) std::copy_n(padded + i * wide, have, to + i * have);
    });
  }

 private:
  ConvGeometry g_, wide_;
};

}  // namespace flipbook::cpu
