// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>

#include <flipbook/core/scalar.hpp>

#ifdef _OPENMP
#include <omp.h>
#include <pthread.h>
#endif

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

// The one copy of a body that serial and parallel loops call: where a compiler inlines it twice, it may fuse
// other products with their sums in each, and results would differ in the last bit.
#if defined(__GNUC__) && !defined(__clang__)
#define FLIPBOOK_ONE_COPY [[gnu::noipa]]
#else
#define FLIPBOOK_ONE_COPY [[gnu::noinline]]
#endif
template <class Body, class... Place>
FLIPBOOK_ONE_COPY void once(const Body& body, Place... place) {
  body(place...);
}
#undef FLIPBOOK_ONE_COPY

#ifdef _OPENMP
/// A process that is forked has none of the threads that GCC's OpenMP would wait for: its loops run serially.
inline void serial_after_fork() {
  [[maybe_unused]] static const int noted = ::pthread_atfork(nullptr, nullptr, [] { omp_set_num_threads(1); });
}
#endif

}  // namespace detail

/// How many threads a parallel loop may use; 1 where the program is compiled without OpenMP.
inline int threads() noexcept {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

/// Sets the number of threads of parallel loops. Results do not depend on it.
inline void set_threads([[maybe_unused]] int count) noexcept {
#ifdef _OPENMP
  omp_set_num_threads(std::max(count, 1));
#endif
}

/// Calls `body(begin, end)` for disjoint pieces that cover [0, count). Every piece but the last is a
/// multiple of `grain`, the least work worth a thread, so results that depend on where a piece begins
/// do not depend on the number of threads when `grain` is a multiple of the unit of work. `body` must
/// not throw. Loops within a loop run serially, as do those of a forked process, until it calls set_threads: only what
/// had not run a loop before the fork may do so.
template <std::invocable<Index, Index> Body>
void parallel_for(Index count, Index grain, const Body& body) {
  if (count <= 0) return;
  [[maybe_unused]] const Index pieces = (count + grain - 1) / grain;
#ifdef _OPENMP
  if (pieces > 1 && !omp_in_parallel() && omp_get_max_threads() > 1) {
    detail::serial_after_fork();
#pragma omp parallel
    {
      const Index team = omp_get_num_threads(), me = omp_get_thread_num();
      const Index first = pieces * me / team * grain, last = std::min(count, pieces * (me + 1) / team * grain);
      if (first < last) detail::once(body, first, last);
    }
    return;
  }
#endif
  detail::once(body, Index{0}, count);
}

/// Calls `body(i)` for every i in [0, count), for pieces of unequal cost: each thread goes through a share of
/// neighbours, the same as in `parallel_for`, since what it wrote in the loop before lies in its own caches, and then
/// helps others with theirs. Which thread runs a piece is not determined, so pieces must not depend on each other.
template <std::invocable<Index> Body>
void parallel_tasks(Index count, const Body& body) {
#ifdef _OPENMP
  if (count > 1 && !omp_in_parallel() && omp_get_max_threads() > 1) {
    detail::serial_after_fork();
    struct alignas(64) Share {
      std::atomic<Index> next;
      Index last;
    };
    constexpr Index most_shares = 64;
    std::array<Share, most_shares> all;
    const Index shares = std::min<Index>(most_shares, omp_get_max_threads());
    for (Index i = 0; i < shares; ++i) {
      Share& share = all[static_cast<std::size_t>(i)];
      share.next = count * i / shares, share.last = count * (i + 1) / shares;
    }
#pragma omp parallel
    for (Index i = 0; i < shares; ++i) {
      Share& share = all[static_cast<std::size_t>((omp_get_thread_num() + i) % shares)];
      for (Index task; (task = share.next.fetch_add(1, std::memory_order_relaxed)) < share.last;) {
        detail::once(body, task);
      }
    }
    return;
  }
#endif
  for (Index i = 0; i < count; ++i) detail::once(body, i);
}

}  // namespace flipbook
