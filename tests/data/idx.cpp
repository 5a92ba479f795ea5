// SPDX-License-Identifier: MIT
#include <flipbook/data/idx.hpp>

#include <doctest/doctest.h>

#include "../io/files.hpp"
#include "../io/gzip.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

Bytes idx_bytes(std::initializer_list<std::uint32_t> extents, std::size_t elements, std::uint8_t type = 8) {
  Bytes bytes{0, 0, type, static_cast<std::uint8_t>(extents.size())};
  for (const std::uint32_t extent : extents)
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(extent >> shift));
  for (std::size_t i = 0; i < elements; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 7));
  return bytes;
}

std::string refusal(const Bytes& bytes) {
  Folder folder;
  const auto path = with_bytes(folder / "x.idx", bytes);
  const std::string message = error_of([&] { read_idx(path); });
  mentions(message, path.string());
  return message;
}

}  // namespace

TEST_CASE("files of rank 1 to 4 are read with their shape and in order, packed or not") {
  Folder folder;
  const auto check = [&](std::initializer_list<std::uint32_t> extents, const Shape& shape) {
    const Bytes bytes = idx_bytes(extents, static_cast<std::size_t>(shape.size()));
    for (const Bytes& file : {bytes, gzip(bytes)}) {
      const auto x = read_idx(with_bytes(folder / "x", file));
      CHECK(x.shape() == shape);
      bool same = true;
      for (Index i = 0; i < x.size(); ++i) same = same && x.data()[i] == static_cast<std::uint8_t>(i * 7);
      CHECK(same);
    }
  };
  check({1}, {1});
  check({7}, {7});
  check({0, 28, 28}, {0, 28, 28});
  check({3, 5}, {3, 5});
  check({500, 28, 29}, {500, 28, 29});  // longer than one piece of unpacking
  check({2, 3, 5, 7}, {2, 3, 5, 7});
}

TEST_CASE("gzip files that stand one after another read as one") {
  Folder folder;
  const Bytes whole = idx_bytes({300}, 300);
  Bytes joined = gzip(Bytes(whole.begin(), whole.begin() + 100));
  const Bytes second = gzip(Bytes(whole.begin() + 100, whole.end()));
  joined.insert(joined.end(), second.begin(), second.end());
  CHECK(read_idx(with_bytes(folder / "x", joined)).shape() == Shape{300});
}

TEST_CASE("every shortened file is refused, packed or not") {
  Folder folder;
  const Bytes bytes = idx_bytes({2, 3, 4}, 24);
  check_prefixes_refused(with_bytes(folder / "x.idx", bytes), read_idx);
  check_prefixes_refused(with_bytes(folder / "x.gz", gzip(bytes)), read_idx);
  check_no_file_refused(read_idx);
}

TEST_CASE("a damaged file is refused or read, and does no harm") {
  Folder folder;
  const Bytes bytes = idx_bytes({2, 3, 4}, 24);
  check_survives_damage(with_bytes(folder / "x.idx", bytes), read_idx, 1000);
  check_survives_damage(with_bytes(folder / "x.gz", gzip(bytes)), read_idx, 2000);
}

TEST_CASE("a packed file whose content was changed is caught by its checksum") {
  Bytes packed = gzip(idx_bytes({24}, 24));
  packed[packed.size() - 8] ^= 1;
  mentions(refusal(packed), "gunzip");
}

TEST_CASE("headers that lie are refused, and the message says how") {
  mentions(refusal(idx_bytes({24}, 25)), "longer than the 32 bytes");
  mentions(refusal(gzip(idx_bytes({24}, 25))), "longer than the 32 bytes");
  mentions(refusal(idx_bytes({25}, 24)), "ends after 32 of the 33 bytes");
  mentions(refusal(gzip(idx_bytes({25}, 24))), "ends after 32 of the 33 bytes");
  mentions(refusal(idx_bytes({0xffffffff, 0xffffffff}, 24)), "multiply to more");
  mentions(refusal(idx_bytes({0xffffffff, 0xffff, 0x100}, 24)), "ends after");
  mentions(refusal(gzip(idx_bytes({0xffffffff, 0xffff, 0x100}, 24))), "ends after");
  mentions(refusal(idx_bytes({1, 1, 1, 1, 1}, 1)), "rank 5");
  mentions(refusal({0, 0, 8, 0}), "rank 0");
  mentions(refusal(idx_bytes({6}, 24, 0x0d)), "type 13");
  mentions(refusal({'P', 'K', 3, 4}), "two zeros");
}
