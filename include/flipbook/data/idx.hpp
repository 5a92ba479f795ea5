// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>
#include <filesystem>
#include <span>
#include <vector>

#include <flipbook/core/tensor.hpp>
#include <flipbook/io/file.hpp>
#include <flipbook/io/gzip.hpp>
#include <flipbook/io/stored.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// The extents in the header of an IDX file: 0, 0, type (8: unsigned bytes), rank, then each extent as a big-endian
/// number of 32 bits.
inline std::vector<std::uint32_t> parse_idx_header(std::span<const std::uint8_t> bytes) {
  require(bytes.size() >= 4, "it has ", bytes.size(), " bytes, fewer than a header takes");
  require(bytes[0] == 0 && bytes[1] == 0, "it does not begin as IDX does, with two zeros");
  require(bytes[2] == 8, "its elements are of type ", int{bytes[2]}, "; only unsigned bytes (8) are read");
  const std::size_t rank = bytes[3];
  require(rank >= 1 && rank <= 4, "it is of rank ", rank, "; ranks 1 to 4 are read");
  require(bytes.size() >= 4 + 4 * rank, "it has ", bytes.size(), " bytes, fewer than a header takes");
  std::vector<std::uint32_t> extents;
  for (std::size_t at = 4; at < 4 + 4 * rank; at += 4) {
    extents.push_back(std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
                      std::uint32_t{bytes[at + 2]} << 8 | std::uint32_t{bytes[at + 3]});
  }
  return extents;
}

inline Tensor<std::uint8_t> parse_idx(Bytes bytes) {
  constexpr std::size_t longest_header = 20;
  const bool packed = is_gzip(bytes);
  const auto extents = parse_idx_header(packed ? gunzip(bytes, longest_header) : bytes);
  const std::size_t header = 4 + 4 * extents.size();
  const auto size = checked_product(extents);
  require(size.has_value(), "its extents multiply to more than can be held");
  const auto length = header + static_cast<std::size_t>(*size);
  if (packed) bytes = gunzip(bytes, length + 1);  // one extra byte detects a file that is too long
  const Shape shape(extents.begin(), extents.end());
  require(bytes.size() >= length, "it ends after ", bytes.size(), " of the ", length, " bytes that shape ", shape,
          " takes");
  require(bytes.size() == length, "it is longer than the ", length, " bytes that shape ", shape, " takes");
  return from_stored<std::uint8_t>(Stored::u8, shape, std::span(bytes).subspan(header), "idx");
}

}  // namespace detail

/// Reads an IDX file of unsigned bytes (MNIST's format), gzipped or not: images (N, H, W), labels (N), or any tensor of
/// rank 1 to 4.
/// @throws Error if the file cannot be read, is damaged, or is not exactly as long as its header says
inline Tensor<std::uint8_t> read_idx(const std::filesystem::path& path) {
  Bytes bytes = read_file(path);
  try {
    return detail::parse_idx(std::move(bytes));
  } catch (const Error& error) {
    fail("idx: ", detail::quoted(path), " is refused: ", error.what());
  }
}

}  // namespace flipbook
