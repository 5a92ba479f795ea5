// SPDX-License-Identifier: MIT
#include <flipbook/data/idx.hpp>

#include "../io/gzip.hpp"
#include "target.hpp"

using namespace flipbook;
using namespace flipbook::fuzz;

namespace {

void read(const Bytes& input) { read_idx(file_of(input)); }

std::vector<Bytes> seeds() {
  Bytes images{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4};
  images.resize(16 + 24, 7);
  const Bytes labels{0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3}, none{0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 5};
  return {images, labels, none, test::gzip(images), test::gzip(labels)};
}

// 1024 bytes may unpack to 1032 times as many.
const Registered target{{.name = "idx", .read = read, .seeds = seeds, .longest = 1024, .megabytes = 4}};

}  // namespace
