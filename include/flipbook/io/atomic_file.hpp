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

/// A file that appears whole or not at all. Bytes go to a temporary file in the same folder, NAME.0.tmp; `commit`
/// has them on the disk before it renames that file to the wanted name. Until then, and for good if
/// `commit` is never reached, whatever stood under the name stays as it was.
class AtomicFile {
 public:
  /// A symbolic link is followed: it is what it points to that is replaced, or made. A file that is replaced hands its
  /// permissions on.
  /// @throws Error if nothing can be created beside `path`, or if `path` is something other than a file
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends bytes.
  void write(const void* data, std::size_t bytes);
  void write(std::span<const std::uint8_t> bytes) { write(bytes.data(), bytes.size()); }
  void write(std::string_view characters) { write(characters.data(), characters.size()); }

  /// The file that the bytes go to, for a library that will open it by its name.
  const std::filesystem::path& temporary() const noexcept { return temporary_; }

  /// Has what was written on the disk, which may turn out to be full.
  void sync();
  /// Puts the file in its place; nothing may be written afterwards.
  void commit();
  /// Puts the file in its place unless one is there; of several that want it, one gets it.
  /// @return whether this one did
  bool commit_new();

 private:
  // A rename or a link is on the disk once the folder is; some file systems cannot sync one, and need not.
  void sync_folder() const;
  static std::filesystem::path followed(std::filesystem::path path);
  /// An empty file of this name, which stays locked while its writer lives. So what a writer that was killed has left
  /// can be told, and is taken over. Less than 0, with the reason EEXIST, where another writer has it.
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
