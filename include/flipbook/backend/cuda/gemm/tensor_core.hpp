// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/core/scalar.hpp>

/// The instructions of tensor cores, one function each. All 32 threads of a warp call them together; a thread's
/// `quad` is its number / 4, its `place` its number mod 4. A register holds two neighbours of 16 bits, or one tf32.
///
///     a  (16, depth)   rows quad and quad + 8        b  (depth, 8)   column quad
///     sum  (16, 8)     rows quad (numbers 0, 1) and quad + 8 (2, 3), columns 2·place and 2·place + 1
///
/// At depth 16 registers 0 and 1 of a (0 of b) stand for depths 2·place and 2·place + 1, the others for 8 more; at
/// depth 8 (tf32) for depth place, and 4 more. In both, odd registers of a belong to row quad + 8.

#ifdef FLIPBOOK_CUDA_EMULATED
#include <tensor_core.hpp>
#else

namespace flipbook::inline FLIPBOOK_ISA::cuda {

namespace detail {
__device__ inline unsigned in_shared(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}
}  // namespace detail

/// Four 8×8 matrices of 16-bit numbers from shared memory: thread i says where row i mod 8 of matrix i / 8 begins, at
/// a multiple of 16 bytes. Of matrix j, a thread gets numbers 2·place and 2·place + 1 of row quad, in to[j].
__device__ inline void load_matrices(std::uint32_t (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(detail::in_shared(row))
               : "memory");
}
/// The same of each matrix's transpose.
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
