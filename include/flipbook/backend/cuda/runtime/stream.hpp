// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include <flipbook/backend/cuda/graph/capture.hpp>
#include <flipbook/backend/cuda/graph/derived.hpp>
#include <flipbook/backend/cuda/runtime/memory.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// A thread's stream on a device, and the memory whose uses it orders.
struct Queue {
  Timeline* timeline = nullptr;
  cudaStream_t stream = nullptr;  ///< the timeline's
  Arena* arena = nullptr;
  Arena* captured = nullptr;    ///< while a step is captured, the memory of its graph
  Capture* capture = nullptr;   ///< and the other data of its replays; also while one is prepared
  unsigned* tickets = nullptr;  ///< for last_block: `most_tickets` counters, all 0 whenever a kernel begins

  static constexpr Index most_tickets = 1024;
};

namespace detail {

// The queues of threads that have ended, for new threads.
struct IdleQueues {
  std::mutex mutex;
  std::array<std::vector<Queue*>, most_devices> of_device;

  static IdleQueues& instance() {
    static IdleQueues* const queues = new IdleQueues;
    return *queues;
  }
  Queue* take(int device) {
    const std::lock_guard lock(mutex);
    auto& idle = of_device[static_cast<std::size_t>(device)];
    if (idle.empty()) return nullptr;
    Queue* const queue = idle.back();
    idle.pop_back();
    return queue;
  }
};

// Without a destructor, so that tensors of static storage may still read it after the thread's guard is destroyed.
inline constinit thread_local std::array<Queue*, most_devices> queues{};

struct QueueGuard {
  ~QueueGuard() {
    IdleQueues& idle = IdleQueues::instance();
    const std::lock_guard lock(idle.mutex);
    for (std::size_t device = 0; device < queues.size(); ++device) {
      if (Queue* const queue = std::exchange(queues[device], nullptr)) idle.of_device[device].push_back(queue);
    }
  }
};

inline Queue& begin_queue(int device) {
  static thread_local const QueueGuard guard;
  Queue*& queue = queues[static_cast<std::size_t>(device)];
  queue = IdleQueues::instance().take(device);
  DevicePool& pool = DevicePool::instance();
  if (queue == nullptr) {
    Timeline& timeline = pool.add_timeline(device);
    queue = new Queue{&timeline, timeline.stream, &pool.add(timeline)};
    constexpr std::size_t bytes = Queue::most_tickets * sizeof(unsigned);
    check(cudaMalloc(reinterpret_cast<void**>(&queue->tickets), bytes), "tickets");
    check(cudaMemsetAsync(queue->tickets, 0, bytes, queue->stream), "tickets");
  }
  pool.put_after_others(*queue->timeline);  // makes their launches so far visible to this one
  return *queue;
}

}  // namespace detail

/// The calling thread's queue on its device.
inline Queue& queue() {
  const int number = device();
  Queue* const known = detail::queues[static_cast<std::size_t>(number)];
  return known != nullptr ? *known : detail::begin_queue(number);
}

/// The calling thread's stream on its device. Each thread has its own. A thread may use the results of another after
/// that one has called `synchronize`, or if it uses the device for the first time.
inline cudaStream_t stream() { return queue().stream; }

/// The calling thread's own X on its device, constructed at first use. Like the stream, it passes to another thread
/// when this one has ended.
template <class X>
X& of_queue() {
  static std::mutex mutex;
  static auto* const all = new std::map<const Queue*, X>;  // outlives every tensor of static storage
  const Queue* const mine = &queue();
  const std::lock_guard lock(mutex);
  return (*all)[mine];
}

/// Waits until all launches of the calling thread on its device have finished.
/// @throws Error  if any of them failed
inline void synchronize() { check(cudaStreamSynchronize(stream()), "synchronize"); }

}  // namespace flipbook::cuda

namespace flipbook::inline FLIPBOOK_ISA {

/// The backend of CUDA devices: memory from a pool for each stream, kernels on the calling thread's stream of the
/// selected device (`cuda::select`). Operations return at once; reading values on the host waits for the device.
struct Cuda {
  static constexpr const char* name = "Cuda";

  /// @throws Error  if there is no device, or if it is out of memory
  static void* allocate(std::size_t bytes) {
    void* const block = lend(bytes);
#ifdef FLIPBOOK_POISON  // an unwritten element is NaN, or -1
    cuda::check(cudaMemsetAsync(block, 0xff, SizeClasses::of(bytes).second, cuda::queue().stream), "poison");
#endif
    if (cuda::Derived* const derived = cuda::Derived::of_thread()) derived->lent(block, bytes);
    return block;
  }

  static void release(void* block, std::size_t bytes) noexcept {
    if (cuda::Derived* const derived = cuda::Derived::of_thread()) derived->released(block, bytes);
    cuda::DevicePool::instance().release(block, bytes, [](int device) {
      const cuda::Queue* const queue = cuda::detail::queues[static_cast<std::size_t>(device)];
      return queue == nullptr ? nullptr : queue->timeline;
    });
  }

  /// Copies between any two memories, in the order of the calling thread's stream. If one is the host's, both may be
  /// reused on return.
  /// @throws Error  if a pointer is invalid, or if one is the host's while a graph is captured
  static void copy(void* to, const void* from, std::size_t bytes) {
    if (bytes == 0) return;
    cuda::note_write(to, bytes);
    const cuda::Queue& queue = cuda::queue();
    cudaPointerAttributes target{}, source{};
    cuda::check(cudaPointerGetAttributes(&target, to), "copy: the pointer copied to");
    cuda::check(cudaPointerGetAttributes(&source, from), "copy: the pointer copied from");
    const bool to_device = target.type == cudaMemoryTypeDevice, from_device = source.type == cudaMemoryTypeDevice;
    require(queue.captured == nullptr || (to_device && from_device),
            "Cuda: a value was asked for on the host while a step is captured");
    if (from_device && source.device != cuda::device()) {
      const cuda::OnDevice on(source.device);
      cuda::synchronize();  // what this thread has launched there comes first
    }
    cuda::check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, queue.stream), "copy");
    // The driver first copies pageable memory to its own buffer, unless the device reads it directly.
    const bool staged = source.type == cudaMemoryTypeUnregistered && !cuda::properties().reads_pageable;
    if (!to_device || !(from_device || staged)) cuda::check(cudaStreamSynchronize(queue.stream), "copy");
  }

  /// Copies pieces between memories of the calling thread's device, many in one launch (runtime/copy.hpp).
  static void copy(std::span<const CopyPiece> pieces);

  /// Launches the deferred transposes of a captured step, for gradients that are not read before (`Arrival`).
  static void settle() { cuda::settle(); }

  /// The memory statistics of the calling thread's device, for all threads.
  static MemoryStatistics memory() { return cuda::DevicePool::instance().statistics(cuda::device()); }
  static void reset_memory_peak() { cuda::DevicePool::instance().reset_peak(cuda::device()); }

  /// Whether the calling thread is capturing a step.
  static bool capturing() { return cuda::queue().captured != nullptr; }
  /// If a step is being captured, calls f() before each replay.
  template <class F>
  static void at_replay(const F& f) {
    if (cuda::Capture* const capture = cuda::queue().capture) capture->at_replay(f);
  }

 private:
  friend cuda::Derived;

  static void* lend(std::size_t bytes) {
    cuda::Queue& queue = cuda::queue();
    cuda::Arena* const spare = queue.captured != nullptr ? queue.arena : nullptr;
    cuda::Arena& arena = queue.captured != nullptr ? *queue.captured : *queue.arena;
    return cuda::DevicePool::instance().allocate(arena, spare, bytes);
  }
};

}  // namespace flipbook

#include <flipbook/backend/cuda/graph/derive.hpp>  // the members of Derived that use Cuda
