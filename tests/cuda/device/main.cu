// SPDX-License-Identifier: MIT
// Runs the tests on a device, and says which; where none answers there is nothing to run. Includes the whole library:
// nvcc rewrites all templates that it reads for the host's compiler, and what it rewrites wrongly is found here.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include <flipbook/backend/cuda/runtime/device.hpp>
#include <flipbook/flipbook.hpp>

int main(int argc, char** argv) {
  if (flipbook::cuda::device_count() == 0) {
    std::puts("no CUDA device answers: nothing was run");
    return 77;
  }
  const auto& device = flipbook::cuda::properties();
  std::printf("on %s, compute capability %d.%d\n", device.name.c_str(), device.major, device.minor);
  return doctest::Context(argc, argv).run();
}
