// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>

#include <flipbook/backend/cuda/random/random.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// A kernel's argument that differs between replays of a captured step, such as the numbers of an optimiser's step:
/// `varying(x)` at the launch, `.value()` in the kernel.
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

/// Whether nothing is to be launched, because only the values of the next replay are being written.
inline bool refreshing() { return queue().capture != nullptr && queue().capture->refreshing(); }

/// A training step as one launch. The launches of a step on the calling thread's stream are captured once and then
/// replayed, without the host's work for each operation. Values that differ between steps are written to the device
/// before each replay: random streams split from the step's own, and the numbers of optimisers' steps. Decisions of
/// the host that depend on values on the device cannot be captured.
class StepGraph {
 public:
  /// Captures step(), which draws from `rng` and from streams split from it. Nothing is computed before `replay`, whose
  /// first call does not advance again what the capture has advanced.
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

  /// Runs the step with random numbers from `rng`, which advances as in the step, and waits for its end.
  /// @throws Error  if the launch fails, or what the functions of `Capture::after_replay` throw
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

  /// The value of a placeholder (`Capture::promise`) after the last replay; any other number is returned unchanged.
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
  bool fresh_ = true;  // the first replay uses the table that the capture wrote
};

}  // namespace flipbook::cuda
