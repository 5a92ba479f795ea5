#pragma once

#include <flipbook/backend/cpu/argmax.hpp>
#include <flipbook/backend/cpu/reduce.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

namespace detail {

/// Sums x over the axes where y has extent 1 and x has not, by middle(outer, reduced, inner, from, to) for each run of
/// neighbouring axes to sum over, x seen as (outer, reduced, inner).
template <class T, class B, class Middle>
void sum_runs(Tensor<T, B>& y, const Tensor<T, B>& x, const Middle& middle) {
  if (y.size() == 0) return;
  Shape shape = x.shape();
  Tensor<T, B> partial = x;
  for (int last = shape.rank(); last > 0;) {
    int first = last - 1;
    if (y.extent(first) == shape[first]) {
      last = first;
      continue;
    }
    while (first > 0 && y.extent(first - 1) != shape[first - 1]) --first;
    const Index outer = shape.part(0, first).size(), reduced = shape.part(first, last).size();
    const Index inner = shape.part(last, shape.rank()).size();
    for (int axis = first; axis < last; ++axis) shape[axis] = 1;
    Tensor<T, B> sum = shape == y.shape() ? y : Tensor<T, B>(shape);
    middle(outer, reduced, inner, std::as_const(partial).data(), sum.data());
    partial = std::move(sum);
    last = first;
  }
}

}  // namespace detail

/// y = Σ x over the axes where y, of the same rank, has extent 1 and x has not.
template <class T>
void sum_to(Cpu, Tensor<T, Cpu>& y, const Tensor<T, Cpu>& x) {
  detail::sum_runs(y, x, [](Index outer, Index reduced, Index inner, const T* from, T* to) {
    cpu::sum_middle(outer, reduced, inner, from, to);
  });
}

/// The first place of the largest number, or of the smallest, in each row of the last axis.
template <bool largest, class T>
void arg_extreme(Cpu, const Tensor<T, Cpu>& x, Tensor<std::int32_t, Cpu>& index) {
  cpu::arg_extreme<largest>(index.size(), x.extent(-1), x.data(), index.data());
}

}  // namespace flipbook::kernel
