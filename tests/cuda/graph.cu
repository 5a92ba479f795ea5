// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include <flipbook/backend/cuda/graph/graph.hpp>
#include <flipbook/backend/cuda/runtime/launch.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/ops/conv/conv.hpp>
#include <flipbook/ops/elementwise/binary.hpp>

#include "ops/tensors.hpp"

using namespace flipbook;
using test::error_of;

namespace {

constexpr Index size = 1 << 16;

__global__ void set_each(float* x, float number) {
  for (Index i = cuda::thread_number(); i < size; i += cuda::thread_count()) x[i] = number;
}
__global__ void add_each(const float* x, float* y) {
  for (Index i = cuda::thread_number(); i < size; i += cuda::thread_count()) y[i] += x[i];
}
void set(Tensor<float, Cuda>& x, float number) { cuda::launch(set_each, 4, 256, 0, x.data(), number); }

std::vector<float> filled(float number) { return std::vector<float>(size, number); }

/// to += number, by way of memory that the capture has to itself.
void add_through(Tensor<float, Cuda>& to, float number) {
  Tensor<float, Cuda> between({size});
  set(between, number);
  cuda::launch(add_each, 4, 256, 0, std::as_const(between).data(), to.data());
}

}  // namespace

TEST_CASE("what a captured step replays into is not given back to the device while the step may be replayed") {
  const auto statistics = [] { return cuda::DevicePool::instance().statistics(cuda::device()); };
  Tensor<float, Cuda> sum({size});
  set(sum, 0);
  {
    Rng rng{1};
    cuda::StepGraph graph(rng, [&] { add_through(sum, 5), add_through(sum, 7); });
    cuda::DevicePool::instance().trim(cuda::device());
    Tensor<float, Cuda> first({size}), second({size});
    set(first, 2), set(second, 3);
    graph.replay(rng);
    CHECK(to_vector(sum) == filled(12));
    CHECK(to_vector(first) == filled(2));
    CHECK(to_vector(second) == filled(3));
  }
  cuda::DevicePool::instance().trim(cuda::device());
  CHECK(statistics().held == statistics().in_use);
}

TEST_CASE("a step can be captured while other threads begin to use the device, and release what it has made") {
  Tensor<float, Cuda> sum({size}), given({size}), kept({size});
  set(sum, 1), set(given, 4);
  std::vector<float> seen;
  Rng rng{1};
  cuda::StepGraph graph(rng, [&] {
    add_through(sum, 5);
    std::thread([&] {
      Tensor<float, Cuda> own({size});
      set(own, 3);
      cuda::launch(add_each, 4, 256, 0, std::as_const(given).data(), own.data());  // launched before: 4
      seen = to_vector(own);
      Cuda::copy(kept.data(), given.data(), size * sizeof(float));  // under way still when `given` is lent again
      given = {};
      cuda::DevicePool::instance().trim(cuda::device());
    }).join();
    add_through(sum, 6);
  });
  CHECK(seen == filled(7));
  Tensor<float, Cuda> next({size});  // may lie where `given` was
  set(next, 9);
  graph.replay(rng);
  CHECK(to_vector(sum) == filled(12));
  CHECK(to_vector(kept) == filled(4));
  graph.replay(rng);
  CHECK(to_vector(sum) == filled(23));
  CHECK(to_vector(next) == filled(9));
}

TEST_CASE("a step may release what another thread has made") {
  Tensor<float, Cuda> sum({size});
  set(sum, 0);
  std::thread([&] {
    Tensor<float, Cuda> given({size});
    set(given, 4);
    cuda::synchronize();
    std::thread([&] {
      Rng rng{1};
      cuda::StepGraph graph(rng, [&] {
        add_through(sum, 5);
        given = {};
      });
      graph.replay(rng);
    }).join();
    Tensor<float, Cuda> next({size});  // may lie where `given` was
    set(next, 9);
    CHECK(to_vector(next) == filled(9));
  }).join();
  CHECK(to_vector(sum) == filled(5));
}

TEST_CASE("weights that a captured step changes, or releases for others, are laid out anew, and otherwise once") {
  constexpr Window window{.kernel = 3, .padding = 1};
  Rng rng{1};
  const auto x = normal<float, Cuda>({1, 4, 4, 2}, rng);
  const auto w = normal<float, Cuda>({3, 3, 2, 4}, rng);
  const Tensor<float, Cuda> changing = w.clone(), other = affine(w, 8, 0);
  std::vector<Tensor<float, Cuda>> y;
  const auto convolve = [&](const Tensor<float, Cuda>& by) { y.push_back(conv(x, by, None{}, window)); };
  cuda::StepGraph graph(rng, [&] {
    convolve(changing), convolve(changing);
    map_into(changing, function::Plus{}, changing, changing);
    convolve(changing);
    for (const float factor : {-1.0F, 4.0F}) convolve(affine(w, factor, 0));  // the second may lie where the first did
    convolve(other);  // and this, in another order, not there: the kernel that writes it runs before
    Cuda::copy(const_cast<float*>(changing.data()), w.data(), static_cast<std::size_t>(w.size()) * sizeof(float));
    convolve(changing);
  });
#ifdef FLIPBOOK_CUDA_EMULATED
  emulated::launches();
  graph.replay(rng);
  const auto launched = emulated::launches();
  CHECK(launched.at("transpose_noted<float>") == 3);
  CHECK(launched.at("transpose<float>") == 2);
#else
  graph.replay(rng);
#endif
  const Tensor<float> once = to<Cpu>(y[0]);
  int i = 0;
  for (const float factor : {1.0F, 1.0F, 2.0F, -1.0F, 4.0F, 8.0F, 1.0F})
    CHECK(to_vector(y[static_cast<std::size_t>(i++)]) == to_vector(affine(once, factor, 0)));
}

namespace {
/// The gradient of Σ sin(…) of a convolution with w that is done `times` times in a row, in w.
template <class B>
Tensor<float, B> gradient_of_uses(int times, const Tensor<float, B>& x, const Tensor<float, B>& w) {
  Tape tape;
  const auto weights = tape.variable(w);
  auto y = tape.variable(x);
  for (int i = 0; i < times; ++i) y = sin(conv(y, weights, None{}, Window{.kernel = 3, .padding = 1}));
  return tape.gradient(sum(y), weights);
}
}  // namespace

TEST_CASE("a captured step lays out gradients of weights in time for whatever reads them") {
  Rng rng{1};
  const Tensor<float> x = normal<float>({1, 5, 4, 3}, rng), w = normal<float>({3, 3, 3, 3}, rng);
  const auto x_there = to<Cuda>(x), w_there = to<Cuda>(w);
  std::vector<Tensor<float, Cuda>> gradients;
  cuda::StepGraph graph(rng, [&] {
    const auto unread = gradient_of_uses(2, x_there, w_there);
    for (const int times : {4, 3, 2, 1}) gradients.push_back(gradient_of_uses(times, x_there, w_there));
  });
  for (int replays = 0; replays < 2; ++replays) {
    graph.replay(rng);
    for (const int times : {4, 3, 2, 1}) {
      const auto& there = gradients[static_cast<std::size_t>(4 - times)];
      CHECK(test::difference(to<Cpu>(there), gradient_of_uses(times, x, w)) < 1e-4);
    }
  }
}
