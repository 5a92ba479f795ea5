// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <flipbook/core/error.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The content of a file.
using Bytes = std::vector<std::uint8_t>;

namespace detail {

inline std::string quoted(const std::filesystem::path& path) { return text("'", path.string(), "'"); }
/// What the system said about the call that has just failed.
inline std::string reason() { return std::generic_category().message(errno); }

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace detail

/// All bytes of a file. Memory grows with what has been read, never by a length that the file system or
/// the file states, so a device ends in an Error at the limit and not in exhausted memory.
/// @throws Error if the file is missing, unreadable, a folder, a pipe (which may never end), or longer than `limit`
///         bytes
inline Bytes read_file(const std::filesystem::path& path, std::size_t limit = std::size_t{1} << 34) {
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
