// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstring>
#include <thread>
#include <vector>

#include <flipbook/backend/cuda/graph/graph.hpp>
#include <flipbook/backend/cuda/reduce/columns.hpp>
#include <flipbook/backend/cuda/reduce/rows.hpp>
#include <flipbook/backend/cuda/runtime/launch.hpp>
#include <flipbook/core/tensor.hpp>

#include "ops/tensors.hpp"

using namespace flipbook;
using test::error_of;

namespace {

__global__ void add_number(float* x, Index count, float number) {
  for (Index i = cuda::thread_number(); i < count; i += cuda::thread_count()) x[i] += number;
}

// Every thread of a block reverses its part through shared memory, then its warp's sum is added.
__global__ void reverse_and_sum(const float* from, float* to) {
  float* const room = cuda::shared<float>();
  room[threadIdx.x] = from[blockIdx.x * blockDim.x + threadIdx.x];
  __syncthreads();
  float sum = room[blockDim.x - 1 - threadIdx.x];
  for (int bits = 16; bits > 0; bits /= 2) sum += __shfl_xor_sync(0xffffffffU, sum, bits);
  to[blockIdx.x * blockDim.x + threadIdx.x] = room[blockDim.x - 1 - threadIdx.x] + 1000 * sum;
}

}  // namespace

TEST_CASE("tensors go to the device and back") {
  const Tensor<float> x({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor<float, Cuda> y = to<Cuda>(x);
  CHECK(y.shape() == x.shape());
  CHECK(to_vector(y) == to_vector(x));
  CHECK(to_vector(y.clone()) == to_vector(x));
  CHECK(y.slice(1, 2).reshape({3})[2].item() == 6);
  CHECK(to_vector(to<Cuda>(Tensor<float>({0, 3}))).empty());
}

TEST_CASE("what was copied to a device may be overwritten on return") {
  for (int device = 0; device < cuda::device_count(); ++device) {
    const cuda::OnDevice on(device);
    std::vector<float> numbers(1000, 7);
    const Tensor<float, Cuda> x({1000});
    Cuda::copy(const_cast<float*>(x.data()), numbers.data(), 4000);
    std::fill(numbers.begin(), numbers.end(), 8.0F);
    CHECK(to_vector(x) == std::vector<float>(1000, 7));
  }
}

TEST_CASE("more blocks than a grid has are refused, and not cut off") {
  CHECK(error_of([] { cuda::RowPlan(Index{1} << 40, 8, 4).grid(); }).find("a launch of 4294967296 blocks") !=
        std::string::npos);
  CHECK(error_of([] { cuda::ColumnPlan(Index{1} << 32, 1, 8, 4).grid(); }).find("a launch of 4294967296 blocks") !=
        std::string::npos);
}

TEST_CASE("kernels run in the order of their stream") {
  Tensor<float, Cuda> x = to<Cuda>(Tensor<float>({5}, {1, 2, 3, 4, 5}));
  cuda::launch(add_number, 2, 2, 0, x.data(), x.size(), 1);
  cuda::launch(add_number, 1, 32, 0, x.data(), x.size(), 0.5F);
  cuda::launch(add_number, 0, 32, 0, x.data(), x.size(), 100);
  CHECK(to_vector(x) == std::vector<float>{2.5, 3.5, 4.5, 5.5, 6.5});
}

TEST_CASE("threads of a block exchange values through shared memory and within warps") {
  const Tensor<float> x = test::numbered<float>({3, 64});
  Tensor<float, Cuda> y({3, 64});
  cuda::launch(reverse_and_sum, 3, 64, 64 * sizeof(float), to<Cuda>(x).data(), y.data());
  const Tensor<float> back = to<Cpu>(y);
  for (Index i = 0; i < x.size(); ++i) {
    const Index block = i / 64 * 64, within = i % 64, warp = within / 32 * 32;
    float sum = 0;
    for (Index j = warp; j < warp + 32; ++j) sum += static_cast<float>(block + 63 - j);
    CHECK(back.data()[i] == static_cast<float>(block + 63 - within) + 1000 * sum);
  }
}

TEST_CASE("memory on the device is counted and lent again") {
  const auto statistics = [] { return cuda::DevicePool::instance().statistics(cuda::device()); };
  const std::size_t before = statistics().in_use;
  { const Tensor<float, Cuda> warm({1000}); }
  const std::size_t asked = statistics().system_allocations;
  {
    const Tensor<float, Cuda> x({999});
    CHECK(statistics().in_use >= before + 3996);
  }
  CHECK(statistics().in_use == before);
  CHECK(statistics().system_allocations == asked);
  cuda::DevicePool::instance().trim(cuda::device());
  CHECK(statistics().held == statistics().in_use);
}

TEST_CASE("a tensor may be released by another thread than the one that made it") {
  Tensor<float, Cuda> x = to<Cuda>(test::numbered<float>({64}));
  Tensor<float, Cuda> kept({64});
  std::thread([&] {
    cuda::launch(add_number, 1, 32, 0, x.data(), Index{64}, 1);
    Cuda::copy(kept.data(), x.data(), 256);
    x = {};
  }).join();
  const Tensor<float, Cuda> y = to<Cuda>(Tensor<float>({64}));  // may lie where x was
  CHECK(to_vector(kept)[63] == 64);
}

TEST_CASE("too much memory is refused, with what there is, and the process goes on") {
  const std::string error = error_of([] { Tensor<float, Cuda> x({Index{1} << 44}); });
  CHECK(error.find("Cuda: out of memory on device") != std::string::npos);
  CHECK(error.find("70368744177664 bytes asked") != std::string::npos);
  CHECK(error.find(" held, ") != std::string::npos);
  CHECK(error.find(" free") != std::string::npos);
  CHECK(to_vector(to<Cuda>(Tensor<float>({1}, {7}))) == std::vector<float>{7});
}

TEST_CASE("a device that is not there is refused") {
  const int there = cuda::device();
  CHECK(error_of([] { cuda::select(63); }).find("cuda::select: device 63 of ") == 0);
  CHECK(error_of([] { cuda::select(-1); }).find("cuda::select: device -1 of ") == 0);
  CHECK(cuda::device() == there);
}

TEST_CASE("work is done on the device selected") {
  if (cuda::device_count() < 2) return;
  const Tensor<float> x = test::numbered<float>({100});
  const Tensor<float, Cuda> here = to<Cuda>(x);
  const cuda::OnDevice on(1);
  Tensor<float, Cuda> there = to<Cuda>(x);
  cuda::launch(add_number, 1, 32, 0, there.data(), there.size(), 1);
  CHECK(to_vector(there)[99] == 100);
  CHECK(to_vector(to<Cuda>(here)) == to_vector(x));  // from one device to the other
}

#ifdef FLIPBOOK_CUDA_EMULATED
TEST_CASE("without a device or a recent driver, the first use says so") {
  emulated::set_devices(0);
  CHECK(cuda::device_count() == 0);
  CHECK(error_of([] { Tensor<float, Cuda> x({1}); }) ==
        "Cuda: device: there is no CUDA device that this process may use");
  emulated::set_devices(2);
  emulated::set_driver(false);
  CHECK(error_of([] { Tensor<float, Cuda> x({1}); }) ==
        "Cuda: device: the driver is for CUDA 11.0, too old for this program's 13.0, or there is none");
  emulated::set_driver(true);
  CHECK(to_vector(to<Cuda>(Tensor<float>({1}, {7}))) == std::vector<float>{7});
}

TEST_CASE("after a kernel has touched what it may not, every call says so, and what is there can be destroyed") {
  {
    Rng rng{1};
    Tensor<float, Cuda> x({64});
    const cuda::StepGraph graph(rng, [&] { cuda::launch(add_number, 1, 32, 0, x.data(), Index{64}, 1); });
    Tensor<float, Cuda> passed = to<Cuda>(Tensor<float>({1}, {1}));
    std::thread([from_another = std::move(passed)] { cuda::synchronize(); }).join();
    emulated::set_faulted(true);
    for (int again = 0; again < 2; ++again) {
      CHECK(error_of([&] { x.clone(); }).find("cudaErrorIllegalAddress") != std::string::npos);
      CHECK(error_of([] { cuda::synchronize(); }).find("Cuda: synchronize: cudaErrorIllegalAddress") == 0);
    }
    cuda::DevicePool::instance().trim(cuda::device());
  }
  emulated::set_faulted(false);
  CHECK(to_vector(to<Cuda>(Tensor<float>({1}, {7}))) == std::vector<float>{7});
}

TEST_CASE("kernels get more shared memory than all have by asking for it") {
  const Tensor<float> x = test::numbered<float>({3, 64});
  Tensor<float, Cuda> y({3, 64});
  cuda::launch(reverse_and_sum, 3, 64, 64 * 1024, to<Cuda>(x).data(), y.data());
  CHECK(to_vector(y)[0] > 0);
  cudaLaunchConfig_t config{};
  config.gridDim = config.blockDim = dim3(1), config.dynamicSmemBytes = 64 * 1024, config.stream = cuda::stream();
  CHECK(cudaLaunchKernelEx(&config, add_number, y.data(), Index{1}, 1.0F) == cudaErrorInvalidValue);
}

TEST_CASE("memory that is held but not lent makes room before a request is refused") {
  cuda::DevicePool::instance().trim(cuda::device());
  emulated::set_memory(std::size_t{3} << 20);
  { const Tensor<float, Cuda> x({512 << 10}); }
  { const Tensor<float, Cuda> x({600 << 10}); }  // not both at once
  CHECK(error_of([] { Tensor<float, Cuda> x({1 << 20}); }).find("4194304 bytes asked") != std::string::npos);
  emulated::set_memory(std::size_t{2} << 30);
}
#endif
