// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

#include <flipbook/core/error.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/kernels/elementwise.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Sets y to f(x…), element by element, in the memory of y, which may be among x: for buffers and parameters, which
/// change in place. Nothing is recorded. f is written for vectors.
/// @throws Error  if the shapes differ
template <class F, Real T, class B, class... X>
void map_into(Tensor<T, B> y, const F& f, const X&... x) {
  (require(x.shape() == y.shape(), "map_into: shapes ", y.shape(), " and ", x.shape(), " differ"), ...);
  kernel::map(B{}, f, y, x...);
}

/// f(x…), element by element over tensors of one shape. Nothing is recorded. f is written for vectors.
/// @throws Error  if the shapes differ
template <class F, Real T, class B, class... X>
Tensor<T, B> map(const F& f, const Tensor<T, B>& x, const X&... more) {
  Tensor<T, B> y(x.shape());
  map_into(y, f, x, more...);
  return y;
}

/// Sets y to f(y, x) for several tensors in their memory, one launch on a device; as Tape::defer takes it.
template <class F, class T, class B>
class MapsInto {
 public:
  struct Change {
    F f;
    Tensor<T, B> y, x;
  };
  MapsInto() = default;
  MapsInto(std::initializer_list<Change> changes) : changes_(changes) {}

  void add(Change change) { changes_.push_back(std::move(change)); }

  /// Adds those of `later`, unless one of them changes what one of these does.
  /// @return  whether it has
  bool join(const MapsInto& later) {
    const auto after = [this](const Change& next) {
      return std::ranges::any_of(changes_, [&](const Change& known) { return known.y.data() == next.y.data(); });
    };
    if (std::ranges::any_of(later.changes_, after)) return false;
    changes_.insert(changes_.end(), later.changes_.begin(), later.changes_.end());
    return true;
  }
  void operator()() { kernel::change_each(B{}, changes_); }

 private:
  std::vector<Change> changes_;
};

}  // namespace flipbook
