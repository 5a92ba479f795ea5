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
  explicit AtomicFile(std::filesystem::path path) : path_(followed(std::move(path))) {
    struct stat there {};
    const bool exists = ::stat(path_.c_str(), &there) == 0;
    // A rename would put a plain file in the place of a device such as /dev/null.
    require(!exists || S_ISREG(there.st_mode), "write: ", detail::quoted(path_), " exists and is not a regular file");
    for (int number = 0; descriptor_ < 0; ++number) {
      constexpr std::size_t longest = 240;  // bytes of a name, which may have 255
      temporary_ = path_.parent_path() / path_.filename().string().substr(0, longest);
      temporary_ += text(".", number, ".tmp");
      descriptor_ = taken(temporary_);
      if (descriptor_ < 0 && (errno != EEXIST || number > 1000)) fail_with("cannot create");
    }
    if (exists) ::fchmod(descriptor_, there.st_mode & 0777);
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
  }

  /// Appends bytes.
  void write(const void* data, std::size_t bytes) {
    for (const char* at = static_cast<const char*>(data); bytes > 0;) {
      const ssize_t written = ::write(descriptor_, at, bytes);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_with("cannot write");
      at += written;
      bytes -= static_cast<std::size_t>(written);
    }
  }
  void write(std::span<const std::uint8_t> bytes) { write(bytes.data(), bytes.size()); }
  void write(std::string_view characters) { write(characters.data(), characters.size()); }

  /// The file that the bytes go to, for a library that will open it by its name.
  const std::filesystem::path& temporary() const noexcept { return temporary_; }

  /// Has what was written on the disk, which may turn out to be full.
  void sync() {
    if (::fsync(descriptor_) != 0) fail_with("cannot write");
  }
  /// Puts the file in its place; nothing may be written afterwards.
  void commit() {
    sync();
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_with("cannot rename the temporary file to");
    ::close(std::exchange(descriptor_, -1));
    sync_folder();
  }
  /// Puts the file in its place unless one is there; of several that want it, one gets it.
  /// @return whether this one did
  bool commit_new() {
    sync();
    const bool done = ::link(temporary_.c_str(), path_.c_str()) == 0;
    if (!done && errno != EEXIST) fail_with("cannot link the temporary file to");
    ::unlink(temporary_.c_str());
    ::close(std::exchange(descriptor_, -1));
    sync_folder();
    return done;
  }

 private:
  // A rename or a link is on the disk once the folder is; some file systems cannot sync one, and need not.
  void sync_folder() const {
    const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
    if (const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); opened >= 0) {
      ::fsync(opened);
      ::close(opened);
    }
  }
  static std::filesystem::path followed(std::filesystem::path path) {
    std::error_code error;
    const auto given = path;
    for (int links = 0; std::filesystem::is_symlink(path, error); ++links) {
      require(links < 40, "write: cannot follow ", detail::quoted(given), ": too many levels of symbolic links");
      const auto target = std::filesystem::read_symlink(path, error);
      if (error) fail("write: cannot follow ", detail::quoted(given), ": ", error.message());
      path = path.parent_path() / target;  // the target alone where it is absolute
    }
    return path;
  }
  /// An empty file of this name, which stays locked while its writer lives. So what a writer that was killed has left
  /// can be told, and is taken over. Less than 0, with the reason EEXIST, where another writer has it.
  static int taken(const std::filesystem::path& name) {
    const int made = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (made < 0 && errno != EEXIST) return made;
    const int file = made >= 0 ? made : ::open(name.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file >= 0) {
      const bool locked = ::flock(file, LOCK_EX | LOCK_NB) == 0;
      const bool mine = locked || (made >= 0 && errno != EWOULDBLOCK);  // some file systems have no locks
      struct stat opened {
      }, named{};
      const bool stands = ::fstat(file, &opened) == 0 && ::stat(name.c_str(), &named) == 0 &&
                          opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
      if (mine && stands && S_ISREG(opened.st_mode) && ::ftruncate(file, 0) == 0) return file;
      ::close(file);
    }
    errno = EEXIST;
    return -1;
  }

  [[noreturn]] void fail_with(std::string_view what) const {
    const std::string reason = detail::reason();
    fail("write: ", what, " ", detail::quoted(path_), ": ", reason);
  }

  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

/// Writes a whole file at once, atomically.
/// @throws Error if it cannot be written: names the path and the reason
inline void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace flipbook
