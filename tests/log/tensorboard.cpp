// SPDX-License-Identifier: MIT
#include <flipbook/log/tensorboard.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;

static_assert(LogSink<TensorBoardLog>);
// RFC 3720, appendix B.4.
static_assert(detail::crc32c(std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                              32)) == 0x8a9136aa);
static_assert(detail::crc32c("123456789") == 0xe3069283);

namespace {

std::vector<std::filesystem::path> event_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// The records of a file, whose checksums are checked; unmasked as TensorFlow's reader does.
std::vector<std::string> records(const std::filesystem::path& path) {
  const Bytes bytes = read_file(path);
  const auto number = [&](std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{bytes.at(at + i)} << (8 * i);
    return value;
  };
  const auto checked = [&](std::size_t at, std::size_t size) {
    const std::string part(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                           bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
    const auto rotated = static_cast<std::uint32_t>(number(at + size, 4)) - 0xa282ead8U;
    CHECK((rotated >> 17 | rotated << 15) == detail::crc32c(part));
    return part;
  };
  std::vector<std::string> all;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = number(at, 8);
    checked(at, 8);
    all.push_back(checked(at + 12, length));
    at += 16 + length;
  }
  return all;
}

}  // namespace

TEST_CASE("numbers and messages are written in the wire format of Protocol Buffers") {
  const auto bytes = [](const detail::ProtoMessage& message) { return message.bytes(); };
  using detail::ProtoMessage;
  CHECK(bytes(ProtoMessage().integer(1, 150)) == "\x08\x96\x01");
  CHECK(bytes(ProtoMessage().integer(2, -1)) == "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  CHECK(bytes(ProtoMessage().bytes(2, "testing")) == "\x12\x07testing");
  CHECK(bytes(ProtoMessage().message(3, ProtoMessage().integer(1, 150))) == "\x1a\x03\x08\x96\x01");
  CHECK(bytes(ProtoMessage().number(2, 1.0F)) == std::string("\x15\0\0\x80\x3f", 5));
  CHECK(bytes(ProtoMessage().number(1, 1.0)) == std::string("\x09\0\0\0\0\0\0\xf0\x3f", 9));
}

TEST_CASE("another reader finds what was logged, and a run that goes on in a file of its own") {
  Folder folder;
  {
    const Log log{TensorBoardLog(folder / "runs")};
    log(1, {{"loss", 0.5}, {"kl", -2}});
    log.image(1000000, "image", Tensor<std::uint8_t>({5, 6, 3}));
    log.clip(1000000, "clip", Tensor<float>({2, 5, 6, 1}));
  }
  { Log{TensorBoardLog(folder / "runs")}.scalar(7, "loss", 3); }
  const auto files = event_files(folder / "runs");
  REQUIRE(files.size() == 2);
  CHECK(files[0].filename().string().starts_with("events.out.tfevents."));
  CHECK(records(files[0]).size() == 5);
  CHECK(records(files[1]).size() == 3);

  if (std::system("/usr/bin/python3 -c 'import google.protobuf' 2>/dev/null") != 0) {
    MESSAGE("skipped: no python3-protobuf");
    return;
  }
  const auto script = std::filesystem::path(__FILE__).parent_path() / "check_events.py";
  const auto out = folder / "out";
  const std::string command = "/usr/bin/python3 -B '" + script.string() + "' '" + files[0].string() + "' '" +
                              files[1].string() + "' > '" + out.string() + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  const Bytes printed = read_file(out);
  CHECK(std::string(printed.begin(), printed.end()) ==
        "version brain.Event:2\n1 session 1\n1 loss 0.5, kl -2\n1000000 image PNG 5x6x3\n1000000 clip GIF8 5x6x1\n"
        "version brain.Event:2\n7 session 1\n7 loss 3\n");
}

TEST_CASE("what was logged is in the file at once, though the program be killed") {
  Folder folder;
  TensorBoardLog log(folder.path());
  for (Index step = 1; step <= 3; ++step) {
    log.losses(step, {{"loss", 1}});
    CHECK(records(event_files(folder.path())[0]).size() == static_cast<std::size_t>(2 + step));
  }
}

TEST_CASE("a folder that cannot be had is refused by its name") {
  Folder folder;
  const auto taken = with_bytes(folder / "taken", {'x'});
  mentions(error_of([&] { TensorBoardLog{taken / "runs"}; }), (taken / "runs").string());
}
