// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <flipbook/core/random.hpp>
#ifdef FLIPBOOK_CUDA
#include <flipbook/backend/cuda/graph/graph.hpp>
#endif

namespace flipbook::benchmark {

/// One step of training or one call of sampling, and what it takes by the definition of its layers.
struct Workload {
  std::string name;
  Index items;                                     ///< clips, frames or tokens of a call
  double gflop_an_item;                            ///< 10⁹ additions and multiplications, at borders too
  std::function<std::function<void()>()> prepare;  ///< makes the model and the data, and returns the call

  double gflop() const { return static_cast<double>(items) * gflop_an_item; }
};

/// 10⁹ additions and multiplications of a layer, at the border as elsewhere. `positions` are those of a convolution's
/// output, of a transposed convolution's input.
constexpr double gflop(double positions, double taps, double in, double out) {
  return 2e-9 * positions * taps * in * out;
}

/// Calls step(), which draws from rng; on Cuda it is captured after two calls and then replayed, as Trainer does.
template <class B, class Step>
std::function<void()> repeated([[maybe_unused]] std::shared_ptr<Rng> rng, const Step& step) {
#ifdef FLIPBOOK_CUDA
  if constexpr (std::same_as<B, Cuda>) {
    return [rng, step, calls = 0, graph = std::shared_ptr<cuda::StepGraph>()]() mutable {
      if (calls++ < 2) return step();
      if (graph == nullptr) graph = std::make_shared<cuda::StepGraph>(*rng, step);
      graph->replay(*rng);
    };
  }
#endif
  return step;
}

}  // namespace flipbook::benchmark
