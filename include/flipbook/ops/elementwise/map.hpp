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

/// Sets y to f(x…) element by element in place, for buffers and parameters. y may be among x. Nothing is recorded. f
/// must accept vectors.
/// @throws Error  if the shapes differ
template <class F, Real T, class B, class... X>
void map_into(Tensor<T, B> y, const F& f, const X&... x) {
  (require(x.shape() == y.shape(), "map_into: shapes ", y.shape(), " and ", x.shape(), " differ"), ...);
  kernel::map(B{}, f, y, x...);
}

/// f(x…), element by element over tensors of one shape. Nothing is recorded. f must accept vectors.
/// @throws Error  if the shapes differ
template <class F, Real T, class B, class... X>
Tensor<T, B> map(const F& f, const Tensor<T, B>& x, const X&... more) {
  Tensor<T, B> y(x.shape());
  map_into(y, f, x, more...);
  return y;
}

/// Sets y to f(y, x) in place for several tensors, in one launch on a device; an argument of Tape::defer.
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

  /// Appends the changes of `later`, unless one of them changes a tensor that is already in this list.
  /// @return  whether they were appended
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
