// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <new>
#include <span>
#include <utility>

#include <flipbook/core/compiled.hpp>
#include <flipbook/core/error.hpp>
#include <flipbook/core/heap.hpp>
#include <flipbook/core/size_classes.hpp>

#ifdef __linux__
#include <pthread.h>
#include <sys/mman.h>
#endif

#ifdef __SANITIZE_THREAD__
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
void AnnotateIgnoreSyncBegin(const char* file, int line);
void AnnotateIgnoreSyncEnd(const char* file, int line);
}
#endif

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
#ifdef __SANITIZE_THREAD__
/// A lock that ThreadSanitizer ignores: otherwise allocations in two threads would count as synchronisation between
/// them and hide data races.
class UnseenLock {
 public:
  explicit UnseenLock(std::mutex& mutex) : mutex_(mutex) {
    AnnotateIgnoreReadsBegin("", 0), AnnotateIgnoreWritesBegin("", 0), AnnotateIgnoreSyncBegin("", 0);
    mutex_.lock();
  }
  UnseenLock(const UnseenLock&) = delete;
  UnseenLock& operator=(const UnseenLock&) = delete;
  ~UnseenLock() {
    mutex_.unlock();
    AnnotateIgnoreSyncEnd("", 0), AnnotateIgnoreWritesEnd("", 0), AnnotateIgnoreReadsEnd("", 0);
  }

 private:
  std::mutex& mutex_;
};
#else
using UnseenLock = std::lock_guard<std::mutex>;
#endif
}  // namespace detail

/// A pool's memory, in bytes, and its system allocations since the process began.
struct MemoryStatistics {
  std::size_t system_allocations = 0;
  std::size_t held = 0;    ///< allocated from the system and not returned
  std::size_t in_use = 0;  ///< allocated to callers now
  std::size_t peak = 0;    ///< the maximum of `in_use`
};

/// The allocator of host memory, which keeps freed blocks for reuse. After the first training step it makes no system
/// allocations. Small freed blocks go to the free list of their size class, larger ones to a heap (core/heap.hpp),
/// which reuses them in any size. Blocks are aligned to 64 bytes. Thread-safe. Under AddressSanitizer and
/// ThreadSanitizer every freed block is returned to the system, so that a use after free is detected.
class HostPool {
 public:
  static constexpr std::size_t alignment = SizeClasses::unit;
  /// The size of a system allocation for large blocks. Pages that are never written take no memory.
  static constexpr std::size_t chunk = std::size_t{1} << 28;

  static HostPool& instance() {
#ifdef FLIPBOOK_SHARED
    return *static_cast<HostPool*>(flipbook_host_pool());
#else
    static HostPool* const pool = new HostPool;  // outlives every tensor of static storage
    return *pool;
#endif
  }

  /// A block of at least `bytes`, uninitialised.
  /// @throws Error if the system has no memory left; the message has the bytes requested, in use and held
  void* allocate(std::size_t bytes) {
    const detail::UnseenLock lock(mutex_);
    void* const block = large(bytes) ? take_large(bytes) : take_small(bytes);
    require(block != nullptr, "out of memory: ", bytes, " bytes asked, ", statistics_.in_use, " in use, ",
            statistics_.held, " held");
    statistics_.in_use += size_of(block, bytes);
    if (statistics_.in_use > statistics_.peak) statistics_.peak = statistics_.in_use;
    return block;
  }

  /// Frees a block that was allocated with the same `bytes`.
  void release(void* block, std::size_t bytes) noexcept {
    const detail::UnseenLock lock(mutex_);
    statistics_.in_use -= size_of(block, bytes);
    if (large(bytes)) return heap_.put(block);
#if !FLIPBOOK_SANITIZED
    const std::size_t index = SizeClasses::of(bytes).first;
    std::memcpy(block, &free_[index], sizeof(void*));
    free_[index] = block;
#else
    give_back(block, SizeClasses::of(bytes).second);
#endif
  }

  /// Returns free blocks and unused chunks to the system.
  void trim() noexcept {
    const detail::UnseenLock lock(mutex_);
    for (std::size_t index = 0; index < free_.size(); ++index) {
      while (void* block = free_[index]) {
        std::memcpy(&free_[index], block, sizeof(void*));
        give_back(block, SizeClasses::size(index));
      }
    }
    heap_.trim([this](void* memory, std::size_t bytes) { give_back(memory, bytes, huge_page); });
  }

  MemoryStatistics statistics() const {
    const detail::UnseenLock lock(mutex_);
    return statistics_;
  }

  void reset_peak() {
    const detail::UnseenLock lock(mutex_);
    statistics_.peak = statistics_.in_use;
  }

 private:
  HostPool() {
#ifdef __linux__  // in a child of fork(), the thread that may hold the lock does not exist
    pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                   [] { instance().mutex_.unlock(); });
#endif
  }

  static constexpr std::size_t huge_page = std::size_t{1} << 21;

  static constexpr bool large(std::size_t bytes) noexcept { return !FLIPBOOK_SANITIZED && bytes >= Heap::least; }
  static std::size_t size_of(const void* block, std::size_t bytes) noexcept {
    return large(bytes) ? Heap::size_of(block) : SizeClasses::of(bytes).second;
  }

  void* take_small(std::size_t bytes) noexcept {
    const auto [index, size] = SizeClasses::of(bytes);
    void* const block = free_[index];
    if (block == nullptr) return ask(size);
    std::memcpy(&free_[index], block, sizeof(void*));
    return block;
  }
  void* take_large(std::size_t bytes) noexcept {
    if (void* const block = heap_.take(bytes)) return block;
    const std::size_t least = Heap::chunk_for(bytes);
    // The second size is for a system that has no memory for a whole chunk.
    for (std::size_t size : {least < chunk ? chunk : least, least}) {
      if (void* const memory = ask(size, huge_page)) {
#ifdef __linux__  // fewer TLB misses when a kernel strides over many pages
        madvise(memory, size, MADV_HUGEPAGE);
#endif
        heap_.add(memory, size);
        break;
      }
    }
    return heap_.take(bytes);
  }

  void* ask(std::size_t bytes, std::size_t aligned = alignment) noexcept {
    void* const memory = ::operator new (bytes, std::align_val_t{aligned}, std::nothrow);
    if (memory == nullptr) return nullptr;
    ++statistics_.system_allocations;
    statistics_.held += bytes;
    return memory;
  }
  void give_back(void* memory, std::size_t bytes, std::size_t aligned = alignment) noexcept {
    ::operator delete (memory, std::align_val_t{aligned});
    statistics_.held -= bytes;
  }

  mutable std::mutex mutex_;
  std::array<void*, SizeClasses::count> free_{};
  Heap heap_;
  MemoryStatistics statistics_;
};

/// The pool as a standard allocator, for containers that are resized in every step.
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

/// One of several copies that a backend makes in one call: rows of `bytes` bytes, at distances of a pitch.
struct CopyPiece {
  void* to;
  const void* from;
  std::size_t bytes, rows = 1, to_pitch = 0, from_pitch = 0;

  std::byte* to_row(std::size_t row) const noexcept { return static_cast<std::byte*>(to) + row * to_pitch; }
  const std::byte* from_row(std::size_t row) const noexcept {
    return static_cast<const std::byte*>(from) + row * from_pitch;
  }
};

/// The backend of the host: memory from HostPool, kernels with xsimd over OpenMP threads.
struct Cpu {
  static constexpr const char* name = "Cpu";
  static void* allocate(std::size_t bytes) { return HostPool::instance().allocate(bytes); }
  static void release(void* block, std::size_t bytes) noexcept { HostPool::instance().release(block, bytes); }
  static void copy(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
  static void copy(std::span<const CopyPiece> pieces) {
    for (const CopyPiece& piece : pieces) {
      for (std::size_t row = 0; row < piece.rows; ++row)
        std::memcpy(piece.to_row(row), piece.from_row(row), piece.bytes);
    }
  }
  /// Statistics of its pool, for all threads.
  static MemoryStatistics memory() { return HostPool::instance().statistics(); }
  static void reset_memory_peak() { HostPool::instance().reset_peak(); }
  /// Whether a step is being captured for replay: never on the CPU.
  static constexpr bool capturing() { return false; }
  /// If a step is being captured, calls f() before each replay: does nothing on the CPU.
  template <class F>
  static void at_replay(const F&) {}
};

/// A reference-counted handle of one block of a backend's memory. The last handle returns the block to its pool.
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
  /// Whether this is the only handle, so that its block may be overwritten.
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
