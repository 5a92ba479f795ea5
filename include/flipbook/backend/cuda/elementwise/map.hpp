// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include <flipbook/kernels/elementwise/geometry.hpp>
#include <flipbook/backend/cuda/runtime/pack.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// out[i] = f(in[i]…), in packs of N; the rest one by one.
template <int N, class F, class T, class... In>
__global__ void map_packs(F f, Index count, T* out, const In*... in) {
  const Index packs = count / N;
  for (Index i = thread_number(); i < packs; i += thread_count()) {
    Pack<T, N> y;
    [&](const auto&... x) {
#pragma unroll
      for (int j = 0; j < N; ++j) y.lane[j] = static_cast<T>(f(static_cast<Wide<In>>(x.lane[j])...));
    }(load<N>(in + i * N)...);
    store(y, out + i * N);
  }
  const Index rest = packs * N + thread_number();
  if (rest < count) out[rest] = static_cast<T>(f(static_cast<Wide<In>>(in[rest])...));
}

/// out[i] = f(in[i]…), computed in Wide<T>; any of `in` may be `out`.
template <class T, class F, class... In>
void map(const F& f, Index count, T* out, const In*... in) {
  note_write(out, static_cast<std::size_t>(count) * sizeof(T));
  constexpr int n = pack_size<T>;
  if (count >= n && ((sizeof(In) == sizeof(T)) && ...) && aligned(out, in...)) {
    launch(map_packs<n, F, T, In...>, blocks_for(count, Index{n} * block_threads), block_threads, 0, f, count, out,
           in...);
  } else {
    launch(map_packs<1, F, T, In...>, blocks_for(count), block_threads, 0, f, count, out, in...);
  }
}

/// y[i] ← f(y[i], x[i]) for several arrays, in groups that fit into the parameters of a launch.
template <class F, class T>
class Changes {
 public:
  struct Change {
    F f;
    Index count;
    T* y;
    const T* x;
  };
  struct Group {
    static constexpr std::size_t most = 3072 / sizeof(Change);
    Change change[most];
  };

  void add(const Change& change) {
    note_write(change.y, static_cast<std::size_t>(change.count) * sizeof(T));
    if (count_ == Group::most) run();
    group_.change[count_++] = change;
    largest_ = std::max(largest_, change.count);
  }
  void run();

 private:
  Group group_;
  std::size_t count_ = 0;
  Index largest_ = 0;
};

/// Applies change blockIdx.y of the group.
template <class F, class T>
__global__ void change_each(const __grid_constant__ typename Changes<F, T>::Group group) {
  const auto& change = group.change[blockIdx.y];
  for (Index i = thread_number(); i < change.count; i += thread_count()) {
    change.y[i] = static_cast<T>(change.f(static_cast<Wide<T>>(change.y[i]), static_cast<Wide<T>>(change.x[i])));
  }
}

template <class F, class T>
void Changes<F, T>::run() {
  const dim3 grid(blocks_for(largest_), static_cast<unsigned>(count_));
  launch(change_each<F, T>, grid, block_threads, 0, group_);
  count_ = 0, largest_ = 0;
}

/// BroadcastPlan as a kernel's parameter, with extents and strides of type I, wide enough for all offsets.
template <class I>
struct DeviceBroadcast {
  int axes;
  I extent[BroadcastPlan::max_axes], a[BroadcastPlan::max_axes], b[BroadcastPlan::max_axes];

  explicit DeviceBroadcast(const BroadcastPlan& plan) : axes(plan.axes) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(axes); ++i) {
      extent[i] = static_cast<I>(plan.extent[i]), a[i] = static_cast<I>(plan.a[i]), b[i] = static_cast<I>(plan.b[i]);
    }
  }
};

/// The elements of an operand for N adjacent results: adjacent too, or one repeated.
template <int N, class T>
__device__ Pack<T, N> operand(const T* from, bool repeated) {
  if (!repeated) return load<N>(from);
  Pack<T, N> same;
#pragma unroll
  for (int j = 0; j < N; ++j) same.lane[j] = *from;
  return same;
}

template <int N, class F, class T, class I>
__global__ void map_broadcast_packs(F f, DeviceBroadcast<I> plan, I packs, T* out, const T* a, const T* b) {
  for (Index at = thread_number(); at < static_cast<Index>(packs); at += thread_count()) {
    I rest = static_cast<I>(at) * N, at_a = 0, at_b = 0;
    for (int axis = 0; axis < plan.axes; ++axis) {
      const I i = axis + 1 == plan.axes ? rest : rest % plan.extent[axis];
      rest /= plan.extent[axis];
      at_a += i * plan.a[axis], at_b += i * plan.b[axis];
    }
    const Pack<T, N> x = operand<N>(a + at_a, plan.a[0] == 0), y = operand<N>(b + at_b, plan.b[0] == 0);
    Pack<T, N> z;
#pragma unroll
    for (int j = 0; j < N; ++j) {
      z.lane[j] = static_cast<T>(f(static_cast<Wide<T>>(x.lane[j]), static_cast<Wide<T>>(y.lane[j])));
    }
    store(z, out + at * N);
  }
}

namespace detail {

using Strides = std::array<Index, BroadcastPlan::max_axes>;

// Whether n adjacent results always read n adjacent elements of an operand, at a multiple of n, or one element.
inline bool packs_fit(const BroadcastPlan& plan, const Strides& stride, int n) {
  bool fit = plan.extent[0] % n == 0;
  for (std::size_t axis = 1; axis < static_cast<std::size_t>(plan.axes); ++axis) {
    fit = fit && (stride[0] == 0 || stride[axis] % n == 0);
  }
  return fit;
}

template <int N, class I, class F, class T>
void map_broadcast(const F& f, const BroadcastPlan& plan, Index size, T* out, const T* a, const T* b) {
  const Index packs = size / N;
  launch(map_broadcast_packs<N, F, T, I>, blocks_for(packs), block_threads, 0, f, DeviceBroadcast<I>(plan),
         static_cast<I>(packs), out, a, b);
}

}  // namespace detail

/// out = f(a, b) where a and b broadcast to the shape of `out`, right-aligned as usual.
template <class T, class F>
void map_broadcast(const F& f, const Shape& shape, T* out, const Shape& a_shape, const T* a, const Shape& b_shape,
                   const T* b) {
  if (a_shape == shape && b_shape == shape) return map(f, shape.size(), out, a, b);
  const BroadcastPlan plan(shape, a_shape, b_shape);
  const Index size = shape.size();
  if (size == 0) return;
  constexpr int n = pack_size<T>;
  const bool packs = aligned(out) && (plan.a[0] == 0 || aligned(a)) && (plan.b[0] == 0 || aligned(b)) &&
                     detail::packs_fit(plan, plan.a, n) && detail::packs_fit(plan, plan.b, n);
  const bool narrow = size <= std::numeric_limits<std::int32_t>::max();
  if (packs && narrow) return detail::map_broadcast<n, std::uint32_t>(f, plan, size, out, a, b);
  if (packs) return detail::map_broadcast<n, std::uint64_t>(f, plan, size, out, a, b);
  if (narrow) return detail::map_broadcast<1, std::uint32_t>(f, plan, size, out, a, b);
  detail::map_broadcast<1, std::uint64_t>(f, plan, size, out, a, b);
}

}  // namespace flipbook::cuda
