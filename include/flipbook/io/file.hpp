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

FLIPBOOK_INLINE std::string quoted(const std::filesystem::path& path);
/// The system's description of the error of the last call.
FLIPBOOK_INLINE std::string reason();

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace detail

/// All bytes of a file. Memory grows with the bytes read, independently of the length stated by the file system or the
/// file, so reading a device ends in an Error at the limit instead of exhausting memory.
/// @throws Error if the file is missing, unreadable, a folder, a pipe (which may never end), or longer than `limit`
///         bytes
FLIPBOOK_INLINE Bytes read_file(const std::filesystem::path& path, std::size_t limit = std::size_t{1} << 34);

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/io/file.ipp>
#endif
