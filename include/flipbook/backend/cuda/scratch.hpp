#pragma once

#include <type_traits>

#include <flipbook/backend/cuda/stream.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::cuda {

/// Uninitialised device memory for the length of a call, from the pool: what is launched before its end may use it.
template <class T>
class Scratch {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  explicit Scratch(Index count)
      : bytes_(static_cast<std::size_t>(count) * sizeof(T)), data_(static_cast<T*>(Cuda::allocate(bytes_))) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { Cuda::release(data_, bytes_); }
  T* data() const noexcept { return data_; }

 private:
  std::size_t bytes_;
  T* data_;
};

}  // namespace flipbook::cuda
