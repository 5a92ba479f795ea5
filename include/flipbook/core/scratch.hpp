// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <flipbook/core/memory.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// An uninitialised workspace of `count` elements from a backend's pool, freed at the end of its scope.
template <class T, class B>
class Scratch {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  explicit Scratch(Index count)
      : bytes_(static_cast<std::size_t>(count) * sizeof(T)), data_(static_cast<T*>(B::allocate(bytes_))) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { B::release(data_, bytes_); }
  T* data() const noexcept { return data_; }
  T* operator+(Index offset) const noexcept { return data_ + offset; }
  T& operator[](Index i) const noexcept { return data_[i]; }

 private:
  std::size_t bytes_;
  T* data_;
};

}  // namespace flipbook
