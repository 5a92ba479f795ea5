// SPDX-License-Identifier: MIT
#pragma once

#include <fstream>
#include <optional>
#include <string>

#include <flipbook/core/parallel.hpp>
#include <flipbook/core/tensor.hpp>

/// Where a program computes. The rest of it is written over a backend, and compiled for each that there is.
namespace flipbook::examples {

/// The number of the CUDA device that --device names: 0 for "cuda", N for "cuda:N", none for "cpu".
/// @throws Error  where it is none of these
std::optional<int> cuda_device(const std::string& name);

/// Calls body(Cpu{}), or body(Cuda{}) with that device selected.
/// @throws Error  if this program was not built for CUDA devices, or there is no such device
template <class Body>
void on_device(std::optional<int> number, const Body& body) {
  if (!number.has_value()) return body(Cpu{});
#ifdef FLIPBOOK_CUDA
  const int count = cuda::device_count();
  require(count > 0, "--device cuda: no CUDA device answers here");
  require(*number < count, "--device cuda:", *number, ": there are ", count, " CUDA devices, the first of them cuda:0");
  cuda::select(*number);
  body(Cuda{});
#else
  fail(
      "--device cuda: this program was built without CUDA; where the CUDA Toolkit is, cmake --preset cuda and "
      "cmake --build build/cuda build the examples with it");
#endif
}

/// An instantiation of a function template over a model, for each backend. A program of several models has one in a
/// file each, `template void train_gan`, and says so where it calls them, `extern template void train_gan`: they
/// compile side by side.
#ifdef FLIPBOOK_CUDA
#define FLIPBOOK_ON_EACH_BACKEND(function, Model, arguments) \
  function<Model, Cpu> arguments;                            \
  function<Model, Cuda> arguments;
#else
#define FLIPBOOK_ON_EACH_BACKEND(function, Model, arguments) function<Model, Cpu> arguments;
#endif

/// The processor's name, as the system tells it, and how many threads compute.
inline std::string machine(Cpu) {
  std::string name = "a machine that does not tell its name";
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (!line.starts_with("model name") || line.find(": ") == std::string::npos) continue;
    name = line.substr(line.find(": ") + 2);
    break;
  }
  return name + ", " + std::to_string(threads()) + (threads() == 1 ? " thread" : " threads");
}
#ifdef FLIPBOOK_CUDA
/// The selected device's name.
inline std::string machine(Cuda) { return cuda::properties().name; }
#endif

}  // namespace flipbook::examples
