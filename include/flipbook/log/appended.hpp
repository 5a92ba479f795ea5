// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <flipbook/io/atomic_file.hpp>
#include <flipbook/log/log.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// A file to which whole records are appended. Each record is passed to the system at once, so a killed program loses
/// none, and a record for which the disk has no space leaves nothing behind.
class AppendedFile {
 public:
  /// @param flags  O_EXCL: the file must not exist; 0: existing content stays in front
  /// @throws Error if it cannot be written
  AppendedFile(std::filesystem::path path, int flags) : path_(std::move(path)) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0666);
    if (descriptor_ < 0) fail("log: cannot write ", quoted(path_), ": ", reason());
  }
  AppendedFile(AppendedFile&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  AppendedFile& operator=(AppendedFile&& other) noexcept {
    std::swap(path_, other.path_), std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~AppendedFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void add(std::string_view record) {
    const off_t before = size();
    std::string_view rest = record;
    while (!rest.empty()) {
      const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        const std::string why = reason();
        if (rest.size() < record.size()) shorten(before);
        fail("log: cannot write ", quoted(path_), ": ", why);
      }
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void sync() {
    if (::fsync(descriptor_) != 0 && errno != EINVAL) fail("log: cannot write ", quoted(path_), ": ", reason());
  }
  off_t size() const {
    struct stat file {};
    return ::fstat(descriptor_, &file) == 0 ? file.st_size : 0;
  }
  /// Drops an unfinished last line.
  void drop_unfinished_line() {
    off_t end = size();
    for (char last = 0; end > 0; --end)
      if (::pread(descriptor_, &last, 1, end - 1) != 1 || last == '\n') break;
    if (end < size()) shorten(end);
  }

 private:
  void shorten(off_t length) const {
    if (::ftruncate(descriptor_, length) != 0) return;  // a device or a pipe
  }

  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Seconds since 1970.
inline double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Creates the folder of a log.
inline void make_log_folder(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  require(!failed, "log: folder ", quoted(folder), " cannot be made: ", failed.message());
}

/// A log of lines in a file of a folder, with images as files next to it. A resumed run appends.
class LogOfLines {
 public:
  void flush() { file_.sync(); }

 protected:
  /// @throws Error  if the folder or the file cannot be written: names it
  LogOfLines(std::filesystem::path folder, const char* name)
      : folder_((make_log_folder(folder), std::move(folder))), file_(folder_ / name, 0) {
    file_.drop_unfinished_line();
  }
  bool empty() const { return file_.size() == 0; }
  void add(std::string_view lines) { file_.add(lines); }
  /// Writes an image or clip as FOLDER/NAME-STEP.png or .gif, whatever characters its name has.
  /// @return  the file's name
  std::string write_picture(Index step, const std::string& name, const LoggedPicture& picture) const {
    std::string plain;
    for (const char c : name) {
      const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
      plain += kept ? c : '_';
    }
    const std::string file = text(plain, "-", step, ".", picture.ending());
    write_file(folder_ / file, picture.file);
    return file;
  }
  /// A value with all its digits, or `none` for a value that is not finite.
  static std::string digits_or(const char* none, double value) {
    return std::isfinite(value) ? all_digits(value) : none;
  }

 private:
  std::filesystem::path folder_;
  AppendedFile file_;
};

}  // namespace flipbook::detail
