// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/resample/blocks.hpp>
#include <flipbook/ops/shape/permute.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// Moves each block of positions into the channels of one position. The view (N, T, t, H, h, W, w, C) is permuted to N,
/// T, H, W, followed by (t, h, w, C) or (C, t, h, w).
inline Permute blocks_into_channels(const kernel::Blocks& b, int places, bool channels_first) {
  constexpr std::array<int, 8> patches{0, 1, 3, 5, 2, 4, 6, 7}, shuffle{0, 1, 3, 5, 7, 2, 4, 6};
  return {shape_of_blocks(b, places, false, b.block_size() * b.channels),
          8,
          {b.batch, b.count[0], b.size[0], b.count[1], b.size[1], b.count[2], b.size[2], b.channels},
          channels_first ? shuffle : patches};
}

template <Operand X>
auto gather_blocks(const char* operation, const X& x, const Extent& size, bool channels_first) {
  const auto blocks = blocks_of(operation, x.shape(), size);
  return apply(blocks_into_channels(blocks, x.shape().rank() - 2, channels_first), x);
}
template <Operand X>
auto spread_blocks(const char* operation, const X& x, const Extent& size, bool channels_first) {
  auto blocks = blocks_from(operation, x.shape(), size);
  const int places = x.shape().rank() - 2;
  require(blocks.channels % blocks.block_size() == 0, operation, ": blocks of ", size_text(size, places),
          " do not divide the channels of ", x.shape());
  blocks.channels /= blocks.block_size();
  const Shape whole = shape_of_blocks(blocks, places, true, blocks.channels);
  return apply(blocks_into_channels(blocks, places, channels_first).inverse(whole), x);
}

}  // namespace detail

/// Space-time patches: (N, [T, [H,]] W, C) → (N, [T/t, [H/h,]] W/w, t·h·w·C). Each position has the pixels of its patch
/// in order, channels innermost.
/// @throws Error  if the patches do not divide the extents
template <Operand X>
auto patchify(const X& x, const Extent& patch) {
  return detail::gather_blocks("patchify", x, patch, false);
}
/// Undoes `patchify`: (N, [T, [H,]] W, t·h·w·C) → (N, [T·t, [H·h,]] W·w, C).
/// @throws Error  if the patches do not divide the channels
template <Operand X>
auto unpatchify(const X& x, const Extent& patch) {
  return detail::spread_blocks("unpatchify", x, patch, false);
}

/// Moves channels to positions: (N, [T, [H,]] W, C·t·h·w) → (N, [T·t, [H·h,]] W·w, C), in PyTorch's order of channels
/// (C outermost). Shi et al., 2016.
/// @throws Error  if the factor does not divide the channels
template <Operand X>
auto pixel_shuffle(const X& x, const Extent& factor) {
  return detail::spread_blocks("pixel_shuffle", x, factor, true);
}
/// Moves positions to channels: undoes `pixel_shuffle`.
/// @throws Error  if the factor does not divide the extents
template <Operand X>
auto pixel_unshuffle(const X& x, const Extent& factor) {
  return detail::gather_blocks("pixel_unshuffle", x, factor, true);
}

FLIPBOOK_TEMPLATE(auto detail::spread_blocks(const char*, const Tensor<float>&, const Extent&, bool));
FLIPBOOK_TEMPLATE(auto detail::spread_blocks(const char*, const Variable<float>&, const Extent&, bool));

}  // namespace flipbook
