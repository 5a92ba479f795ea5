// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>

#include <flipbook/core/scalar.hpp>
#include <flipbook/core/thread_pool.hpp>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

// The one copy of a body that serial and parallel loops call. A compiler that inlines it twice may fuse different
// multiply-adds in each copy, and results would differ in the last bit.
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

}  // namespace detail

/// The number of threads of a parallel loop; 1 if the program is compiled without OpenMP.
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

namespace detail {

/// The calling thread's index in its parallel loop, from 0; 0 outside a loop.
inline int thread_number() noexcept {
#ifdef _OPENMP
  return std::max(ThreadPool::instance().thread_number(), 0);
#else
  return 0;
#endif
}

/// Whether the calling thread is in a parallel loop or in a user's parallel region.
inline bool in_parallel() noexcept {
#ifdef _OPENMP
  return omp_in_parallel() != 0 || ThreadPool::instance().thread_number() >= 0;
#else
  return false;
#endif
}

/// The number of threads for a loop of `count` pieces; 1 within another loop.
inline int team(Index count) noexcept {
  return count <= 1 || threads() == 1 || in_parallel() ? 1 : static_cast<int>(std::min<Index>(count, threads()));
}

/// Calls `body(i)` for every i in [0, count) on `team` threads.
template <class Body>
void share([[maybe_unused]] Index count, [[maybe_unused]] int team, [[maybe_unused]] const Body& body) {
#ifdef _OPENMP
  ThreadPool::instance().share(
      count, team, [](const void* at, Index i) { (*static_cast<const Body*>(at))(i); }, &body);
#endif
}

/// Pieces of a loop per thread. If a thread starts late, others take its remaining pieces.
inline constexpr Index pieces_for_each = 4;

}  // namespace detail

/// Calls `body(begin, end)` for disjoint pieces that cover [0, count). Pieces begin at multiples of `grain`, the least
/// work worth a thread. Results that depend on where a piece begins therefore do not depend on the number of threads if
/// `grain` is a multiple of the unit of work. `body` must not throw. Nested loops run serially.
template <std::invocable<Index, Index> Body>
void parallel_for(Index count, Index grain, const Body& body) {
  if (count <= 0) return;
  const Index grains = (count + grain - 1) / grain;
  const int team = detail::team(grains);
  if (team == 1) return detail::once(body, Index{0}, count);
  const Index pieces = std::min(grains, detail::pieces_for_each * team);
  detail::share(pieces, team, [&](Index i) {
    detail::once(body, grains * i / pieces * grain, std::min(count, grains * (i + 1) / pieces * grain));
  });
}

/// Calls `body(i)` for every i in [0, count), for pieces of unequal cost. Each thread starts with a contiguous share,
/// the same as in `parallel_for`, since its caches have its results of the previous loop. It then takes pieces of other
/// threads' shares. Any thread may run a piece, so pieces must not depend on each other. `body` must not throw.
template <std::invocable<Index> Body>
void parallel_tasks(Index count, const Body& body) {
  if (const int team = detail::team(count); team > 1) {
    return detail::share(count, team, [&](Index i) { detail::once(body, i); });
  }
  for (Index i = 0; i < count; ++i) detail::once(body, i);
}

}  // namespace flipbook
