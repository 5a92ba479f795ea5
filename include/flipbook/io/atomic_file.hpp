// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <flipbook/io/file.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A file that is written atomically: it appears complete or not at all. Bytes go to a temporary file in the same
/// folder, NAME.0.tmp; `commit` syncs it to the disk and renames it to the final name. Until then, or if `commit` is
/// never reached, an existing file of that name does not change.
class AtomicFile {
 public:
  /// A symbolic link is followed: its target is replaced or created. A replaced file passes on its permissions.
  /// @throws Error if nothing can be created next to `path`, or if `path` exists and is not a regular file
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends bytes.
  void write(const void* data, std::size_t bytes);
  void write(std::span<const std::uint8_t> bytes) { write(bytes.data(), bytes.size()); }
  void write(std::string_view characters) { write(characters.data(), characters.size()); }

  /// The path of the temporary file, for a library that opens it by name.
  const std::filesystem::path& temporary() const noexcept { return temporary_; }

  /// Syncs the written bytes to the disk.
  /// @throws Error if that fails, as on a full disk
  void sync();
  /// Renames the file to its final name; nothing may be written afterwards.
  void commit();
  /// Gives the file its final name unless a file of that name exists; of several writers, one succeeds.
  /// @return whether this one succeeded
  bool commit_new();

 private:
  // A rename or a link is durable once the folder is synced; some file systems cannot sync folders, and need not.
  void sync_folder() const;
  static std::filesystem::path followed(std::filesystem::path path);
  /// Creates an empty file of this name, locked while its writer lives, so that the remains of a killed writer can be
  /// recognised and taken over. Returns a negative number, with errno EEXIST, if another writer has the file.
  static int taken(const std::filesystem::path& name);

  [[noreturn]] void fail_with(std::string_view what) const;

  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

/// Writes a whole file at once, atomically.
/// @throws Error if it cannot be written: names the path and the reason
FLIPBOOK_INLINE void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes);

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/io/atomic_file.ipp>
#endif
