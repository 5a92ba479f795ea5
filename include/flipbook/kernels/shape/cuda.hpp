// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include <flipbook/backend/cuda/shape/copy.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel::detail {

template <class T>
void carry_out(Cuda, const Move& move, const T* from, T* to) {
  if (move.plan.size > 0) cuda::copy(move.plan, from + move.from, to + move.to);
}

}  // namespace flipbook::kernel::detail

namespace flipbook::inline FLIPBOOK_ISA::kernel {

template <class T, class Parts>
void join_columns(Cuda, Index rows, const Parts& parts, Tensor<T, Cuda>& whole) {
  if (whole.size() == 0) return;
  const auto bytes_of_row = [rows](const auto& x) { return static_cast<std::size_t>(x.size() / rows) * sizeof(T); };
  std::vector<CopyPiece> pieces;
  T* at = whole.data();
  for (const Tensor<T, Cuda>& part : parts) {
    pieces.push_back(
        {at, part.data(), bytes_of_row(part), static_cast<std::size_t>(rows), bytes_of_row(whole), bytes_of_row(part)});
    at += part.size() / rows;
  }
  Cuda::copy(pieces);
}

template <class T, class Parts>
void split_columns(Cuda, Index rows, const Tensor<T, Cuda>& whole, Parts& parts) {
  if (whole.size() == 0) return;
  const auto bytes_of_row = [rows](const auto& x) { return static_cast<std::size_t>(x.size() / rows) * sizeof(T); };
  std::vector<CopyPiece> pieces;
  const T* at = whole.data();
  for (Tensor<T, Cuda>& part : parts) {
    pieces.push_back(
        {part.data(), at, bytes_of_row(part), static_cast<std::size_t>(rows), bytes_of_row(part), bytes_of_row(whole)});
    at += part.size() / rows;
  }
  Cuda::copy(pieces);
}

}  // namespace flipbook::kernel
