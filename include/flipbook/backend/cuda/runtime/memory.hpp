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

/// A block of device memory. Its bookkeeping is in host memory, since the host cannot write to the block.
struct Block {
  void* data;
  Arena* owner;
  Block* next_free;
};

/// A thread's stream on a device, and its event. While the stream is captured, no other thread may use it.
struct Timeline {
  int device = 0;
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  bool captured = false;               ///< then `event` is from before the capture
  std::vector<cudaEvent_t> awaited{};  ///< by launches after the capture
};

/// Device memory whose uses are ordered by one stream, kept for reuse: a released block may be lent again at once,
/// since later launches run later.
class Arena {
 public:
  /// @param of_graph  its blocks belong to a graph, which writes to them at every replay
  explicit Arena(Timeline& timeline, bool of_graph = false) : timeline_(timeline), of_graph_(of_graph) {}
  int device() const noexcept { return timeline_.device; }
  Timeline& timeline() const noexcept { return timeline_; }
  bool of_graph() const noexcept { return of_graph_; }

  Block* take(std::size_t size_class) noexcept {
    Block* const block = free_[size_class];
    if (block != nullptr) free_[size_class] = block->next_free;
    return block;
  }
  void put(Block* block, std::size_t size_class) noexcept {
    block->next_free = std::exchange(free_[size_class], block);
  }

 private:
  Timeline& timeline_;
  bool of_graph_;
  std::array<Block*, SizeClasses::count> free_{};
};

/// The memory of all devices: an arena for each stream and for each graph, with HostPool's size classes and statistics.
/// It orders streams when memory passes from one thread to another.
class DevicePool {
 public:
  static DevicePool& instance() {
    static DevicePool* const pool = new DevicePool;  // outlives every tensor of static storage
    return *pool;
  }

  /// At least `bytes` for use on the arena's stream, uninitialised.
  /// @param spare  an arena for blocks that `arena` lacks, or null
  /// @throws Error  if the device is out of memory: names the bytes requested, in use, held and free
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
  /// @param user_on  gives the calling thread's timeline on a device, the last that used the block; null if the thread
  ///                 has none
  template <class UserOn>
  void release(void* data, std::size_t bytes, const UserOn& user_on) noexcept {
    const auto [index, size] = SizeClasses::of(bytes);
    const std::lock_guard lock(mutex_);
    Block& block = *blocks_.find(data)->second;
    Arena& owner = *block.owner;
    Timeline* const user = user_on(owner.device());
    if (user != nullptr && user != &owner.timeline()) put_in_order(*user, owner.timeline());
    statistics_[static_cast<std::size_t>(owner.device())].in_use -= size;
    owner.put(&block, index);
  }

  /// A new stream of the calling thread's device, which must be `device`; lives as long as the process.
  Timeline& add_timeline(int device) {
    Timeline made{device};
    check(cudaStreamCreateWithFlags(&made.stream, cudaStreamNonBlocking), "stream");
    check(cudaEventCreateWithFlags(&made.event, cudaEventDisableTiming), "event");
    const std::lock_guard lock(mutex_);
    return *timelines_.emplace_back(std::make_unique<Timeline>(std::move(made)));
  }
  /// Orders later launches on a timeline after all that other threads have launched on its device.
  void put_after_others(Timeline& timeline) noexcept {
    const std::lock_guard lock(mutex_);
    for (const auto& other : timelines_) {
      if (other->device == timeline.device && other.get() != &timeline) put_in_order(*other, timeline);
    }
  }
  cudaError_t begin_capture(Timeline& timeline) noexcept {
    const std::lock_guard lock(mutex_);
    cudaError_t status = cudaEventRecord(timeline.event, timeline.stream);
    if (status == cudaSuccess) status = cudaStreamBeginCapture(timeline.stream, cudaStreamCaptureModeRelaxed);
    timeline.captured = status == cudaSuccess;
    return status;
  }
  cudaError_t end_capture(Timeline& timeline, cudaGraph_t* graph) noexcept {
    const std::lock_guard lock(mutex_);
    const cudaError_t status = cudaStreamEndCapture(timeline.stream, graph);
    timeline.captured = false;
    for (const cudaEvent_t event : timeline.awaited) cudaStreamWaitEvent(timeline.stream, event);
    timeline.awaited.clear();
    return status;
  }

  /// A new arena for a timeline; lives until it is merged into another, or as long as the process.
  Arena& add(Timeline& timeline, bool of_graph = false) {
    const std::lock_guard lock(mutex_);
    return *arenas_.emplace_back(std::make_unique<Arena>(timeline, of_graph));
  }
  /// Moves all blocks of `from` to `to`, of the same stream, and deletes `from`.
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

  /// Frees the unused blocks of a device, except those of graphs; does nothing while a step is captured there.
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
  // A new block from the device. If the device is out of memory, unused blocks are freed first, if `may_trim`.
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

  // Orders later launches on `after` after all launches so far on `before`.
  static void put_in_order(Timeline& before, Timeline& after) noexcept {
    if (!before.captured && cudaEventRecord(before.event, before.stream) != cudaSuccess) return;
    if (after.captured) after.awaited.push_back(before.event);
    else cudaStreamWaitEvent(after.stream, before.event);
  }

  void trim_locked(int device) noexcept {
    int before = 0;
    for (const auto& timeline : timelines_) {
      if (timeline->device == device && timeline->captured) return;  // cudaFree waits for the device
    }
    if (cudaGetDevice(&before) != cudaSuccess || cudaSetDevice(device) != cudaSuccess) return;
    MemoryStatistics& statistics = statistics_[static_cast<std::size_t>(device)];
    for (const auto& arena : arenas_) {
      if (arena->device() != device || arena->of_graph()) continue;
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
  std::vector<std::unique_ptr<Timeline>> timelines_;
  std::vector<std::unique_ptr<Arena>> arenas_;
  std::array<MemoryStatistics, most_devices> statistics_;
};

}  // namespace flipbook::cuda
