// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/resample/grid_sample.hpp>
#include <flipbook/backend/cpu/resample/resample.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

using flipbook::Blocks;

template <class T>
void repeat_blocks(Cpu, const Blocks& blocks, const Tensor<T, Cpu>& x, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) from_library<"repeat_blocks">(repeat_blocks<T>)(Cpu{}, blocks, x, y);
  else cpu::repeat_blocks(blocks, x.data(), y.data());
}
template <class T>
void sum_blocks(Cpu, const Blocks& blocks, const Tensor<T, Cpu>& x, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) from_library<"sum_blocks">(sum_blocks<T>)(Cpu{}, blocks, x, y);
  else cpu::sum_blocks(blocks, x.data(), y.data());
}
template <class T>
void largest_of_blocks(Cpu, const Blocks& blocks, const Tensor<T, Cpu>& x, Tensor<std::int64_t, Cpu>& index) {
  if constexpr (compiled<T>) from_library<"largest_of_blocks">(largest_of_blocks<T>)(Cpu{}, blocks, x, index);
  else cpu::largest_of_blocks(blocks, x.data(), index.data());
}
/// y[i] = x[index[i]].
template <class T>
void take(Cpu, const Tensor<std::int64_t, Cpu>& index, const Tensor<T, Cpu>& x, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) {
    from_library<"take">(take<T>)(Cpu{}, index, x, y);
  } else {
    parallel_for(y.size(), cpu::map_grain,
                 [&, from = x.data(), to = y.data(), at = index.data()](Index first, Index last) {
                   for (Index i = first; i < last; ++i) to[i] = from[at[i]];
                 });
  }
}
/// y[index[i]] = x[i] and 0 elsewhere, for distinct indices.
template <class T>
void put(Cpu, const Tensor<std::int64_t, Cpu>& index, const Tensor<T, Cpu>& x, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) {
    from_library<"put">(put<T>)(Cpu{}, index, x, y);
  } else {
    std::fill(y.begin(), y.end(), T(0));
    parallel_for(x.size(), cpu::map_grain,
                 [&, from = x.data(), to = y.data(), at = index.data()](Index first, Index last) {
                   for (Index i = first; i < last; ++i) to[at[i]] = from[i];
                 });
  }
}
/// Resizes one axis of x from its extent to y's.
template <class T>
void interpolate(Cpu, int axis, const Tensor<T, Cpu>& x, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) {
    from_library<"interpolate">(interpolate<T>)(Cpu{}, axis, x, y);
  } else {
    const LinearTaps taps{x.extent(axis), y.extent(axis)};
    cpu::interpolate(x.shape().part(0, axis).size(), taps, x.shape().part(axis + 1, x.rank()).size(), x.data(),
                     y.data());
  }
}
/// The adjoint of `interpolate`, from y's extent to x's.
template <class T>
void interpolate_adjoint(Cpu, int axis, const Tensor<T, Cpu>& y, Tensor<T, Cpu>& x) {
  if constexpr (compiled<T>) {
    from_library<"interpolate_adjoint">(interpolate_adjoint<T>)(Cpu{}, axis, y, x);
  } else {
    const LinearTaps taps{x.extent(axis), y.extent(axis)};
    cpu::interpolate_adjoint(x.shape().part(0, axis).size(), taps, x.shape().part(axis + 1, x.rank()).size(), y.data(),
                             x.data());
  }
}
/// y[n, s, :]: the frames x sampled at the positions grid[n, s].
template <class T>
void grid_sample(Cpu, const Sampling& how, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& grid, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) from_library<"grid_sample">(grid_sample<T>)(Cpu{}, how, x, grid, y);
  else cpu::grid_sample(how, x.data(), grid.data(), y.data());
}
/// The adjoint with respect to x: adds each sample, weighted, to the pixels that it read, in the order of samples.
template <class T>
void grid_sample_adjoint(Cpu, const Sampling& how, const Tensor<T, Cpu>& y, const Tensor<T, Cpu>& grid,
                         Tensor<T, Cpu>& x) {
  if constexpr (compiled<T>) from_library<"grid_sample_adjoint">(grid_sample_adjoint<T>)(Cpu{}, how, y, grid, x);
  else cpu::grid_sample_adjoint(how, y.data(), grid.data(), x.data());
}
/// The gradient of Σ dy · y with respect to the positions.
template <class T>
void grid_sample_positions(Cpu, const Sampling& how, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& grid,
                           const Tensor<T, Cpu>& dy, Tensor<T, Cpu>& dgrid) {
  if constexpr (compiled<T>) {
    from_library<"grid_sample_positions">(grid_sample_positions<T>)(Cpu{}, how, x, grid, dy, dgrid);
  } else {
    cpu::grid_sample_positions(how, x.data(), grid.data(), dy.data(), dgrid.data());
  }
}

}  // namespace flipbook::kernel
