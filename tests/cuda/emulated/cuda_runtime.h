// SPDX-License-Identifier: MIT
#pragma once

// The part of the CUDA runtime that the library uses, on the host: kernels are compiled by the ordinary compiler and
// run by emulated::run, one block after another. Streams are queues that run only when somebody waits for them, so
// that a missing wait shows; device memory cannot be touched by the host in between. See memory.cpp and streams.cpp.

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __host__
#ifdef __clang__  // all of it in one place, where each block finds poison; GCC has no sections for templates
#define __shared__ static __attribute__((section("flipbook_shared")))
#else
#define __shared__ static
#endif
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

#define FLIPBOOK_VECTOR2(name, type, bytes) \
  struct alignas(bytes) name {              \
    type x, y;                              \
  };                                        \
  constexpr name make_##name(type x, type y) { return {x, y}; }
#define FLIPBOOK_VECTOR4(name, type, bytes) \
  struct alignas(bytes) name {              \
    type x, y, z, w;                        \
  };                                        \
  constexpr name make_##name(type x, type y, type z, type w) { return {x, y, z, w}; }
FLIPBOOK_VECTOR2(float2, float, 8)
FLIPBOOK_VECTOR2(double2, double, 16)
FLIPBOOK_VECTOR2(int2, int, 8)
FLIPBOOK_VECTOR2(uint2, unsigned, 8)
FLIPBOOK_VECTOR4(float4, float, 16)
FLIPBOOK_VECTOR4(int4, int, 16)
FLIPBOOK_VECTOR4(uint4, unsigned, 16)
#undef FLIPBOOK_VECTOR2
#undef FLIPBOOK_VECTOR4

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901,
  cudaErrorStreamCaptureIsolation = 905,
};
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};
enum cudaMemoryType { cudaMemoryTypeUnregistered, cudaMemoryTypeHost, cudaMemoryTypeDevice, cudaMemoryTypeManaged };
enum cudaStreamCaptureMode {
  cudaStreamCaptureModeGlobal,
  cudaStreamCaptureModeThreadLocal,
  cudaStreamCaptureModeRelaxed
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
inline constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2;

struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem, sharedMemPerBlockOptin;
  int major, minor, multiProcessorCount, pageableMemoryAccess;
};
struct cudaPointerAttributes {
  cudaMemoryType type;
  int device;
  void *devicePointer, *hostPointer;
};

namespace emulated {
struct Stream;
struct Event;
struct Graph;
}  // namespace emulated
using cudaStream_t = emulated::Stream*;
using cudaEvent_t = emulated::Event*;
using cudaGraph_t = emulated::Graph*;
using cudaGraphExec_t = emulated::Graph*;

struct cudaLaunchAttribute;
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
  cudaLaunchAttribute* attrs;
  unsigned numAttrs;
};

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);
cudaError_t cudaGetLastError();
const char* cudaGetErrorName(cudaError_t error);
const char* cudaGetErrorString(cudaError_t error);

cudaError_t cudaMalloc(void** block, std::size_t bytes);
cudaError_t cudaFree(void* block);
cudaError_t cudaMallocHost(void** block, std::size_t bytes);
cudaError_t cudaFreeHost(void* block);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer);

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end);

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags = 0);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);

namespace emulated {

/// What the tests set: the devices there are, the memory of each, and an error that the next call returns.
void set_devices(int count);
void set_driver(bool recent_enough);
void set_memory(std::size_t bytes_of_each);
void set_faulted(bool faulted);  ///< as after a kernel that touched what it may not: every call fails from then on
/// From now on memory begins as zeros, and of all that streams are given to do only copies are carried out, and kernels
/// whose names contain `but`.
void set_idle(bool idle, const char* but = nullptr);
/// What streams have been given to do since the last call, by name and how often: kernels by their own, products of
/// cuBLASLt, convolutions of cuDNN, copies and fills, those of a graph each time that it is launched.
std::map<std::string, int> launches();

/// Puts work at the end of a stream: host code that may touch the memory of the stream's device alone. For the
/// emulations of other libraries too.
/// @param name  what launches() calls it: the library's call, or none and the address of a kernel
cudaError_t enqueue(cudaStream_t stream, const char* name, std::function<void()> work, const void* kernel = nullptr);

/// Whether a kernel may be launched with so much dynamic shared memory: 48 KiB, or what it was let have.
bool may_share(const void* kernel, std::size_t bytes);
cudaError_t let_share(const void* kernel, int bytes);

/// Ends the program unless an address is a multiple of `bytes`.
void demand_aligned(const void* address, std::size_t bytes);

/// Runs all blocks of a kernel, whose threads call `body`.
void run(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& body);
/// The dynamic shared memory of the running block.
unsigned char* shared_memory();

/// Waits for all threads of the block, or aborts where they wait at different places.
void barrier(const std::source_location& place);
/// Waits for the lanes of the mask, each of which brings up to 16 bytes and takes those of the lane `source`.
void exchange(unsigned mask, void* value, std::size_t bytes, int source, const std::source_location& place);
/// Waits for the lanes of the mask; the bits of those whose predicate holds.
unsigned ballot(unsigned mask, bool predicate, const std::source_location& place);
int lane();

using Place = std::source_location;

}  // namespace emulated

inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  const dim3 grid = config->gridDim, block = config->blockDim;
  const std::size_t shared = config->dynamicSmemBytes, threads = std::size_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > 1024 || block.z > 64 || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
      grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535) {
    return cudaErrorInvalidConfiguration;
  }
  if (!emulated::may_share(std::bit_cast<const void*>(kernel), shared)) return cudaErrorInvalidValue;
  const auto work = [=, all = std::tuple<Parameters...>(std::forward<Arguments>(arguments)...)] {
    emulated::run(grid, block, shared, [&] { std::apply(kernel, all); });
  };
  return emulated::enqueue(config->stream, nullptr, work, std::bit_cast<const void*>(kernel));
}
template <class Kernel>
cudaError_t cudaFuncSetAttribute(Kernel* kernel, cudaFuncAttribute, int bytes) {
  return emulated::let_share(std::bit_cast<const void*>(kernel), bytes);
}

inline void __syncthreads(emulated::Place place = emulated::Place::current()) { emulated::barrier(place); }
inline void __syncwarp(unsigned mask = ~0U, emulated::Place place = emulated::Place::current()) {
  emulated::ballot(mask, true, place);
}
inline unsigned __ballot_sync(unsigned mask, bool p, emulated::Place place = emulated::Place::current()) {
  return emulated::ballot(mask, p, place);
}
inline bool __any_sync(unsigned mask, bool p, emulated::Place place = emulated::Place::current()) {
  return emulated::ballot(mask, p, place) != 0;
}
inline bool __all_sync(unsigned mask, bool p, emulated::Place place = emulated::Place::current()) {
  return emulated::ballot(mask, !p, place) == 0;
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, emulated::Place place = emulated::Place::current()) {
  const int lane = emulated::lane();
  emulated::exchange(mask, &value, sizeof(T), (lane & ~(width - 1)) | (source & (width - 1)), place);
  return value;
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32,
                  emulated::Place place = emulated::Place::current()) {
  const int lane = emulated::lane(), source = lane ^ bits;
  emulated::exchange(mask, &value, sizeof(T), (source & ~(width - 1)) > (lane | (width - 1)) ? lane : source, place);
  return value;
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32,
                   emulated::Place place = emulated::Place::current()) {
  const int lane = emulated::lane(), source = lane + static_cast<int>(by);
  emulated::exchange(mask, &value, sizeof(T), source > (lane | (width - 1)) ? lane : source, place);
  return value;
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32,
                 emulated::Place place = emulated::Place::current()) {
  const int lane = emulated::lane(), source = lane - static_cast<int>(by);
  emulated::exchange(mask, &value, sizeof(T), source < (lane & ~(width - 1)) ? lane : source, place);
  return value;
}

// Blocks run one after another and the threads of a block take turns, so plain updates are atomic.
template <class T, class U>
T atomicAdd(T* at, U value) {
  const T before = *at;
  *at = static_cast<T>(before + value);
  return before;
}
template <class T, class U>
T atomicMax(T* at, U value) {
  const T before = *at;
  if (before < static_cast<T>(value)) *at = static_cast<T>(value);
  return before;
}
template <class T>
T atomicExch(T* at, T value) {
  return std::exchange(*at, value);
}
template <class T>
T atomicCAS(T* at, T expected, T desired) {
  const T before = *at;
  if (before == expected) *at = desired;
  return before;
}
inline void __threadfence() {}

template <class T>
T __ldg(const T* from) {
  return *from;
}
template <class T>
T __ldcg(const T* from) {
  return *from;
}
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>(std::uint64_t{a} * b >> 32); }
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __ffs(unsigned x) { return x == 0 ? 0 : std::countr_zero(x) + 1; }
inline int __clz(unsigned x) { return std::countl_zero(x); }
