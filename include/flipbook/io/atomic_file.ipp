// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/io/atomic_file.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

FLIPBOOK_INLINE AtomicFile::AtomicFile(std::filesystem::path path) : path_(followed(std::move(path))) {
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

FLIPBOOK_INLINE AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

FLIPBOOK_INLINE void AtomicFile::write(const void* data, std::size_t bytes) {
  for (const char* at = static_cast<const char*>(data); bytes > 0;) {
    const ssize_t written = ::write(descriptor_, at, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with("cannot write");
    at += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

FLIPBOOK_INLINE void AtomicFile::sync() {
  if (::fsync(descriptor_) != 0) fail_with("cannot write");
}

FLIPBOOK_INLINE void AtomicFile::commit() {
  sync();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_with("cannot rename the temporary file to");
  ::close(std::exchange(descriptor_, -1));
  sync_folder();
}

FLIPBOOK_INLINE bool AtomicFile::commit_new() {
  sync();
  const bool done = ::link(temporary_.c_str(), path_.c_str()) == 0;
  if (!done && errno != EEXIST) fail_with("cannot link the temporary file to");
  ::unlink(temporary_.c_str());
  ::close(std::exchange(descriptor_, -1));
  sync_folder();
  return done;
}

FLIPBOOK_INLINE void AtomicFile::sync_folder() const {
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  if (const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); opened >= 0) {
    ::fsync(opened);
    ::close(opened);
  }
}

FLIPBOOK_INLINE std::filesystem::path AtomicFile::followed(std::filesystem::path path) {
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

FLIPBOOK_INLINE int AtomicFile::taken(const std::filesystem::path& name) {
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

FLIPBOOK_INLINE void AtomicFile::fail_with(std::string_view what) const {
  const std::string reason = detail::reason();
  fail("write: ", what, " ", detail::quoted(path_), ": ", reason);
}

FLIPBOOK_INLINE void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace flipbook
