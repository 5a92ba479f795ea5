// SPDX-License-Identifier: MIT
// The emulated runtime's streams, events and graphs: queues that run only when somebody waits for them, and lists of
// what was captured. What runs a kernel is in blocks.cpp.
#include <cxxabi.h>
#include <dlfcn.h>

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
    } else if (task.work) {
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
std::map<std::pair<const char*, const void*>, int> launched;

// A kernel's name with its template's arguments, without namespaces.
std::string name_of(const void* kernel) {
  Dl_info found{};
  if (dladdr(kernel, &found) == 0 || found.dli_sname == nullptr) return "a kernel";
  char* const demangled = abi::__cxa_demangle(found.dli_sname, nullptr, nullptr, nullptr);
  std::string name = demangled == nullptr ? found.dli_sname : demangled;
  std::free(demangled);
  name.resize(std::min(name.size(), name.rfind('(')));
  std::string plain;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.compare(i, 2, "::") != 0) {
      plain += name[i];
      continue;
    }
    plain.resize(plain.find_last_of(" <(,") + 1);  // npos + 1: all of it
    ++i;
  }
  return plain.substr(plain.starts_with("void ") ? 5 : 0);
}

bool blocking() {
  const char* const setting = std::getenv("CUDA_LAUNCH_BLOCKING");
  return setting != nullptr && setting[0] == '1';
}
}  // namespace

void count_launch(const char* name, const void* kernel) { ++launched[{name, kernel}]; }

cudaError_t push(Stream* stream, Task task) {
  if (faulted) return cudaErrorIllegalAddress;
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;  // the library never uses the default stream
  if (stream->capture) {
    stream->capture->tasks.push_back(std::move(task));
    return cudaSuccess;
  }
  if (task.name != nullptr || task.kernel != nullptr) count_launch(task.name, task.kernel);
  stream->tasks.push_back(std::move(task));
  ++stream->queued;
  if (blocking()) drain(*stream, stream->queued);
  return cudaSuccess;
}

cudaError_t enqueue(cudaStream_t stream, const char* name, std::function<void()> work, const void* kernel) {
  const std::lock_guard lock(mutex);
  if (idle && (kernel == nullptr || not_idle == nullptr || name_of(kernel).find(not_idle) == std::string::npos))
    work = {};
  return status(push(stream, {std::move(work), name, kernel}));
}

std::map<std::string, int> launches() {
  const std::lock_guard lock(mutex);
  std::map<std::string, int> counts;
  for (const auto& [what, count] : std::exchange(launched, {}))
    counts[what.first != nullptr ? what.first : name_of(what.second)] += count;
  return counts;
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
  return status(push(stream, {.work = {}, .awaited = event->stream, .until = event->until}));
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
