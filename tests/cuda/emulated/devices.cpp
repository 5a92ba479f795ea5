// SPDX-License-Identifier: MIT
// The emulated runtime's devices and errors.
#include "state.hpp"

namespace emulated {

cudaError_t status(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}
cudaError_t usable() {
  if (!driver_recent) return cudaErrorInsufficientDriver;
  return device_count == 0 ? cudaErrorNoDevice : cudaSuccess;
}

void set_devices(int count) { device_count = count; }
void set_driver(bool recent_enough) { driver_recent = recent_enough; }
void set_faulted(bool is_faulted) { faulted = is_faulted; }
void set_idle(bool is_idle, const char* but) {
  const std::lock_guard lock(mutex);
  for (const Device& device : devices) device.protect(!is_idle);
  idle = is_idle, not_idle = but;
}
void set_memory(std::size_t bytes_of_each) { memory_of_each = bytes_of_each; }

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
  *properties = {"emulated device", memory_of_each, 227 * 1024, 9, 0, 4, device == pageable_device};
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
    case cudaErrorIllegalAddress: return "cudaErrorIllegalAddress";
    case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated: return "cudaErrorStreamCaptureInvalidated";
    case cudaErrorStreamCaptureIsolation: return "cudaErrorStreamCaptureIsolation";
  }
  return "unknown";
}
const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }
