// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
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

/// A file that appears whole or not at all. Bytes go to a temporary file in the same folder; `commit`
/// has them on the disk before it renames that file to the wanted name. Until then, and for good if
/// `commit` is never reached, whatever stood under the name stays as it was.
class AtomicFile {
 public:
  /// A symbolic link is followed: it is what it points to that is replaced.
  /// @throws Error if nothing can be created beside `path`, or if `path` is something other than a file
  explicit AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code error;
    if (std::filesystem::is_symlink(path_, error)) {
      const auto target = std::filesystem::weakly_canonical(path_, error);
      if (error) fail("write: cannot follow ", detail::quoted(path_), ": ", error.message());
      path_ = target;
    }
    const auto status = std::filesystem::status(path_, error);
    // A rename would put a plain file in the place of a device such as /dev/null.
    require(!std::filesystem::exists(status) || std::filesystem::is_regular_file(status),
            "write: ", detail::quoted(path_), " exists and is not a regular file");
    static std::atomic<unsigned> made{0};
    do {
      temporary_ = path_;
      temporary_ += text(".", static_cast<long>(::getpid()), "-", made++, ".tmp");
      descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (descriptor_ < 0 && errno == EEXIST);
    if (descriptor_ < 0) fail_with("cannot create");
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
  void sync() const {
    if (::fsync(descriptor_) != 0) fail_with("cannot write");
  }
  // A rename or a link is on the disk once the folder is; some file systems cannot sync one, and need not.
  void sync_folder() const {
    const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
    if (const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); opened >= 0) {
      ::fsync(opened);
      ::close(opened);
    }
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
