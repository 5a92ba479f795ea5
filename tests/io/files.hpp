// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include <flipbook/core/error.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/io/atomic_file.hpp>
#include <flipbook/io/file.hpp>

namespace flipbook::test {

/// A folder for one test, removed with everything in it at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "flipbook-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  std::ptrdiff_t entries() const { return std::distance(std::filesystem::directory_iterator(path_), {}); }

 private:
  std::filesystem::path path_;
};

/// The text of the Error that `action` throws; fails the test if it throws none.
template <class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  FAIL_CHECK("nothing was refused");
  return "";
}

inline bool mentions(const std::string& message, const std::string& part) {
  CAPTURE(message);
  CHECK(message.find(part) != std::string::npos);
  return message.find(part) != std::string::npos;
}

/// A file that holds `bytes`, at `path`.
inline const std::filesystem::path& with_bytes(const std::filesystem::path& path, const Bytes& bytes) {
  std::filesystem::remove(path);
  const std::unique_ptr<std::FILE, detail::CloseFile> file(std::fopen(path.c_str(), "wb"));
  REQUIRE(file != nullptr);
  if (!bytes.empty()) REQUIRE(std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size());
  return path;
}

/// Every shortening of a valid file (at most `count`, spread evenly) must be refused by an Error that names it.
template <class Read>
void check_prefixes_refused(const std::filesystem::path& valid, const Read& read, std::size_t count = 1000) {
  const Bytes bytes = read_file(valid);
  Folder folder;
  const auto path = folder / ("short" + valid.extension().string());
  const std::size_t step = std::max<std::size_t>(1, bytes.size() / count);
  for (std::size_t length = 0; length < bytes.size(); length += step) {
    CAPTURE(length);
    with_bytes(path, Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)));
    CHECK_THROWS_AS(read(path), Error);
  }
  with_bytes(path, {});
  mentions(error_of([&] { read(path); }), path.string());
}

/// A file with bytes changed at random is either refused by an Error or read as something else: whatever
/// else it throws fails the test, and a sanitizer sees what it does to memory.
template <class Read>
void check_survives_damage(const std::filesystem::path& valid, const Read& read, int rounds = 300) {
  const Bytes bytes = read_file(valid);
  Folder folder;
  const auto path = folder / ("damaged" + valid.extension().string());
  Rng rng{7};
  for (int round = 0; round < rounds; ++round) {
    Bytes damaged = bytes;
    // Headers stand in front: half of the rounds damage the first 64 bytes alone.
    const auto reach = std::min<Index>(static_cast<Index>(damaged.size()), round % 2 == 0 ? 64 : 1 << 30);
    for (Index flips = 1 + rng.below(4); flips > 0; --flips)
      damaged[static_cast<std::size_t>(rng.below(reach))] = static_cast<std::uint8_t>(rng.below(256));
    with_bytes(path, damaged);
    try {
      read(path);
    } catch (const Error&) {
    }
  }
}

/// A missing file, a folder and an empty file must each be refused by an Error that names it.
template <class Read>
void check_no_file_refused(const Read& read) {
  Folder folder;
  const auto missing = folder / "missing";
  mentions(error_of([&] { read(missing); }), missing.string());
  mentions(error_of([&] { read(folder.path()); }), folder.path().string());
  const auto empty = with_bytes(folder / "empty", {});
  mentions(error_of([&] { read(empty); }), empty.string());
}

}  // namespace flipbook::test
