// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include <flipbook/core/memory.hpp>
#include <flipbook/core/tensor.hpp>

using namespace flipbook;

TEST_CASE("blocks are aligned to a cache line, whatever their size") {
  for (std::size_t bytes : {0U, 1U, 63U, 64U, 65U, 100U, 129U, 5000U, 1U << 20}) {
    void* block = Cpu::allocate(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % HostPool::alignment == 0);
    std::memset(block, 1, bytes);  // the sanitizer sees a block that is too small
    Cpu::release(block, bytes);
  }
}

TEST_CASE("memory in use is counted, and falls back when tensors go") {
  const std::size_t before = HostPool::instance().statistics().in_use;
  {
    const Tensor<float> x({1000});
    const std::size_t during = HostPool::instance().statistics().in_use;
    CHECK(during >= before + 4000);
    CHECK(during <= before + 4000 * 5 / 4 + 2 * HostPool::alignment);
    CHECK(HostPool::instance().statistics().peak >= during);
  }
  CHECK(HostPool::instance().statistics().in_use == before);
}

#if !FLIPBOOK_SANITIZED
TEST_CASE("what was freed is used again without asking the system") {
  { const Tensor<float> warm({12'800}); }
  const std::size_t before = HostPool::instance().statistics().system_allocations;
  for (int i = 0; i < 100; ++i) const Tensor<float> x({12'800 - i});
  CHECK(HostPool::instance().statistics().system_allocations == before);
}

TEST_CASE("large blocks are used again in other sizes, without asking the system") {
  constexpr std::size_t whole = std::size_t{12} << 20, half = whole / 2 - 1000;
  Cpu::release(Cpu::allocate(whole), whole);
  const MemoryStatistics before = HostPool::instance().statistics();
  void *const one = Cpu::allocate(half), *const other = Cpu::allocate(half);
  CHECK(HostPool::instance().statistics().in_use >= before.in_use + 2 * half);
  Cpu::release(one, half), Cpu::release(other, half);
  Cpu::release(Cpu::allocate(whole - 5000), whole - 5000);
  CHECK(HostPool::instance().statistics().system_allocations == before.system_allocations);
  CHECK(HostPool::instance().statistics().in_use == before.in_use);
}

TEST_CASE("trimming gives unused blocks, and unused chunks, back to the system") {
  HostPool& pool = HostPool::instance();
  pool.trim();
  const std::size_t before = pool.statistics().held;
  { const Tensor<float> small({1000}), large({Index{1} << 27}); }  // larger than a chunk
  CHECK(pool.statistics().held > before + (std::size_t{1} << 29));
  pool.trim();
  CHECK(pool.statistics().held == before);
}
#endif

TEST_CASE("threads may allocate and free at once") {
  std::atomic<int> overwritten = 0;
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([w, &overwritten] {
      for (int i = 0; i < 500; ++i) {
        Tensor<std::int32_t> x({1 + (i * 37 + w) % 300});
        for (auto& v : x) v = w;
        for (const auto v : x) overwritten += v != w;
      }
    });
  }
  for (auto& worker : workers) worker.join();
  CHECK(overwritten == 0);
}

TEST_CASE("more memory than there is gives an error that says how much was asked") {
  CHECK_THROWS_WITH_AS(Cpu::allocate(std::size_t{1} << 46),
                       doctest::Contains("out of memory: 70368744177664 bytes asked"), Error);
}
