// SPDX-License-Identifier: MIT
// What the emulated runtime knows of devices, their memory, and what is queued for them: devices.cpp, memory.cpp and
// streams.cpp work on it, under one mutex.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "cuda_runtime.h"

namespace emulated {

struct Task {
  std::function<void()> work;
  const char* name = nullptr;    // of a call of a library's
  const void* kernel = nullptr;  // or what runs on the device
  Stream* awaited = nullptr;     // in place of work: runs this stream first, until it has run so many of its tasks
  std::size_t until = 0;
};
struct Graph {
  std::vector<Task> tasks;
};
struct Stream {
  int device;
  std::deque<Task> tasks{};
  std::size_t queued = 0, run = 0;
  std::unique_ptr<Graph> capture{};
  cudaStreamCaptureMode mode{};
  std::thread::id capturer{};
  bool invalidated = false;
};
struct Event {
  Stream* stream = nullptr;
  std::size_t until = 0;
};

// The memory of one device. All of it is out of the host's reach but while a task of the device runs.
struct Device {
  static constexpr std::size_t reserved = std::size_t{4} << 30, grain = 256;
  unsigned char* base = nullptr;
  std::size_t top = 0, in_use = 0;            // `top`: below it is all that was ever lent
  std::map<std::size_t, std::size_t> free{};  // offset → bytes, below `top`
  std::map<std::size_t, std::size_t> lent{};

  bool holds(const void* pointer) const {
    const auto* const at = static_cast<const unsigned char*>(pointer);
    return base != nullptr && at >= base && at < base + reserved;
  }
  bool lends(const void* pointer, std::size_t bytes) const {
    const auto offset = static_cast<std::size_t>(static_cast<const unsigned char*>(pointer) - base);
    auto block = lent.upper_bound(offset);
    if (block == lent.begin()) return false;
    --block;
    return offset + bytes <= block->first + block->second;
  }
  void protect(bool closed) const;
};

inline constexpr int most_devices = 4;
inline constexpr int pageable_device = 1;  // it reads the host's pageable memory itself, when a copy's turn comes
inline std::recursive_mutex mutex;
inline Device devices[most_devices];
inline int device_count = 2;
inline std::size_t memory_of_each = std::size_t{2} << 30;
inline bool driver_recent = true, faulted = false, idle = false;
inline const char* not_idle = nullptr;
inline std::vector<Stream*> streams;
inline std::map<void*, std::size_t> pinned;
inline int open_device = -1;
inline thread_local int current = 0;
inline thread_local cudaError_t last_error = cudaSuccess;

// Notes an error as the calling thread's last one.
cudaError_t status(cudaError_t error);
// Whether there is a device, and a driver for it.
cudaError_t usable();

// Lets one device's memory be touched until the end of a scope, and none of the others'; -1: no device's.
class Opened {
 public:
  explicit Opened(int device);
  ~Opened();

 private:
  int before_;
};
// Whose memory a pointer is in; null: the host's.
Device* device_of(const void* pointer);

// Counts what launches() says; of a kernel the name is null.
void count_launch(const char* name, const void* kernel = nullptr);
// Puts a task at the end of a stream, or of what is captured of it.
cudaError_t push(Stream* stream, Task task);
// Runs a stream until it has run so many of its tasks; all streams of a device to their ends.
void drain(Stream& stream, std::size_t until);
void drain_all(int device);
// What may not be done while a stream is captured spoils the capture: noted for those streams, and an error returned.
cudaError_t spoil(Stream& stream, cudaError_t error = cudaErrorStreamCaptureUnsupported);
// For calls that wait for a device, and for those that may do so, which captures in a relaxed mode allow.
cudaError_t wait_for_device(int device);
cudaError_t may_wait();

}  // namespace emulated
