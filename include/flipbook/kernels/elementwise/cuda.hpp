// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <flipbook/backend/cuda/elementwise/map.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// y = f(x…), element by element; all of one shape.
template <class T, class F, class... X>
void map(Cuda, const F& f, Tensor<T, Cuda>& y, const X&... x) {
  cuda::map(f, y.size(), y.data(), x.data()...);
}

/// y ← f(y, x) for each (f, y, x), in one launch.
template <class Change>
void change_each(Cuda, std::vector<Change>& changes) {
  using T = typename decltype(Change::y)::Scalar;
  cuda::Changes<decltype(Change::f), T> list;
  for (Change& change : changes) list.add({change.f, change.y.size(), change.y.data(), change.x.data()});
  list.run();
}

/// y = f(a, b), where a and b broadcast to the shape of y.
template <class T, class F>
void map_broadcast(Cuda, const F& f, Tensor<T, Cuda>& y, const Tensor<T, Cuda>& a, const Tensor<T, Cuda>& b) {
  cuda::map_broadcast(f, y.shape(), y.data(), a.shape(), a.data(), b.shape(), b.data());
}

}  // namespace flipbook::kernel
