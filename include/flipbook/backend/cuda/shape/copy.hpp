// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <flipbook/kernels/shape/geometry.hpp>
#include <flipbook/backend/cuda/runtime/pack.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// CopyPlan as a kernel's parameter, with extents and strides of type I, wide enough for all offsets.
template <class I>
struct DeviceCopy {
  int axes;
  I extent[CopyPlan::max_axes], from[CopyPlan::max_axes], to[CopyPlan::max_axes];

  explicit DeviceCopy(const CopyPlan& plan) : axes(static_cast<int>(plan.axes)) {
    for (std::size_t i = 0; i < plan.axes; ++i) {
      extent[i] = static_cast<I>(plan.extent[i]);
      from[i] = static_cast<I>(plan.from[i]), to[i] = static_cast<I>(plan.to[i]);
    }
  }
  /// The offsets in both memories of index `place` of the plan, counted innermost axis first.
  __device__ void find(I place, I& at_from, I& at_to) const {
    at_from = at_to = 0;
    for (int axis = axes - 1; axis >= 0; --axis) {
      const I i = axis == 0 ? place : place % extent[axis];
      place /= extent[axis];
      at_from += i * from[axis], at_to += i * to[axis];
    }
  }
};

template <class T, class I>
__global__ void copy_each(DeviceCopy<I> plan, I size, const T* from, T* to) {
  for (Index place = thread_number(); place < static_cast<Index>(size); place += thread_count()) {
    I at_from, at_to;
    plan.find(static_cast<I>(place), at_from, at_to);
    to[at_to] = from[at_from];
  }
}

/// The side of the squares of a transpose.
inline constexpr int square_side = 32;

/// to[row · row_to + column] = from[row + column · column_from] for every index of `outer`. A block copies one square
/// at a time through shared memory, so that both its reads and its writes are contiguous.
template <class T, class I>
__global__ void copy_squares(DeviceCopy<I> outer, I rows, I columns, I row_to, I column_from, I squares, const T* from,
                             T* to) {
  __shared__ T square[square_side][square_side + 1];
  const I down = (rows + square_side - 1) / square_side, across = (columns + square_side - 1) / square_side;
  for (Index at = blockIdx.x; at < static_cast<Index>(squares); at += gridDim.x) {
    const I place = static_cast<I>(at), top = place % down * square_side, left = place / down % across * square_side;
    I first_from, first_to;
    outer.find(place / down / across, first_from, first_to);
    __syncthreads();  // the last square has been written
    for (I y = threadIdx.y; y < square_side; y += blockDim.y) {
      const I row = top + threadIdx.x, column = left + y;
      if (row < rows && column < columns) square[y][threadIdx.x] = from[first_from + row + column * column_from];
    }
    __syncthreads();
    for (I y = threadIdx.y; y < square_side; y += blockDim.y) {
      const I row = top + y, column = left + threadIdx.x;
      if (row < rows && column < columns) to[first_to + row * row_to + column] = square[threadIdx.x][y];
    }
  }
}

namespace detail {

/// A type of `Bytes` bytes, as which elements of any type are copied.
template <std::size_t Bytes>
struct UnitOf {
  using Type = uint4;
};
template <>
struct UnitOf<8> {
  using Type = std::uint64_t;
};
template <>
struct UnitOf<4> {
  using Type = std::uint32_t;
};
template <>
struct UnitOf<2> {
  using Type = std::uint16_t;
};
template <>
struct UnitOf<1> {
  using Type = std::uint8_t;
};

/// The span of a plan in either memory, in elements, or its size if that is larger.
inline Index reach(const CopyPlan& plan) {
  Index from = 1, to = 1;
  for (std::size_t i = 0; i < plan.axes; ++i) {
    from += (plan.extent[i] - 1) * plan.from[i], to += (plan.extent[i] - 1) * plan.to[i];
  }
  return std::max({from, to, plan.size});
}

template <class T, class I>
void copy_narrow(const CopyPlan& plan, const T* from, T* to) {
  const std::size_t inner = plan.axes - 1;
  for (std::size_t axis = 0; axis < inner; ++axis) {
    if (plan.from[axis] != 1 || plan.to[inner] != 1) continue;
    const CopyPlan outer = plan.without(inner).without(axis);
    const Index rows = plan.extent[axis], columns = plan.extent[inner];
    const Index down = (rows + square_side - 1) / square_side, across = (columns + square_side - 1) / square_side;
    const Index squares = outer.size * down * across;
    const dim3 block(square_side, 8);
    return launch(copy_squares<T, I>, static_cast<unsigned>(std::min<Index>(squares, Index{1} << 20)), block, 0,
                  DeviceCopy<I>(outer), static_cast<I>(rows), static_cast<I>(columns), static_cast<I>(plan.to[axis]),
                  static_cast<I>(plan.from[inner]), static_cast<I>(squares), from, to);
  }
  launch(copy_each<T, I>, blocks_for(plan.size), block_threads, 0, DeviceCopy<I>(plan), static_cast<I>(plan.size), from,
         to);
}

template <class T>
void copy_units(const CopyPlan& plan, const T* from, T* to) {
  if (reach(plan) <= std::numeric_limits<std::int32_t>::max()) copy_narrow<T, std::uint32_t>(plan, from, to);
  else copy_narrow<T, std::uint64_t>(plan, from, to);
}

/// Converts the plan to units of `n` elements if contiguous rows begin and end at multiples of n in both memories.
/// @return  whether they do
inline bool in_units(CopyPlan& plan, Index n) {
  if (plan.axes == 0) return false;
  const std::size_t inner = plan.axes - 1;
  if (plan.from[inner] != 1 || plan.to[inner] != 1 || plan.extent[inner] % n != 0) return false;
  for (std::size_t i = 0; i < inner; ++i) {
    if (plan.from[i] % n != 0 || plan.to[i] % n != 0) return false;
  }
  for (std::size_t i = 0; i < inner; ++i) plan.from[i] /= n, plan.to[i] /= n;
  plan.extent[inner] /= n, plan.size /= n;
  return true;
}

}  // namespace detail

/// Copies from `from` to `to` by a plan.
template <class T>
void copy(CopyPlan plan, const T* from, T* to) {
  if (plan.size == 0) return;
  if (plan.axes == 0) plan.extent[0] = plan.from[0] = plan.to[0] = 1, plan.axes = 1;
  const auto as = [&]<std::size_t Bytes>(std::integral_constant<std::size_t, Bytes>) {
    using Unit = typename detail::UnitOf<Bytes>::Type;
    detail::copy_units(plan, reinterpret_cast<const Unit*>(from), reinterpret_cast<Unit*>(to));
  };
  const auto address = std::bit_cast<std::uintptr_t>(from) | std::bit_cast<std::uintptr_t>(to);
  if (address % 16 == 0 && detail::in_units(plan, 16 / static_cast<Index>(sizeof(T)))) {
    return as(std::integral_constant<std::size_t, 16>{});
  }
  as(std::integral_constant<std::size_t, sizeof(T)>{});
}

}  // namespace flipbook::cuda
