// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

#include <flipbook/backend/cuda/runtime/launch.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace cuda {

/// The copies of one launch, in its parameters.
struct CopyPieces {
  static constexpr std::size_t most = 64;
  CopyPiece piece[most];
};

/// Copies piece blockIdx.y, in units of U.
template <class U>
__global__ void copy_pieces(const __grid_constant__ CopyPieces pieces) {
  const CopyPiece& piece = pieces.piece[blockIdx.y];
  const auto width = static_cast<std::uint32_t>(piece.bytes / sizeof(U));
  const auto size = static_cast<Index>(piece.rows) * width;
  for (Index i = thread_number(); i < size; i += thread_count()) {
    const std::uint32_t place = static_cast<std::uint32_t>(i), row = place / width, column = place - row * width;
    auto* const to = static_cast<std::byte*>(piece.to) + row * piece.to_pitch;
    const auto* const from = static_cast<const std::byte*>(piece.from) + row * piece.from_pitch;
    reinterpret_cast<U*>(to)[column] = reinterpret_cast<const U*>(from)[column];
  }
}

namespace detail {

template <class U>
void copy_in_units(std::span<const CopyPiece> pieces) {
  CopyPieces group;
  std::size_t count = 0, largest = 0;
  const auto run = [&] {
    if (count == 0) return;
    dim3 grid(blocks_for(static_cast<Index>(largest / sizeof(U))), static_cast<unsigned>(count));
    launch(copy_pieces<U>, grid, block_threads, 0, group);
    count = largest = 0;
  };
  const auto put = [&](const CopyPiece& piece) {
    if (count == CopyPieces::most) run();
    group.piece[count++] = piece;
    largest = std::max(largest, piece.bytes * piece.rows);
  };
  constexpr std::size_t most = sizeof(U) << 30;  // bytes that a kernel counts in 32 bits
  for (CopyPiece piece : pieces) {
    const std::size_t rows = std::max<std::size_t>(1, most / std::max<std::size_t>(1, piece.bytes));
    for (std::size_t row = 0; row < piece.rows && piece.bytes > 0; row += rows) {
      CopyPiece part{piece.to_row(row), piece.from_row(row), piece.bytes, std::min(rows, piece.rows - row),
                     piece.to_pitch,    piece.from_pitch};
      for (; part.bytes > most; part.bytes -= most) {  // one row, split
        put({part.to, part.from, most});
        part.to = static_cast<std::byte*>(part.to) + most, part.from = static_cast<const std::byte*>(part.from) + most;
      }
      put(part);
    }
  }
  run();
}

}  // namespace detail
}  // namespace cuda

inline void Cuda::copy(std::span<const CopyPiece> pieces) {
  std::uintptr_t places = 0;  // every address and width is a multiple of the lowest bit here
  for (const CopyPiece& piece : pieces) {
    if (piece.bytes == 0 || piece.rows == 0) continue;
    cuda::note_write(piece.to, static_cast<std::size_t>(piece.to_row(piece.rows - 1) + piece.bytes - piece.to_row(0)));
    places |= std::bit_cast<std::uintptr_t>(piece.to) | std::bit_cast<std::uintptr_t>(piece.from) | piece.bytes;
    if (piece.rows > 1) places |= piece.to_pitch | piece.from_pitch;
  }
  if (places % 16 == 0) cuda::detail::copy_in_units<uint4>(pieces);
  else if (places % 4 == 0) cuda::detail::copy_in_units<std::uint32_t>(pieces);
  else if (places % 2 == 0) cuda::detail::copy_in_units<std::uint16_t>(pieces);
  else cuda::detail::copy_in_units<std::uint8_t>(pieces);
}

}  // namespace flipbook
