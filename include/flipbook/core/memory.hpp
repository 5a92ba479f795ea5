#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include <flipbook/core/error.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define FLIPBOOK_POOL 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FLIPBOOK_POOL 0
#endif
#endif
#ifndef FLIPBOOK_POOL
#define FLIPBOOK_POOL 1
#endif

namespace flipbook {

/// What a pool has asked of the system and lent out, in bytes and calls since the process began.
struct MemoryStatistics {
  std::size_t system_allocations = 0;
  std::size_t held = 0;    ///< asked of the system and not given back
  std::size_t in_use = 0;  ///< lent out now
  std::size_t peak = 0;    ///< the most ever lent out at once
};

/// The sizes that pools lend, so that a block can be lent again: four to a power of two (at most a quarter is wasted),
/// in multiples of 64 bytes, the widest vector and a cache line.
struct SizeClasses {
  static constexpr std::size_t count = 4 * 48, unit = 64;

  // Class 4·e + q holds blocks of 64 · 2^e · (4 + q) / 4 bytes, except that class 0 to 3 are 64 to 112,
  // rounded up to the unit.
  static constexpr std::size_t size(std::size_t index) noexcept {
    const std::size_t bytes = (unit << (index / 4)) / 4 * (4 + index % 4);
    return (bytes + unit - 1) / unit * unit;
  }
  /// The class of blocks of at least `bytes`, and their size.
  static constexpr std::pair<std::size_t, std::size_t> of(std::size_t bytes) noexcept {
    const std::size_t lines = (bytes < unit ? unit : bytes) - 1;
    const auto exponent = static_cast<std::size_t>(std::bit_width(lines / unit));
    std::size_t index = exponent == 0 ? 0 : 4 * (exponent - 1);
    while (size(index) < bytes) ++index;
    return {index, size(index)};
  }
};

/// Host memory, kept for reuse: a freed block goes onto the list of its size class, so that a training
/// step after the first asks nothing of the system. Blocks are aligned to 64 bytes. Safe to use from many
/// threads. Under AddressSanitizer every block goes straight to the system, so that a use
/// after free is still seen.
class HostPool {
 public:
  static constexpr std::size_t alignment = SizeClasses::unit;

  static HostPool& instance() {
    static HostPool* const pool = new HostPool;  // outlives every tensor of static storage
    return *pool;
  }

  /// A block of at least `bytes`, uninitialised.
  /// @throws Error if the system has no memory left: names what was asked and what is held.
  void* allocate(std::size_t bytes) {
    const auto [index, size] = SizeClasses::of(bytes);
    const std::lock_guard lock(mutex_);
    void* block = free_[index];
    if (block != nullptr) {
      std::memcpy(&free_[index], block, sizeof(void*));
    } else {
      block = ::operator new(size, std::align_val_t{alignment}, std::nothrow);
      require(block != nullptr, "out of memory: ", bytes, " bytes asked, ", statistics_.in_use, " in use, ",
              statistics_.held, " held");
      ++statistics_.system_allocations;
      statistics_.held += size;
    }
    statistics_.in_use += size;
    if (statistics_.in_use > statistics_.peak) statistics_.peak = statistics_.in_use;
    return block;
  }

  /// Takes back a block that was allocated with the same `bytes`.
  void release(void* block, std::size_t bytes) noexcept {
    const auto [index, size] = SizeClasses::of(bytes);
    const std::lock_guard lock(mutex_);
    statistics_.in_use -= size;
#if FLIPBOOK_POOL
    std::memcpy(block, &free_[index], sizeof(void*));
    free_[index] = block;
#else
    statistics_.held -= size;
    ::operator delete(block, std::align_val_t{alignment});
#endif
  }

  /// Gives every unused block back to the system.
  void trim() noexcept {
    const std::lock_guard lock(mutex_);
    for (std::size_t index = 0; index < free_.size(); ++index) {
      while (void* block = free_[index]) {
        std::memcpy(&free_[index], block, sizeof(void*));
        ::operator delete(block, std::align_val_t{alignment});
        statistics_.held -= SizeClasses::size(index);
      }
    }
  }

  MemoryStatistics statistics() const {
    const std::lock_guard lock(mutex_);
    return statistics_;
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    statistics_.peak = statistics_.in_use;
  }

 private:
  mutable std::mutex mutex_;
  std::array<void*, SizeClasses::count> free_{};
  MemoryStatistics statistics_;
};

/// The pool as a standard allocator, for containers that grow and shrink at every step.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) noexcept {}
  T* allocate(std::size_t count) { return static_cast<T*>(HostPool::instance().allocate(count * sizeof(T))); }
  void deallocate(T* block, std::size_t count) noexcept { HostPool::instance().release(block, count * sizeof(T)); }
  friend bool operator==(const PoolAllocator&, const PoolAllocator&) noexcept { return true; }
};

/// The backend of the host: memory from its pool, kernels with xsimd over OpenMP threads.
struct Cpu {
  static constexpr const char* name = "Cpu";
  static void* allocate(std::size_t bytes) { return HostPool::instance().allocate(bytes); }
  static void release(void* block, std::size_t bytes) noexcept { HostPool::instance().release(block, bytes); }
  static void copy(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
  /// Where a step is captured to be replayed, calls f() before each replay; the CPU captures none.
  template <class F>
  static void at_replay(const F&) {}
};

/// A counted handle of one block of a backend's memory; the block returns to its pool with the last handle.
template <class Backend>
class Storage {
 public:
  Storage() = default;
  explicit Storage(std::size_t bytes)
      : block_(new (HostPool::instance().allocate(sizeof(Block))) Block{{1}, nullptr, bytes}) {
    try {
      block_->data = Backend::allocate(bytes);
    } catch (...) {
      HostPool::instance().release(block_, sizeof(Block));
      throw;
    }
  }
  Storage(const Storage& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->handles.fetch_add(1, std::memory_order_relaxed);
  }
  Storage(Storage&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Storage& operator=(Storage other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Storage() {
    if (block_ == nullptr || block_->handles.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    Backend::release(block_->data, block_->bytes);
    HostPool::instance().release(block_, sizeof(Block));
  }

  void* data() const noexcept { return block_ == nullptr ? nullptr : block_->data; }
  /// Whether this is the only handle, so that its block may be written over without anyone noticing.
  bool unique() const noexcept { return block_ != nullptr && block_->handles.load(std::memory_order_acquire) == 1; }

 private:
  struct Block {
    std::atomic<int> handles;
    void* data;
    std::size_t bytes;
  };
  Block* block_ = nullptr;
};

}  // namespace flipbook
