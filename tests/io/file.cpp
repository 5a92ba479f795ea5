// SPDX-License-Identifier: MIT
#include <flipbook/io/file.hpp>

#include <doctest/doctest.h>

#include "files.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE("a file is read whole, whatever its length against the pieces of reading") {
  Folder folder;
  for (const std::size_t length : {0UL, 1UL, 65535UL, 65536UL, 65537UL, 131072UL, 300007UL}) {
    Bytes bytes(length);
    for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 256);
    CHECK(read_file(with_bytes(folder / "file", bytes)) == bytes);
  }
}

TEST_CASE("a missing file and a folder are refused with their name and the reason") {
  Folder folder;
  const auto missing = error_of([&] { read_file(folder / "none"); });
  mentions(missing, (folder / "none").string());
  mentions(missing, "No such file");
  mentions(error_of([&] { read_file(folder.path()); }), "directory");
}

TEST_CASE("an endless file ends in an error, not in exhausted memory") {
  mentions(error_of([] { read_file("/dev/zero", 1 << 20); }), "longer than 1048576");
}

TEST_CASE("a pipe is refused at once, and not waited for") {
  Folder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  mentions(error_of([&] { read_file(folder / "pipe"); }), "is a pipe");
}
