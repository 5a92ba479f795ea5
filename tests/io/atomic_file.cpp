// SPDX-License-Identifier: MIT
#include <flipbook/io/atomic_file.hpp>

#include <doctest/doctest.h>

#include <cstring>

#include "files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {
Bytes bytes_of(const char* characters) { return Bytes(characters, characters + std::strlen(characters)); }
}  // namespace

TEST_CASE("a committed file holds all that was written, and nothing is left beside it") {
  Folder folder;
  AtomicFile file(folder / "a");
  file.write("ab");
  file.write(bytes_of("cd"));
  CHECK_FALSE(std::filesystem::exists(folder / "a"));
  file.commit();
  CHECK(read_file(folder / "a") == bytes_of("abcd"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a file that is not committed leaves what was there as it was") {
  Folder folder;
  with_bytes(folder / "a", bytes_of("old"));
  {
    AtomicFile file(folder / "a");
    file.write("new");
  }
  CHECK(read_file(folder / "a") == bytes_of("old"));
  CHECK(folder.entries() == 1);
  write_file(folder / "a", bytes_of("new"));
  CHECK(read_file(folder / "a") == bytes_of("new"));
}

TEST_CASE("a new file is put in place once, and never in that of another") {
  Folder folder;
  AtomicFile first(folder / "a"), second(folder / "a");
  first.write("first");
  second.write("second");
  CHECK(first.commit_new());
  CHECK_FALSE(second.commit_new());
  CHECK(read_file(folder / "a") == bytes_of("first"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a symbolic link stays one, and the file it names is replaced") {
  Folder folder;
  with_bytes(folder / "real", bytes_of("old"));
  std::filesystem::create_symlink("real", folder / "link");
  write_file(folder / "link", bytes_of("new"));
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_file(folder / "real") == bytes_of("new"));
  std::filesystem::create_symlink("missing", folder / "dangling");
  write_file(folder / "dangling", bytes_of("new"));
  CHECK(std::filesystem::is_symlink(folder / "dangling"));
  CHECK(read_file(folder / "missing") == bytes_of("new"));
  std::filesystem::create_symlink("circle", folder / "circle");
  mentions(error_of([&] { write_file(folder / "circle", {}); }), "symbolic links");
}

TEST_CASE("a file that is replaced keeps its permissions") {
  Folder folder;
  using std::filesystem::perms;
  for (const perms kept : {perms::owner_read | perms::owner_write, perms::owner_all | perms::group_read}) {
    with_bytes(folder / "a", bytes_of("old"));
    std::filesystem::permissions(folder / "a", kept);
    write_file(folder / "a", bytes_of("new"));
    CHECK(std::filesystem::status(folder / "a").permissions() == kept);
  }
}

TEST_CASE("a name may be as long as the file system allows") {
  Folder folder;
  for (const std::size_t length : {247U, 248U, 255U}) {
    const auto path = folder / std::string(length, 'a');
    write_file(path, bytes_of("x"));
    CHECK(read_file(path) == bytes_of("x"));
  }
  CHECK(folder.entries() == 3);
}

TEST_CASE("what a killed writer has left is taken over, what a living one writes is not") {
  Folder folder;
  with_bytes(folder / "a.0.tmp", bytes_of("half a file"));
  write_file(folder / "a", bytes_of("x"));
  CHECK(read_file(folder / "a") == bytes_of("x"));
  CHECK(folder.entries() == 1);

  AtomicFile first(folder / "a"), second(folder / "a");
  first.write("first"), second.write("second");
  second.commit();
  CHECK(read_file(folder / "a") == bytes_of("second"));
  first.commit();
  CHECK(read_file(folder / "a") == bytes_of("first"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a path that cannot be written is refused with its name and the reason") {
  Folder folder;
  const auto nowhere = folder / "none/a";
  const auto message = error_of([&] { AtomicFile file(nowhere); });
  mentions(message, nowhere.string());
  mentions(message, "No such file");
  with_bytes(folder / "file", {});
  mentions(error_of([&] { write_file(folder / "file/a", {}); }), "Not a directory");
}

TEST_CASE("a device or a folder is never replaced by a file") {
  Folder folder;
  mentions(error_of([] { write_file("/dev/null", {}); }), "not a regular file");
  mentions(error_of([&] { write_file(folder.path(), {}); }), "not a regular file");
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("a full disk is reported and leaves nothing behind") {
  if (!std::filesystem::is_character_file("/dev/full")) return;
  // The temporary file itself cannot be placed on /dev/full, so the link takes its name's place.
  Folder folder;
  AtomicFile file(folder / "a");
  const int full = ::open("/dev/full", O_WRONLY);
  REQUIRE(full >= 0);
  struct stat before {};
  REQUIRE(::stat(file.temporary().c_str(), &before) == 0);
  for (int descriptor = 3; descriptor < 64; ++descriptor) {
    struct stat here {};
    if (::fstat(descriptor, &here) == 0 && here.st_ino == before.st_ino && here.st_dev == before.st_dev)
      ::dup2(full, descriptor);
  }
  ::close(full);
  mentions(error_of([&] { file.write("x"); }), "No space left");
}
