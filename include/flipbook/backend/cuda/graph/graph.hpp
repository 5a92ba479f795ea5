// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>

#include <flipbook/backend/cuda/random/random.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// A value that kernels take and that differs from one replay of a captured step to the next, such as the numbers of
/// an optimiser's step: `varying(x)` where a kernel is launched, `.value()` in it.
template <class F>
struct Varying {
  F now;
  const F* replayed = nullptr;
  __device__ F value() const { return replayed == nullptr ? now : *replayed; }
};

template <class F>
Varying<F> varying(const F& now) {
  static_assert(std::is_trivially_copyable_v<F>);
  Capture* const capture = queue().capture;
  if (capture == nullptr) return {now};
  return {now, static_cast<const F*>(capture->vary(&now, sizeof(F)))};
}

/// Whether this is no launch, but the numbers of one are asked for that a graph is about to replay.
inline bool refreshing() { return queue().capture != nullptr && queue().capture->refreshing(); }

/// A training step as one launch. What a step launches on the calling thread's stream is captured once and replayed
/// from then on, without the host's work for each operation. What differs from step to step is written to the device
/// before each replay: random streams split from the step's own, and the numbers of optimisers' steps. What the host
/// decides by values on the device cannot be captured.
class StepGraph {
 public:
  /// Captures step(), which draws from `rng` and from streams split from it. Nothing is computed: `replay` follows, the
  /// first time without moving on what the capture has moved on.
  /// @throws Error  if the step cannot be captured; the stream is usable then
  template <class Step>
  StepGraph(Rng& rng, const Step& step) : queue_(cuda::queue()), capture_(device(), queue_.stream, rng) {
    begin();
    try {
      step();
      capture_.end_of(rng);
    } catch (...) {
      abandon();
      throw;
    }
    end();
  }
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;
  ~StepGraph() {
    cudaStreamSynchronize(queue_.stream);
    if (exec_ != nullptr) cudaGraphExecDestroy(exec_);
    capture_.free();
    DevicePool::instance().merge(*arena_, *queue_.arena);
  }

  /// Runs the step, drawing from `rng`, which moves on as the step would have moved it; waits for its end.
  /// @throws whatever the step has asked for (`Capture::after_replay`)
  void replay(Rng& rng) {
    if (!std::exchange(fresh_, false)) {
      queue_.capture = &capture_;
      try {
        capture_.refresh(rng);
      } catch (...) {
        queue_.capture = nullptr;
        throw;
      }
      queue_.capture = nullptr;
    }
    capture_.upload();
    check(cudaGraphLaunch(exec_, queue_.stream), "a captured step");
    check(cudaStreamSynchronize(queue_.stream), "a captured step");
    capture_.finish();
  }

  /// A number that the step promised (`Capture::promise`), as the last replay left it; any other as it is.
  double kept(double number) const noexcept { return capture_.kept(number); }

 private:
  void begin() {
    arena_ = &DevicePool::instance().add(*queue_.timeline, true);
    queue_.captured = arena_;
    queue_.capture = &capture_;
    const cudaError_t status = DevicePool::instance().begin_capture(*queue_.timeline);
    Derived::of_thread() = &derived_;
    if (status == cudaSuccess) return;
    abandon();
    check(status, "capture");
  }
  void end() {
    forget_derived();
    queue_.captured = nullptr, queue_.capture = nullptr;
    cudaGraph_t graph = nullptr;
    cudaError_t status = DevicePool::instance().end_capture(*queue_.timeline, &graph);
    if (status == cudaSuccess) {
      status = cudaGraphInstantiate(&exec_, graph, 0);
      cudaGraphDestroy(graph);
    }
    if (status == cudaSuccess) return;
    capture_.free();
    DevicePool::instance().merge(*arena_, *queue_.arena);
    check(status, "capture");
  }
  void forget_derived() noexcept {
    Derived::of_thread() = nullptr;
    derived_.forget_all();
  }
  void abandon() noexcept {
    forget_derived();
    cudaGraph_t graph = nullptr;
    DevicePool::instance().end_capture(*queue_.timeline, &graph);
    if (graph != nullptr) cudaGraphDestroy(graph);
    cudaGetLastError();
    queue_.captured = nullptr, queue_.capture = nullptr;
    capture_.free();
    DevicePool::instance().merge(*arena_, *queue_.arena);
  }

  Queue& queue_;
  Capture capture_;
  Derived derived_;
  Arena* arena_ = nullptr;
  cudaGraphExec_t exec_ = nullptr;
  bool fresh_ = true;  // what the capture wrote is what the first run needs
};

}  // namespace flipbook::cuda
