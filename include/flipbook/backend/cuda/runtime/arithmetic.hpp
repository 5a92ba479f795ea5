// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <type_traits>

#include <flipbook/core/isa.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// How products are worked out. Applies to operations called from then on, by any thread.
struct Arithmetic {
  /// Round the factors of float products to TF32 (11 bits of precision, sums in float), which tensor cores multiply at
  /// many times the speed.
  std::atomic<bool> tf32{false};
  /// Where a library has several kernels for a product or convolution, time them at its first use, outside of captured
  /// graphs, and keep the fastest; otherwise take what the library recommends. Which one is fastest may differ from
  /// run to run, and kernels differ in the last bits: without it, runs on the same kind of device give the same bits.
  std::atomic<bool> autotune{false};
  /// Convolutions by cuDNN, where the program was compiled with FLIPBOOK_CUDNN and cuDNN has a kernel; otherwise by
  /// flipbook's own.
  std::atomic<bool> cudnn{true};
};

inline Arithmetic& arithmetic() {
  static Arithmetic setting;
  return setting;
}

/// Calls f.template operator()<Fast>(): whether products of T go by tensor cores.
template <class T, class F>
void with_arithmetic(const F& f) {
  if constexpr (std::is_same_v<T, float>) {
    if (arithmetic().tf32) f.template operator()<true>();
    else f.template operator()<false>();
  } else {
    f.template operator()<!std::is_same_v<T, double>>();
  }
}

}  // namespace flipbook::cuda
