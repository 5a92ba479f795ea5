// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/io/file.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE std::string quoted(const std::filesystem::path& path) { return text("'", path.string(), "'"); }

FLIPBOOK_INLINE std::string reason() { return std::generic_category().message(errno); }

}  // namespace detail

FLIPBOOK_INLINE Bytes read_file(const std::filesystem::path& path, std::size_t limit) {
  std::error_code unreadable;  // opening it will say so again
  require(!std::filesystem::is_fifo(path, unreadable), "read: ", detail::quoted(path),
          " is a pipe; write what comes out of it to a file first");
  const std::unique_ptr<std::FILE, detail::CloseFile> file(std::fopen(path.c_str(), "rb"));
  if (!file) fail("read: cannot open ", detail::quoted(path), ": ", detail::reason());
  std::setvbuf(file.get(), nullptr, _IONBF, 0);  // the pieces read are larger than any buffer

  Bytes bytes;
  std::size_t length = 0;
  for (std::size_t piece = 1 << 16;; piece = std::max(piece, length)) {
    bytes.resize(length + piece);
    const std::size_t got = std::fread(bytes.data() + length, 1, piece, file.get());
    length += got;
    if (std::ferror(file.get()) != 0) fail("read: ", detail::quoted(path), ": ", detail::reason());
    if (length > limit) fail("read: ", detail::quoted(path), " is longer than ", limit, " bytes");
    if (got < piece) break;
  }
  bytes.resize(length);
  return bytes;
}

}  // namespace flipbook
