// The emulated CUDA runtime: devices, memory, streams, events and graphs. What runs a kernel is in blocks.cpp.
#include "cuda_runtime.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace emulated {

struct Task {
  std::function<void()> work;
  Stream* awaited = nullptr;  // in place of work: runs this stream first, until it has run so many of its tasks
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
  bool invalidated = false;
};
struct Event {
  Stream* stream = nullptr;
  std::size_t until = 0;
};

namespace {

// The memory of one device. All of it is out of the host's reach but while a task of the device runs.
struct Device {
  static constexpr std::size_t reserved = std::size_t{4} << 30, grain = 256;
  unsigned char* base = nullptr;
  std::size_t top = 0, in_use = 0;             // `top`: below it is all that was ever lent
  std::map<std::size_t, std::size_t> free{};   // offset → bytes, below `top`
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
  void protect(bool closed) const {
    if (top > 0 && mprotect(base, top, closed ? PROT_NONE : PROT_READ | PROT_WRITE) != 0) std::abort();
  }
};

constexpr int most_devices = 4;
std::recursive_mutex mutex;
Device devices[most_devices];
int device_count = 2;
std::size_t memory_of_each = std::size_t{2} << 30;
bool driver_recent = true;
std::vector<Stream*> streams;
std::map<void*, std::size_t> pinned;
int open_device = -1;
thread_local int current = 0;
thread_local cudaError_t last_error = cudaSuccess;
thread_local cudaStreamCaptureMode capture_mode = cudaStreamCaptureModeGlobal;

cudaError_t status(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}
cudaError_t usable() {
  if (!driver_recent) return cudaErrorInsufficientDriver;
  return device_count == 0 ? cudaErrorNoDevice : cudaSuccess;
}

// Lets one device's memory be touched, and none of the others'.
void open(int device) {
  if (open_device == device) return;
  if (open_device >= 0) devices[open_device].protect(true);
  open_device = device;
  if (device >= 0) devices[device].protect(false);
}
struct Opened {
  int before = open_device;
  explicit Opened(int device) { open(device); }
  ~Opened() { open(before); }
};

Device* device_of(const void* pointer) {
  for (Device& device : devices) {
    if (device.holds(pointer)) return &device;
  }
  return nullptr;
}
bool is_pinned(const void* pointer) {
  auto block = pinned.upper_bound(const_cast<void*>(pointer));
  if (block == pinned.begin()) return false;
  --block;
  return static_cast<const char*>(pointer) < static_cast<const char*>(block->first) + block->second;
}

void drain(Stream& stream, std::size_t until) {
  while (stream.run < until && !stream.tasks.empty()) {
    const Task task = std::move(stream.tasks.front());
    stream.tasks.pop_front();
    ++stream.run;
    if (task.awaited != nullptr) {
      drain(*task.awaited, task.until);
    } else {
      const Opened opened(stream.device);
      task.work();
    }
  }
}
void drain_all(int device) {
  for (std::size_t i = 0; i < streams.size(); ++i) {
    if (streams[i]->device == device) drain(*streams[i], streams[i]->queued);
  }
}
bool capturing(int device) {
  for (const Stream* stream : streams) {
    if (stream->device == device && stream->capture) return true;
  }
  return false;
}

bool blocking() {
  const char* const setting = std::getenv("CUDA_LAUNCH_BLOCKING");
  return setting != nullptr && setting[0] == '1';
}

cudaError_t push(Stream* stream, Task task) {
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;  // the library never uses the default stream
  if (stream->capture) {
    stream->capture->tasks.push_back(std::move(task));
    return cudaSuccess;
  }
  stream->tasks.push_back(std::move(task));
  ++stream->queued;
  if (blocking()) drain(*stream, stream->queued);
  return cudaSuccess;
}

// Copies between any two memories, one of them at a time within reach.
void copy_now(void* to, const void* from, std::size_t bytes) {
  Device *const target = device_of(to), *const source = device_of(from);
  if (target != nullptr && source != nullptr && target != source) {
    std::vector<unsigned char> between(bytes);
    copy_now(between.data(), from, bytes);
    copy_now(to, between.data(), bytes);
    return;
  }
  const Device* const device = target != nullptr ? target : source;
  const Opened opened(device == nullptr ? -1 : static_cast<int>(device - devices));
  std::memmove(to, from, bytes);
}

}  // namespace

void set_devices(int count) { device_count = count; }
void set_driver(bool recent_enough) { driver_recent = recent_enough; }
void set_memory(std::size_t bytes_of_each) { memory_of_each = bytes_of_each; }

cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) {
  const std::lock_guard lock(mutex);
  return status(push(stream, {std::move(work)}));
}

}  // namespace emulated

using namespace emulated;

cudaError_t cudaGetDeviceCount(int* count) {
  *count = driver_recent ? device_count : 0;
  return status(usable());
}
cudaError_t cudaSetDevice(int device) {
  if (const cudaError_t error = usable()) return status(error);
  if (device < 0 || device >= device_count) return status(cudaErrorInvalidDevice);
  current = device;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = current;
  return status(usable());
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device < 0 || device >= device_count) return status(cudaErrorInvalidDevice);
  *properties = {"emulated device", memory_of_each, 227 * 1024, 9, 0, 4};
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (device < 0 || device >= device_count) return status(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 227 * 1024; break;
    case cudaDevAttrMultiProcessorCount: *value = 4; break;
    case cudaDevAttrComputeCapabilityMajor: *value = 9; break;
    case cudaDevAttrComputeCapabilityMinor: *value = 0; break;
  }
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  const std::lock_guard lock(mutex);
  if (capturing(current)) return status(cudaErrorStreamCaptureUnsupported);
  drain_all(current);
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = driver_recent ? 13000 : 11000;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last_error; }
const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver: return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice: return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle: return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady: return "cudaErrorNotReady";
    case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated: return "cudaErrorStreamCaptureInvalidated";
    case cudaErrorStreamCaptureIsolation: return "cudaErrorStreamCaptureIsolation";
  }
  return "unknown";
}
const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }

cudaError_t cudaMalloc(void** block, std::size_t bytes) {
  const std::lock_guard lock(mutex);
  if (const cudaError_t error = usable()) return status(error);
  if (capturing(current) && capture_mode != cudaStreamCaptureModeRelaxed) {
    return status(cudaErrorStreamCaptureUnsupported);
  }
  Device& device = devices[current];
  if (device.base == nullptr) {
    void* const base = mmap(nullptr, Device::reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return status(cudaErrorMemoryAllocation);
    device.base = static_cast<unsigned char*>(base);
  }
  // A gap after each block, so that what runs over its end is found by the poison there.
  const std::size_t size = (bytes + Device::grain - 1) / Device::grain * Device::grain + Device::grain;
  if (bytes == 0 || device.in_use + size > memory_of_each) return status(cudaErrorMemoryAllocation);
  const Opened closed(-1);
  std::size_t offset = device.top;
  for (auto hole = device.free.begin(); hole != device.free.end(); ++hole) {
    if (hole->second < size) continue;
    offset = hole->first;
    if (hole->second > size) device.free.emplace(offset + size, hole->second - size);
    device.free.erase(offset);
    break;
  }
  if (offset == device.top) {
    if (device.top + size > Device::reserved) return status(cudaErrorMemoryAllocation);
    device.top += size;
  }
  device.lent.emplace(offset, bytes);
  device.in_use += size;
  *block = device.base + offset;
  const Opened opened(current);
  std::memset(*block, 0xff, size);
  return cudaSuccess;
}
cudaError_t cudaFree(void* block) {
  const std::lock_guard lock(mutex);
  if (block == nullptr) return cudaSuccess;
  Device* const device = device_of(block);
  if (device == nullptr) return status(cudaErrorInvalidValue);
  const auto offset = static_cast<std::size_t>(static_cast<unsigned char*>(block) - device->base);
  const auto lent = device->lent.find(offset);
  if (lent == device->lent.end()) return status(cudaErrorInvalidValue);
  const int number = static_cast<int>(device - devices);
  if (capturing(number)) return status(cudaErrorStreamCaptureUnsupported);
  drain_all(number);  // as the real one does
  const std::size_t size = (lent->second + Device::grain - 1) / Device::grain * Device::grain + Device::grain;
  {
    const Opened opened(number);
    for (std::size_t i = lent->second; i < size; ++i) {
      if (device->base[offset + i] == 0xff) continue;
      std::fprintf(stderr, "emulated device: byte %zu of a block of %zu was written\n", i, lent->second);
      std::abort();
    }
  }
  device->lent.erase(lent);
  device->in_use -= size;
  device->free.emplace(offset, size);
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** block, std::size_t bytes) {
  const std::lock_guard lock(mutex);
  if (const cudaError_t error = usable()) return status(error);
  *block = std::malloc(bytes);
  if (*block == nullptr) return status(cudaErrorMemoryAllocation);
  pinned.emplace(*block, bytes);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* block) {
  const std::lock_guard lock(mutex);
  if (pinned.erase(block) == 0) return status(cudaErrorInvalidValue);
  std::free(block);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const std::lock_guard lock(mutex);
  *total = memory_of_each;
  *free = memory_of_each - std::min(memory_of_each, devices[current].in_use);
  return status(usable());
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (bytes == 0) return cudaSuccess;
  const Device *const target = device_of(to), *const source = device_of(from);
  if ((target != nullptr && !target->lends(to, bytes)) || (source != nullptr && !source->lends(from, bytes))) {
    return status(cudaErrorInvalidValue);
  }
  const bool capture = stream->capture != nullptr;
  if (target == nullptr && !is_pinned(to)) {  // to pageable memory: complete on return
    if (capture) return status(cudaErrorStreamCaptureUnsupported);
    drain(*stream, stream->queued);
    copy_now(to, from, bytes);
    return cudaSuccess;
  }
  if (source == nullptr && !is_pinned(from) && !capture) {  // from pageable memory: read on return
    const auto* const bytes_of = static_cast<const unsigned char*>(from);
    return status(push(stream, {[=, staged = std::vector<unsigned char>(bytes_of, bytes_of + bytes)] {
                         copy_now(to, staged.data(), bytes);
                       }}));
  }
  return status(push(stream, {[=] { copy_now(to, from, bytes); }}));
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (bytes == 0) return cudaSuccess;
  const Device* const device = device_of(to);
  if (device == nullptr || !device->lends(to, bytes)) return status(cudaErrorInvalidValue);
  return status(push(stream, {[=] { std::memset(to, value, bytes); }}));
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  const std::lock_guard lock(mutex);
  if (const cudaError_t error = usable()) return status(error);
  void* const place = const_cast<void*>(pointer);
  if (const Device* const device = device_of(pointer)) {
    *attributes = {cudaMemoryTypeDevice, static_cast<int>(device - devices), place, nullptr};
  } else if (is_pinned(pointer)) {
    *attributes = {cudaMemoryTypeHost, current, place, place};
  } else {
    *attributes = {cudaMemoryTypeUnregistered, -1, nullptr, place};
  }
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const std::lock_guard lock(mutex);
  if (const cudaError_t error = usable()) return status(error);
  *stream = new Stream{current};
  streams.push_back(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  drain(*stream, stream->queued);
  std::erase(streams, stream);
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (stream->capture) {
    stream->invalidated = true;
    return status(cudaErrorStreamCaptureUnsupported);
  }
  drain(*stream, stream->queued);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const std::lock_guard lock(mutex);
  if (event->stream == nullptr) return cudaSuccess;
  if (stream->capture) return status(cudaErrorStreamCaptureIsolation);
  return status(push(stream, {{}, event->stream, event->until}));
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  if (const cudaError_t error = usable()) return status(error);
  *event = new Event;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (stream->capture) return status(cudaErrorStreamCaptureUnsupported);
  *event = {stream, stream->queued};
  return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const std::lock_guard lock(mutex);
  const bool done = event->stream == nullptr || event->stream->run >= event->until;
  return done ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const std::lock_guard lock(mutex);
  if (event->stream != nullptr) drain(*event->stream, event->until);
  return cudaSuccess;
}
// A task takes a millisecond.
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  const std::lock_guard lock(mutex);
  if (begin->stream == nullptr || begin->stream != end->stream) return status(cudaErrorInvalidResourceHandle);
  if (end->stream->run < end->until) return status(cudaErrorNotReady);
  *milliseconds = static_cast<float>(end->until - begin->until);
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const std::lock_guard lock(mutex);
  if (stream->capture) return status(cudaErrorStreamCaptureUnsupported);
  stream->capture = std::make_unique<Graph>();
  stream->invalidated = false;
  capture_mode = mode;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const std::lock_guard lock(mutex);
  capture_mode = cudaStreamCaptureModeGlobal;
  if (!stream->capture) return status(cudaErrorInvalidValue);
  if (stream->invalidated) {
    stream->capture.reset();
    *graph = nullptr;
    return status(cudaErrorStreamCaptureInvalidated);
  }
  *graph = stream->capture.release();
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* state) {
  const std::lock_guard lock(mutex);
  *state = !stream->capture       ? cudaStreamCaptureStatusNone
           : stream->invalidated ? cudaStreamCaptureStatusInvalidated
                                  : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(*mode, capture_mode);
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new Graph(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  for (const Task& task : exec->tasks) {
    if (const cudaError_t error = push(stream, task)) return status(error);
  }
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}
