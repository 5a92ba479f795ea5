// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include <flipbook/core/heap.hpp>
#include <flipbook/core/random.hpp>

using flipbook::Heap;
using flipbook::Rng;

namespace {

/// A chunk of memory and the heap that cuts it.
struct Cut {
  static constexpr std::size_t bytes = std::size_t{1} << 22;
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> memory{bytes / sizeof(Line)};
  Heap heap;
  Cut() { heap.add(memory.data(), bytes); }
};
constexpr std::size_t all = Cut::bytes - 128;  // but for the tags at both ends

std::size_t drawn(Rng& rng, std::size_t count) { return rng.take(1).block(0)[0] % count; }

}  // namespace

TEST_CASE("blocks of a heap are aligned, large enough, and apart from each other, in whatever order they come back") {
  Cut cut;
  struct Block {
    unsigned char* data;
    std::size_t bytes;
    unsigned char mark;
  };
  std::vector<Block> lent;
  Rng rng{1};
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    if (!lent.empty() && drawn(rng, 5) < 2) {
      const auto at = lent.begin() + static_cast<std::ptrdiff_t>(drawn(rng, lent.size()));
      bool whole = true;
      for (std::size_t j = 0; j < at->bytes; ++j) whole = whole && at->data[j] == at->mark;
      REQUIRE(whole);
      cut.heap.put(at->data);
      lent.erase(at);
    } else {
      const std::size_t bytes = Heap::least + drawn(rng, 200'000);
      auto* const data = static_cast<unsigned char*>(cut.heap.take(bytes));
      if (data == nullptr) {
        ++refused;
        continue;
      }
      REQUIRE(reinterpret_cast<std::uintptr_t>(data) % 64 == 0);
      REQUIRE(Heap::size_of(data) >= bytes);
      const auto mark = static_cast<unsigned char>(i % 251);
      std::memset(data, mark, bytes);
      lent.push_back({data, bytes, mark});
    }
  }
  CHECK(refused > 0);  // so the chunk has been full
  for (const Block& block : lent) cut.heap.put(block.data);
  void* const whole = cut.heap.take(all);
  CHECK(whole != nullptr);  // all neighbours became one again
  CHECK(cut.heap.take(Heap::least) == nullptr);
}

TEST_CASE("of the free blocks of a heap the one that fits best is lent, and lent again in other sizes") {
  Cut cut;
  std::vector<void*> blocks;
  for (const std::size_t bytes : {400'000U, 50'000U, 300'000U, 50'000U, 310'000U, 50'000U}) {
    blocks.push_back(cut.heap.take(bytes));
  }
  for (const std::size_t i : {0U, 2U, 4U}) cut.heap.put(blocks[i]);
  CHECK(cut.heap.take(300'000) == blocks[2]);
  CHECK(cut.heap.take(300'001) == blocks[4]);
  void* const first = cut.heap.take(200'000);
  CHECK(first == blocks[0]);
  CHECK(cut.heap.take(150'000) == static_cast<std::byte*>(first) + 200'000 + 64);  // what was left over of it
}

TEST_CASE("a heap gives back chunks of which nothing is lent, and no others") {
  Cut used, unused;
  used.heap.add(unused.memory.data(), Cut::bytes);
  void* const one = used.heap.take(all);
  void* const other = used.heap.take(all);
  REQUIRE(other != nullptr);
  std::vector<std::pair<void*, std::size_t>> released;
  const auto release = [&](void* chunk, std::size_t bytes) { released.emplace_back(chunk, bytes); };
  used.heap.trim(release);
  CHECK(released.empty());
  used.heap.put(one);
  used.heap.trim(release);
  REQUIRE(released.size() == 1);
  CHECK(released.front() == std::pair{static_cast<void*>(static_cast<std::byte*>(one) - 64), Cut::bytes});
  CHECK(used.heap.take(Heap::least) == nullptr);
}
