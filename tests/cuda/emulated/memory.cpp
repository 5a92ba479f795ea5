// SPDX-License-Identifier: MIT
// The emulated runtime's memory: of devices, out of the host's reach while nothing runs there, and pinned.
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#include "state.hpp"

namespace emulated {

void Device::protect(bool closed) const {
  if (idle) return;  // within reach all the time, which is faster
  if (top > 0 && mprotect(base, top, closed ? PROT_NONE : PROT_READ | PROT_WRITE) != 0) std::abort();
}

namespace {

void open(int device) {
  if (open_device == device) return;
  if (open_device >= 0) devices[open_device].protect(true);
  open_device = device;
  if (device >= 0) devices[device].protect(false);
}

}  // namespace

Opened::Opened(int device) : before_(open_device) { open(device); }
Opened::~Opened() { open(before_); }

Device* device_of(const void* pointer) {
  for (Device& device : devices) {
    if (device.holds(pointer)) return &device;
  }
  return nullptr;
}

namespace {

bool is_pinned(const void* pointer) {
  auto block = pinned.upper_bound(const_cast<void*>(pointer));
  if (block == pinned.begin()) return false;
  --block;
  return static_cast<const char*>(pointer) < static_cast<const char*>(block->first) + block->second;
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

}  // namespace emulated

using namespace emulated;

cudaError_t cudaMalloc(void** block, std::size_t bytes) {
  const std::lock_guard lock(mutex);
  if (faulted) return status(cudaErrorIllegalAddress);
  if (const cudaError_t error = usable()) return status(error);
  if (const cudaError_t error = may_wait()) return status(error);
  Device& device = devices[current];
  if (device.base == nullptr) {
    void* const base = mmap(nullptr, Device::reserved, idle ? PROT_READ | PROT_WRITE : PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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
  const bool fresh = offset == device.top;  // all zeros
  if (fresh) {
    if (device.top + size > Device::reserved) return status(cudaErrorMemoryAllocation);
    device.top += size;
  }
  device.lent.emplace(offset, bytes);
  device.in_use += size;
  *block = device.base + offset;
  const Opened opened(current);
  if (!idle || !fresh) std::memset(*block, idle ? 0 : 0xff, bytes);
  std::memset(device.base + offset + bytes, 0xff, size - bytes);
  return cudaSuccess;
}
cudaError_t cudaFree(void* block) {
  const std::lock_guard lock(mutex);
  if (block == nullptr) return cudaSuccess;
  if (faulted) return status(cudaErrorIllegalAddress);
  Device* const device = device_of(block);
  if (device == nullptr) return status(cudaErrorInvalidValue);
  const auto offset = static_cast<std::size_t>(static_cast<unsigned char*>(block) - device->base);
  const auto lent = device->lent.find(offset);
  if (lent == device->lent.end()) return status(cudaErrorInvalidValue);
  const int number = static_cast<int>(device - devices);
  if (const cudaError_t error = may_wait()) return status(error);
  drain_all(number);  // as the real one does
  const std::size_t size = (lent->second + Device::grain - 1) / Device::grain * Device::grain + Device::grain;
  {
    const Opened opened(number);
    for (std::size_t i = lent->second; i < size; ++i) {
      if (device->base[offset + i] == 0xff) continue;
      std::fprintf(stderr, "emulated device: byte %zu of a block of %zu was written\n", i, lent->second);
      std::abort();
    }
    std::memset(device->base + offset, 0xff, lent->second);  // for whoever uses it still
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
    count_launch("copy that waits");
    drain(*stream, stream->queued);
    copy_now(to, from, bytes);
    return cudaSuccess;
  }
  const bool staged = source == nullptr && !is_pinned(from) && stream->device != pageable_device;
  if (staged && !capture) {  // read on return
    const auto* const bytes_of = static_cast<const unsigned char*>(from);
    return status(push(stream, {[=, staged = std::vector<unsigned char>(bytes_of, bytes_of + bytes)] {
                                  copy_now(to, staged.data(), bytes);
                                },
                                "copy"}));
  }
  return status(push(stream, {[=] { copy_now(to, from, bytes); }, "copy"}));
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (bytes == 0) return cudaSuccess;
  const Device* const device = device_of(to);
  if (device == nullptr || !device->lends(to, bytes)) return status(cudaErrorInvalidValue);
  // Poison (FLIPBOOK_POISON) is none of what the library would do without it, and an idle device has zeros.
  if (value == 0xff) return idle ? cudaSuccess : status(push(stream, {[=] { std::memset(to, value, bytes); }}));
  return status(push(stream, {[=] { std::memset(to, value, bytes); }, "fill"}));
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
