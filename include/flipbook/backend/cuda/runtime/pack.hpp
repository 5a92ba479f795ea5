// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>

#include <flipbook/backend/cuda/runtime/launch.hpp>
#include <flipbook/core/scalar.hpp>

#ifdef FLIPBOOK_CUDA_EMULATED  // a device checks alignment itself
#define FLIPBOOK_DEMAND_ALIGNED(address, bytes) emulated::demand_aligned(address, bytes)
#else
#define FLIPBOOK_DEMAND_ALIGNED(address, bytes)
#endif

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// N adjacent elements, read and written in one access.
template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  T lane[N];
};

template <int N, class T>
__device__ Pack<T, N> load(const T* from) {
  FLIPBOOK_DEMAND_ALIGNED(from, sizeof(Pack<T, N>));
  return *reinterpret_cast<const Pack<T, N>*>(from);
}
template <int N, class T>
__device__ void store(const Pack<T, N>& v, T* to) {
  FLIPBOOK_DEMAND_ALIGNED(to, sizeof(Pack<T, N>));
  *reinterpret_cast<Pack<T, N>*>(to) = v;
}

/// to[i] = f(i), converted to T, for the elements i of one pack.
template <int N, class T, class F>
__device__ void store_each(T* to, const F& f) {
  Pack<T, N> v;
#pragma unroll
  for (int i = 0; i < N; ++i) v.lane[i] = static_cast<T>(f(i));
  store(v, to);
}

/// The number of T in a 16-byte access.
template <class T>
inline constexpr int pack_size = 16 / static_cast<int>(sizeof(T));

/// Whether all of these addresses are aligned for packs.
template <class... T>
bool aligned(const T*... at) {
  return ((std::bit_cast<std::uintptr_t>(at) % 16 == 0) && ...);
}

/// Calls body.template operator()<N>() with N = pack_size<T> if rows of `n` elements from all the pointers begin at
/// multiples of 16 bytes, and with 1 otherwise.
template <class T, class Body, class... P>
void with_packs(Index n, const Body& body, const P*... each) {
  if (n % pack_size<T> == 0 && aligned(each...)) body.template operator()<pack_size<T>>();
  else body.template operator()<1>();
}

/// Calls body(i) for every i = 0, N, 2N … below `count`, distributed over the threads of the grid.
template <int N, class Body>
__device__ void each_pack(Index count, const Body& body) {
  for (Index i = thread_number() * N; i < count; i += thread_count() * N) body(i);
}

/// Launches a kernel with a thread for each of `count` units of work, or for several of them.
template <class... Parameters, class... Arguments>
void launch_each(void (*kernel)(Parameters...), Index count, const Arguments&... arguments) {
  launch(kernel, blocks_for(count), block_threads, 0, arguments...);
}

}  // namespace flipbook::cuda

#undef FLIPBOOK_DEMAND_ALIGNED
