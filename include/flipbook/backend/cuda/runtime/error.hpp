// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

#include <flipbook/core/error.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Throws an Error that names the call and the cause, unless the call of the CUDA runtime succeeded. The runtime's own
/// record of the error is cleared, so that the process can continue.
/// @throws Error  if there is no device, its driver is older than the toolkit, or the call failed
inline void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) [[likely]]
    return;
  cudaGetLastError();
  if (status == cudaErrorNoDevice) fail("Cuda: ", call, ": there is no CUDA device that this process may use");
  if (status == cudaErrorInsufficientDriver) {
    int driver = 0, runtime = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    fail("Cuda: ", call, ": the driver is for CUDA ", driver / 1000, ".", driver % 1000 / 10,
         ", too old for this program's ", runtime / 1000, ".", runtime % 1000 / 10, ", or there is none");
  }
  fail("Cuda: ", call, ": ", cudaGetErrorName(status), ": ", cudaGetErrorString(status));
}

}  // namespace flipbook::cuda
