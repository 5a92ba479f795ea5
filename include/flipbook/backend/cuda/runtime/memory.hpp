// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <flipbook/backend/cuda/runtime/device.hpp>
#include <flipbook/core/memory.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

class Arena;

/// A block of device memory. Its bookkeeping is the host's, who cannot write to the block itself.
struct Block {
  void* data;
  Arena* owner;
  Block* next_free;
};

/// Device memory whose uses are ordered by one stream, kept for reuse: a block that was released may be lent again at
/// once, since what is launched on it later runs later.
class Arena {
 public:
  Arena(int device, cudaStream_t stream) : device_(device), stream_(stream) {}
  int device() const noexcept { return device_; }
  cudaStream_t stream() const noexcept { return stream_; }

  Block* take(std::size_t size_class) noexcept {
    Block* const block = free_[size_class];
    if (block != nullptr) free_[size_class] = block->next_free;
    return block;
  }
  void put(Block* block, std::size_t size_class) noexcept {
    block->next_free = std::exchange(free_[size_class], block);
  }

 private:
  int device_;
  cudaStream_t stream_;
  std::array<Block*, SizeClasses::count> free_{};
};

/// The memory of all devices: an arena for each stream, with HostPool's size classes and statistics.
class DevicePool {
 public:
  static DevicePool& instance() {
    static DevicePool* const pool = new DevicePool;  // outlives every tensor of static storage
    return *pool;
  }

  /// At least `bytes` for use on the arena's stream, uninitialised.
  /// @param spare  gives blocks that `arena` has not
  /// @throws Error  if the device has no memory left: names what was asked, lent, held and free
  void* allocate(Arena& arena, Arena* spare, std::size_t bytes) {
    const auto [index, size] = SizeClasses::of(bytes);
    const std::lock_guard lock(mutex_);
    MemoryStatistics& statistics = statistics_[static_cast<std::size_t>(arena.device())];
    Block* block = arena.take(index);
    if (block == nullptr && spare != nullptr) block = spare->take(index);
    if (block == nullptr) block = ask(arena, spare == nullptr, bytes, size);
    block->owner = &arena;
    statistics.in_use += size;
    statistics.peak = std::max(statistics.peak, statistics.in_use);
    return block->data;
  }

  /// Takes back a block that was allocated with the same `bytes`.
  /// @param users  gives the stream of the calling thread on a device, the last one that used the block, and an event
  ///               of it; no stream where the thread has none
  template <class Users>
  void release(void* data, std::size_t bytes, const Users& users) noexcept {
    const auto [index, size] = SizeClasses::of(bytes);
    const std::lock_guard lock(mutex_);
    Block& block = *blocks_.find(data)->second;
    Arena& owner = *block.owner;
    if (const auto [user, event] = users(owner.device()); user != nullptr && user != owner.stream()) {
      if (cudaEventRecord(event, user) == cudaSuccess) cudaStreamWaitEvent(owner.stream(), event);
    }
    statistics_[static_cast<std::size_t>(owner.device())].in_use -= size;
    owner.put(&block, index);
  }

  /// An arena for a stream of a device; lives for as long as the process.
  Arena& add(int device, cudaStream_t stream) {
    const std::lock_guard lock(mutex_);
    arenas_.push_back(std::make_unique<Arena>(device, stream));
    return *arenas_.back();
  }
  /// Hands all blocks of `from` on to `to`, of the same stream; `from` is gone.
  void merge(Arena& from, Arena& to) noexcept {
    const std::lock_guard lock(mutex_);
    for (std::size_t index = 0; index < SizeClasses::count; ++index) {
      while (Block* const block = from.take(index)) to.put(block, index);
    }
    for (auto& [data, block] : blocks_) {
      if (block->owner == &from) block->owner = &to;
    }
    std::erase_if(arenas_, [&](const auto& arena) { return arena.get() == &from; });
  }

  /// Gives every unused block of a device back to it.
  void trim(int device) noexcept {
    const std::lock_guard lock(mutex_);
    trim_locked(device);
  }

  MemoryStatistics statistics(int device) const {
    const std::lock_guard lock(mutex_);
    return statistics_[static_cast<std::size_t>(device)];
  }
  void reset_peak(int device) {
    const std::lock_guard lock(mutex_);
    MemoryStatistics& statistics = statistics_[static_cast<std::size_t>(device)];
    statistics.peak = statistics.in_use;
  }

 private:
  // A new block from the device; what is not used is given back where that makes room, and may be.
  Block* ask(Arena& arena, bool may_trim, std::size_t bytes, std::size_t size) {
    MemoryStatistics& statistics = statistics_[static_cast<std::size_t>(arena.device())];
    const OnDevice on(arena.device());
    void* data = nullptr;
    cudaError_t status = cudaMalloc(&data, size);
    if (status == cudaErrorMemoryAllocation && may_trim) {
      cudaGetLastError();
      trim_locked(arena.device());
      status = cudaMalloc(&data, size);
    }
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      std::size_t free = 0, total = 0;
      check(cudaMemGetInfo(&free, &total), "allocate");
      fail("Cuda: out of memory on device ", arena.device(), " (", properties().name, "): ", bytes, " bytes asked, ",
           statistics.in_use, " in use, ", statistics.held, " held, ", free, " of ", total, " free");
    }
    check(status, "allocate");
    ++statistics.system_allocations;
    statistics.held += size;
    return blocks_.emplace(data, std::make_unique<Block>(Block{data, &arena, nullptr})).first->second.get();
  }

  void trim_locked(int device) noexcept {
    int before = 0;
    if (cudaGetDevice(&before) != cudaSuccess || cudaSetDevice(device) != cudaSuccess) return;
    MemoryStatistics& statistics = statistics_[static_cast<std::size_t>(device)];
    for (const auto& arena : arenas_) {
      if (arena->device() != device) continue;
      for (std::size_t index = 0; index < SizeClasses::count; ++index) {
        while (Block* const block = arena->take(index)) {
          cudaFree(block->data);  // waits until nothing uses it
          statistics.held -= SizeClasses::size(index);
          blocks_.erase(block->data);
        }
      }
    }
    cudaSetDevice(before);
  }

  mutable std::mutex mutex_;
  std::unordered_map<void*, std::unique_ptr<Block>> blocks_;
  std::vector<std::unique_ptr<Arena>> arenas_;
  std::array<MemoryStatistics, most_devices> statistics_;
};

}  // namespace flipbook::cuda
