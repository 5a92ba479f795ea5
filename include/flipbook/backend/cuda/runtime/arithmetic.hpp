// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <type_traits>

#include <flipbook/core/isa.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// How products are computed. A change applies to operations called afterwards, on any thread.
struct Arithmetic {
  /// Round the factors of float products to TF32 (11 bits of precision, sums in float), which tensor cores multiply at
  /// many times the speed.
  std::atomic<bool> tf32{false};
  /// If cuBLASLt or cuDNN has several kernels for a product or convolution, time them at its first use, outside of
  /// captured graphs, and keep the fastest; otherwise take the recommended one. The fastest may differ between runs,
  /// and kernels differ in the last bits: without autotuning, runs on the same kind of device are bitwise identical.
  std::atomic<bool> autotune{false};
  /// Compute convolutions by cuDNN, if the program was compiled with FLIPBOOK_CUDNN and cuDNN has a kernel; otherwise
  /// by the library's own kernels.
  std::atomic<bool> cudnn{true};
};

inline Arithmetic& arithmetic() {
  static Arithmetic setting;
  return setting;
}

/// Calls f.template operator()<Fast>(), where Fast is whether products of T use tensor cores.
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
