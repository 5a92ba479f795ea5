// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/core/scalar.hpp>

/// The instructions of tensor cores, one function each. All 32 threads of a warp call them together; a thread's
/// `quad` is its index / 4, its `place` its index mod 4. A register holds two adjacent 16-bit values, or one tf32.
///
///     a  (16, depth)   rows quad and quad + 8        b  (depth, 8)   column quad
///     sum  (16, 8)     rows quad (elements 0, 1) and quad + 8 (2, 3), columns 2·place and 2·place + 1
///
/// At depth 16, registers 0 and 1 of a (0 of b) hold depths 2·place and 2·place + 1, the others the depths 8 higher; at
/// depth 8 (tf32), they hold depth place, the others the depth 4 higher. In both, odd registers of a hold row quad + 8.

#ifdef FLIPBOOK_CUDA_EMULATED
#include <tensor_core.hpp>
#else

namespace flipbook::inline FLIPBOOK_ISA::cuda {

namespace detail {
__device__ inline unsigned in_shared(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}
}  // namespace detail

/// Loads four 8×8 matrices of 16-bit values from shared memory: thread i gives the address of row i mod 8 of matrix
/// i / 8, a multiple of 16 bytes. A thread receives elements 2·place and 2·place + 1 of row quad of matrix j in to[j].
__device__ inline void load_matrices(std::uint32_t (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(detail::in_shared(row))
               : "memory");
}
/// Loads the transposes of four matrices, as `load_matrices`.
__device__ inline void load_matrices_turned(std::uint32_t (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(detail::in_shared(row))
               : "memory");
}

/// The nearest tf32, ties away from zero.
__device__ inline float round_to_tf32(float x) {
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return __uint_as_float(bits);
}

/// sum += a·b
template <class T>
__device__ inline void multiply_add(float (&sum)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  if constexpr (std::same_as<T, bfloat16>) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else if constexpr (std::same_as<T, half>) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
}

}  // namespace flipbook::cuda

#endif
