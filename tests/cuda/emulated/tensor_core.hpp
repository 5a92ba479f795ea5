// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include <cuda_runtime.h>

#include <flipbook/core/error.hpp>
#include <flipbook/core/scalar.hpp>

/// The functions of flipbook/backend/cuda/gemm/tensor_core.hpp as the PTX manual defines their instructions: every
/// thread lays what it brings onto its warp's table, and reads there what the others brought.

namespace flipbook::cuda {

namespace emulated {

/// What each thread of this thread's warp brought. Blocks run one after another, so the same tables serve all of them,
/// and two a warp in turns: whoever lays something onto one has seen all others past the other, and so done with this.
template <class T>
const std::array<T, 32>& brought(const T& mine) {
  static std::array<std::array<std::array<T, 32>, 2>, 32> tables;
  static std::array<unsigned char, 1024> turns{};
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  auto& table = tables[thread / 32][turns[thread] ^= 1];
  table[thread % 32] = mine;
  __syncwarp();
  return table;
}
inline unsigned lane() { return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % 32; }

inline void load_matrices(std::uint32_t (&to)[4], const void* row, bool transposed) {
  if (std::bit_cast<std::uintptr_t>(row) % 16 != 0)
    fail("ldmatrix: a row at ", std::bit_cast<std::uintptr_t>(row), " is not aligned to 16 bytes");
  const auto& rows = brought(row);
  const unsigned quad = lane() / 4, place = lane() % 4;
  for (unsigned matrix = 0; matrix < 4; ++matrix) {
    const auto element = [&](unsigned i, unsigned j) {
      std::uint16_t bits;
      std::memcpy(&bits, static_cast<const char*>(rows[8 * matrix + (transposed ? j : i)]) + 2 * (transposed ? i : j),
                  2);
      return std::uint32_t{bits};
    };
    to[matrix] = element(quad, 2 * place) | element(quad, 2 * place + 1) << 16;
  }
}

/// The numbers in a thread's registers.
struct Fragments {
  float a[8], b[4];
};

/// Of registers of two numbers of 16 bits, or of one of tf32, whose last 13 bits do not count.
template <class T, std::size_t N>
void unpack(const std::uint32_t (&registers)[N], float* to) {
  for (const std::uint32_t bits : registers) {
    if constexpr (sizeof(T) == 2) {
      T first, second;
      first.bits = static_cast<std::uint16_t>(bits), second.bits = static_cast<std::uint16_t>(bits >> 16);
      *to++ = static_cast<float>(first), *to++ = static_cast<float>(second);
    } else {
      *to++ = std::bit_cast<float>(bits & ~0x1fffU);
    }
  }
}

}  // namespace emulated

inline void load_matrices(std::uint32_t (&to)[4], const void* row) { emulated::load_matrices(to, row, false); }
inline void load_matrices_turned(std::uint32_t (&to)[4], const void* row) { emulated::load_matrices(to, row, true); }

inline float round_to_tf32(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const bool finite = (bits & 0x7f800000U) != 0x7f800000U;
  return std::bit_cast<float>((finite ? bits + 0x1000U : bits) & ~0x1fffU);
}

template <class T>
void multiply_add(float (&sum)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  emulated::Fragments mine;
  emulated::unpack<T>(a, mine.a);
  emulated::unpack<T>(b, mine.b);
  const auto& all = emulated::brought(mine);
  constexpr unsigned pair = sizeof(T) == 2 ? 2 : 1;  // numbers of a register
  const unsigned quad = emulated::lane() / 4, place = emulated::lane() % 4;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned lower = i / 2, column = 2 * place + i % 2;  // row quad + 8·lower
    float products = 0;
    for (unsigned half = 0; half < 2; ++half) {
      for (unsigned owner = 0; owner < 4; ++owner) {
        const float* const left = all[4 * quad + owner].a + (2 * half + lower) * pair;
        const float* const right = all[4 * column + owner].b + half * pair;
        for (unsigned k = 0; k < pair; ++k) products += left[k] * right[k];
      }
    }
    sum[i] += products;
  }
}

}  // namespace flipbook::cuda
