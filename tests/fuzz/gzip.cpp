// SPDX-License-Identifier: MIT
#include "../io/gzip.hpp"

#include "target.hpp"

using namespace flipbook;
using namespace flipbook::fuzz;

namespace {

constexpr std::size_t limit = 70'000;  // more than is unpacked at once

void read(const Bytes& input) {
  const Bytes begin = gunzip(input, 20);
  must(begin.size() <= 20, "no more comes out than is asked for");
  const Bytes all = gunzip(input, limit);
  must(all.size() <= limit && std::equal(begin.begin(), begin.end(), all.begin()), "a limit cuts and changes nothing");
}

std::vector<Bytes> seeds() {
  Bytes various(600);
  for (std::size_t i = 0; i < various.size(); ++i) various[i] = static_cast<std::uint8_t>(i * i >> 3);
  Bytes two = test::gzip({1, 2, 3}), more = test::gzip({4});
  two.insert(two.end(), more.begin(), more.end());
  return {test::gzip({}), test::gzip(Bytes(80'000, 5)), test::gzip(various), two};
}

const Registered target{{.name = "gzip", .read = read, .seeds = seeds, .longest = 1024, .megabytes = 1}};

}  // namespace
