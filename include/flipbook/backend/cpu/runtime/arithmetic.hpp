// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <string_view>

#include <flipbook/backend/cpu/gemm/multiplicand.hpp>
#include <flipbook/core/compiled.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// The arithmetic of products. A change applies to operations called from then on, by any thread.
struct Arithmetic {
  /// Rounds the factors of float convolutions to bfloat16 (8 bits of precision, sums in float), two of which the
  /// machine multiplies at a time. Without effect unless the machine has AVX512-BF16 and the program is linked with
  /// flipbook::kernels or compiled with FLIPBOOK_BFLOAT16 (CMake's target flipbook::bfloat16); see
  /// `can_multiply_bfloat16`.
  std::atomic<bool> bfloat16{false};
};

inline Arithmetic& arithmetic() {
#ifdef FLIPBOOK_SHARED
  return *static_cast<Arithmetic*>(flipbook_arithmetic());
#else
  static Arithmetic setting;
  return setting;
#endif
}

/// Whether `arithmetic().bfloat16` has an effect in this program on this machine.
inline bool can_multiply_bfloat16() {
#ifdef FLIPBOOK_KERNELS
  return std::string_view(flipbook_kernels_isa()).ends_with("bf16");
#else
  return multiplies_pairs;
#endif
}

/// Calls f.template operator()<F>() with the type F as which factors of T are multiplied: BfloatPair or T.
template <Real T, class F>
void with_arithmetic(const F& f) {
  if constexpr (std::same_as<T, float> && multiplies_pairs) {
    if (arithmetic().bfloat16) return f.template operator()<BfloatPair>();
  }
  f.template operator()<T>();
}

}  // namespace flipbook::cpu
