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

/// What a thread launches on a device, in order: a stream, and the memory whose uses it orders.
struct Queue {
  Timeline* timeline = nullptr;
  cudaStream_t stream = nullptr;  ///< the timeline's
  Arena* arena = nullptr;
  Arena* captured = nullptr;    ///< while a step is captured, the memory that it keeps
  Capture* capture = nullptr;   ///< and what else its replays need; also while one is prepared
  unsigned* tickets = nullptr;  ///< for last_block: `most_tickets` counters, all 0 whenever a kernel begins

  static constexpr Index most_tickets = 1024;
};

namespace detail {

// The queues of threads that have ended, for those to come.
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

// Without a destructor, so that tensors of static storage may still ask after the thread's own guard is gone.
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
  pool.put_after_others(*queue->timeline);  // what they have launched so far is visible to this one
  return *queue;
}

}  // namespace detail

/// The calling thread's queue on its device.
inline Queue& queue() {
  const int number = device();
  Queue* const known = detail::queues[static_cast<std::size_t>(number)];
  return known != nullptr ? *known : detail::begin_queue(number);
}

/// The calling thread's stream on its device. Each thread has its own: what one has launched, another may use once the
/// first has called `synchronize`, or before the other has used the device at all.
inline cudaStream_t stream() { return queue().stream; }

/// What the calling thread alone has on its device besides its stream, made when it is first asked for. With the stream
/// it passes on to another thread when this one has ended.
template <class X>
X& of_queue() {
  static std::mutex mutex;
  static auto* const all = new std::map<const Queue*, X>;  // outlives every tensor of static storage
  const Queue* const mine = &queue();
  const std::lock_guard lock(mutex);
  return (*all)[mine];
}

/// Waits until all that the calling thread has launched on its device is done.
/// @throws Error  if any of it failed
inline void synchronize() { check(cudaStreamSynchronize(stream()), "synchronize"); }

}  // namespace flipbook::cuda

namespace flipbook::inline FLIPBOOK_ISA {

/// The backend of CUDA devices: memory from a pool for each stream, kernels on the calling thread's stream of the
/// device that it has selected (`cuda::select`). Operations return at once; what reads numbers on the host waits.
struct Cuda {
  static constexpr const char* name = "Cuda";

  /// @throws Error  if there is no device, or no memory on it
  static void* allocate(std::size_t bytes) {
    void* const block = lend(bytes);
#ifdef FLIPBOOK_POISON  // an element that nothing wrote shows as NaN, or as -1
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

  /// Between any two memories, in the order of the calling thread's stream. Where one is the host's, both may be used
  /// for something else on return.
  /// @throws Error  if a pointer is not what it is taken for, or while a graph is captured if one is the host's
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
    // From pageable memory the driver copies to a buffer of its own first, unless the device reads it itself.
    const bool staged = source.type == cudaMemoryTypeUnregistered && !cuda::properties().reads_pageable;
    if (!to_device || !(from_device || staged)) cuda::check(cudaStreamSynchronize(queue.stream), "copy");
  }

  /// All of these, between memories of the calling thread's device, in one launch: runtime/copy.hpp.
  static void copy(std::span<const CopyPiece> pieces);

  /// Launches what a captured step has put off: the rest of gradients that were not to be read before (`Arrival`).
  static void settle() { cuda::settle(); }

  /// What the pool of the calling thread's device has lent out, to all threads.
  static MemoryStatistics memory() { return cuda::DevicePool::instance().statistics(cuda::device()); }
  static void reset_memory_peak() { cuda::DevicePool::instance().reset_peak(cuda::device()); }

  /// Whether the calling thread captures a step, to be replayed.
  static bool capturing() { return cuda::queue().captured != nullptr; }
  /// Where a step is captured to be replayed, calls f() before each replay.
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

#include <flipbook/backend/cuda/graph/derive.hpp>  // what Derived does with memory
