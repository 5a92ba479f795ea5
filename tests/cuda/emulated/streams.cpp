// SPDX-License-Identifier: MIT
// The emulated runtime's streams, events and graphs: queues that run only when somebody waits for them, and lists of
// what was captured. What runs a kernel is in blocks.cpp.
#include <cstdlib>

#include "state.hpp"

namespace emulated {

void drain(Stream& stream, std::size_t until) {
  while (stream.run < until && !stream.tasks.empty()) {
    const Task task = std::move(stream.tasks.front());
    stream.tasks.pop_front();
    ++stream.run;
    if (task.awaited != nullptr) {
      drain(*task.awaited, task.until);
    } else {
      const Opened opened(stream.device);
      task.work();
    }
  }
}
void drain_all(int device) {
  for (std::size_t i = 0; i < streams.size(); ++i) {
    if (streams[i]->device == device) drain(*streams[i], streams[i]->queued);
  }
}
cudaError_t spoil(Stream& stream, cudaError_t error) {
  stream.invalidated = true;
  return error;
}
cudaError_t wait_for_device(int device) {
  cudaError_t error = cudaSuccess;
  for (Stream* const stream : streams) {
    if (stream->device == device && stream->capture) error = spoil(*stream);
  }
  return error;
}
cudaError_t may_wait() {
  cudaError_t error = cudaSuccess;
  for (Stream* const stream : streams) {
    const bool forbids =
        stream->mode == cudaStreamCaptureModeGlobal ||
        (stream->mode == cudaStreamCaptureModeThreadLocal && stream->capturer == std::this_thread::get_id());
    if (stream->capture && forbids) error = spoil(*stream);
  }
  return error;
}

namespace {
bool blocking() {
  const char* const setting = std::getenv("CUDA_LAUNCH_BLOCKING");
  return setting != nullptr && setting[0] == '1';
}
}  // namespace

cudaError_t push(Stream* stream, Task task) {
  if (faulted) return cudaErrorIllegalAddress;
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;  // the library never uses the default stream
  if (stream->capture) {
    stream->capture->tasks.push_back(std::move(task));
    return cudaSuccess;
  }
  stream->tasks.push_back(std::move(task));
  ++stream->queued;
  if (blocking()) drain(*stream, stream->queued);
  return cudaSuccess;
}

cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) {
  const std::lock_guard lock(mutex);
  return status(push(stream, {std::move(work)}));
}

}  // namespace emulated

using namespace emulated;

cudaError_t cudaDeviceSynchronize() {
  const std::lock_guard lock(mutex);
  if (faulted) return status(cudaErrorIllegalAddress);
  if (const cudaError_t error = wait_for_device(current)) return status(error);
  drain_all(current);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const std::lock_guard lock(mutex);
  if (const cudaError_t error = usable()) return status(error);
  *stream = new Stream{current};
  streams.push_back(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  drain(*stream, stream->queued);
  std::erase(streams, stream);
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (faulted) return status(cudaErrorIllegalAddress);
  if (stream->capture) return status(spoil(*stream));
  drain(*stream, stream->queued);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const std::lock_guard lock(mutex);
  if (event->stream == nullptr) return cudaSuccess;
  if (stream->capture) return status(spoil(*stream, cudaErrorStreamCaptureIsolation));
  return status(push(stream, {{}, event->stream, event->until}));
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  if (const cudaError_t error = usable()) return status(error);
  *event = new Event;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (faulted) return status(cudaErrorIllegalAddress);
  if (stream->capture) return status(spoil(*stream));  // who waits for it would be captured too
  *event = {stream, stream->queued};
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const std::lock_guard lock(mutex);
  if (faulted) return status(cudaErrorIllegalAddress);
  if (event->stream != nullptr) drain(*event->stream, event->until);
  return cudaSuccess;
}
// A task takes a millisecond.
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  const std::lock_guard lock(mutex);
  if (begin->stream == nullptr || begin->stream != end->stream) return status(cudaErrorInvalidResourceHandle);
  if (end->stream->run < end->until) return status(cudaErrorNotReady);
  *milliseconds = static_cast<float>(end->until - begin->until);
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const std::lock_guard lock(mutex);
  if (stream->capture) return status(cudaErrorStreamCaptureUnsupported);
  stream->capture = std::make_unique<Graph>();
  stream->invalidated = false;
  stream->mode = mode, stream->capturer = std::this_thread::get_id();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const std::lock_guard lock(mutex);
  if (!stream->capture) return status(cudaErrorInvalidValue);
  if (stream->invalidated) {
    stream->capture.reset();
    *graph = nullptr;
    return status(cudaErrorStreamCaptureInvalidated);
  }
  *graph = stream->capture.release();
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new Graph(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  for (const Task& task : exec->tasks) {
    if (const cudaError_t error = push(stream, task)) return status(error);
  }
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}
