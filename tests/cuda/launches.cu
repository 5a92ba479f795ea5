// SPDX-License-Identifier: MIT
// What a device is given to do in one step of training, of the networks that are compared with PyTorch: kernels, calls
// of cuBLASLt and cuDNN, copies. Each costs some microseconds, however little it computes. Which they are, says
//
//   FLIPBOOK_LAUNCHES=1 build/clang/tests/cuda/test_cuda -tc='*more launches*'
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

#include "../../benchmarks/pytorch/workloads/conv_lstm.hpp"
#include "../../benchmarks/pytorch/workloads/dcgan.hpp"
#include "../../benchmarks/pytorch/workloads/video_gan.hpp"
#include "../../benchmarks/pytorch/workloads/video_transformer.hpp"
#include "../../benchmarks/pytorch/workloads/video_vae.hpp"

#ifdef FLIPBOOK_CUDA_EMULATED

using namespace flipbook;

namespace {

/// The launches of one replayed step, with their names on stdout where they are asked for.
int launches_of(const benchmark::Workload& workload) {
  emulated::set_idle(true, "out_of_range");  // a step that finds tokens astray throws
  const auto step = workload.prepare();
  for (int warm = 0; warm < 3; ++warm) step();
  emulated::launches();
  step();
  cuda::synchronize();
  int total = 0;
  std::vector<std::pair<int, std::string>> each;
  for (const auto& [name, count] : emulated::launches()) {
    total += count;
    each.emplace_back(count, name);
  }
  emulated::set_idle(false);
  if (std::getenv("FLIPBOOK_LAUNCHES") != nullptr) {
    std::printf("%s: %d\n", workload.name.c_str(), total);
    std::sort(each.rbegin(), each.rend());
    for (const auto& [count, name] : each) std::printf("%5d  %s\n", count, name.c_str());
  }
  return total;
}

}  // namespace

// Fewer are welcome: then the number here is the new one.
TEST_CASE("a step of training takes no more launches than it did") {
  CHECK(launches_of(benchmark::dcgan_workloads<float, Cuda>()[0]) <= 119);
  CHECK(launches_of(benchmark::video_gan_workloads<float, Cuda>()[0]) <= 146);
  CHECK(launches_of(benchmark::video_vae_workloads<float, Cuda>()[0]) <= 83);
  CHECK(launches_of(benchmark::conv_lstm_workloads<float, Cuda>()[0]) <= 260);
  CHECK(launches_of(benchmark::video_transformer_workloads<float, Cuda>()[0]) <= 138);
}

#endif
