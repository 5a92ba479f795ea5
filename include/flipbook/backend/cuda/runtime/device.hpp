// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <string>

#include <flipbook/backend/cuda/runtime/error.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Devices beyond this number are not used.
inline constexpr int most_devices = 64;

/// The number of devices; 0 if there is no device or no driver.
inline int device_count() noexcept {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  return count < most_devices ? count : most_devices;
}

/// The current device of the calling thread: the first one, until it selects another.
/// @throws Error  if there is none
inline int device() {
  int current = 0;
  check(cudaGetDevice(&current), "device");
  return current;
}

/// Selects the current device of the calling thread, from 0, on which its new tensors are allocated. Tensors of two
/// devices cannot be combined in an operation; `to<Cuda>` copies a tensor to the selected device.
/// @throws Error  if there is no such device
inline void select(int number) {
  require(number >= 0 && number < most_devices, "cuda::select: device ", number, " of ", device_count());
  const cudaError_t status = cudaSetDevice(number);
  if (status == cudaErrorInvalidDevice) cudaGetLastError();
  require(status != cudaErrorInvalidDevice, "cuda::select: device ", number, " of ", device_count());
  check(status, "select");
}

/// Selects another device until the end of a scope.
class OnDevice {
 public:
  explicit OnDevice(int number) : before_(device()) {
    if (number != before_) select(number);
  }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  ~OnDevice() { cudaSetDevice(before_); }

 private:
  int before_;
};

/// The properties of a device.
struct DeviceProperties {
  std::string name;
  int major = 0, minor = 0;  ///< compute capability
  int multiprocessors = 1;
  std::size_t shared_bytes = 0;  ///< maximum per block
  std::size_t memory = 0;        ///< total, in bytes
  bool reads_pageable = false;   ///< whether the device reads unpinned host memory directly
};

/// The properties of the calling thread's device; the driver is queried once.
inline const DeviceProperties& properties() {
  static std::mutex mutex;
  static std::array<DeviceProperties, most_devices> known;
  const int number = device();
  const std::lock_guard lock(mutex);
  DeviceProperties& p = known[static_cast<std::size_t>(number)];
  if (p.name.empty()) {
    cudaDeviceProp asked{};
    check(cudaGetDeviceProperties(&asked, number), "properties");
    p = {asked.name,
         asked.major,
         asked.minor,
         asked.multiProcessorCount,
         asked.sharedMemPerBlockOptin,
         asked.totalGlobalMem,
         asked.pageableMemoryAccess != 0};
  }
  return p;
}

}  // namespace flipbook::cuda
