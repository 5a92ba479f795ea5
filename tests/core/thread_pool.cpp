// SPDX-License-Identifier: MIT
#include <flipbook/core/thread_pool.hpp>

#include <doctest/doctest.h>

#include <flipbook/core/parallel.hpp>

#ifdef _OPENMP
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace flipbook;

namespace {

/// How many pieces of how many loops ran twice or never.
int wrong_visits(int loops, Index count) {
  int wrong = 0;
  for (int loop = 0; loop < loops; ++loop) {
    std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
    parallel_tasks(count, [&](Index i) { ++visits[static_cast<std::size_t>(i)]; });
    for (const auto& v : visits) wrong += v != 1;
  }
  return wrong;
}

struct Threads {
  int before = threads();
  explicit Threads(int count) { set_threads(count); }
  ~Threads() { set_threads(before); }
};

}  // namespace

TEST_CASE("many threads run loops at once, more than the pool has room for, each with its own number of threads") {
  std::atomic<int> wrong = 0, other_teams = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 12; ++caller) {
    callers.emplace_back([&, caller] {
      set_threads(1 + caller % 5);
      wrong += wrong_visits(300, 1 + 7 * caller);
      other_teams += threads() != 1 + caller % 5;
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(wrong == 0);
  CHECK(other_teams == 0);
}

TEST_CASE("each thread of a loop has a number of its own below the number of threads, and none has one outside") {
  const Threads three(3);
  std::vector<std::atomic<int>> at_work(3);
  std::atomic<int> shared = 0, outside = 0;
  for (int loop = 0; loop < 200; ++loop) {
    parallel_tasks(50, [&](Index) {
      const int number = detail::thread_number();
      if (number < 0 || number >= 3) return void(++outside);
      if (++at_work[static_cast<std::size_t>(number)] != 1) ++shared;
      for (int i = 0; i < 100; ++i) detail::pause();
      --at_work[static_cast<std::size_t>(number)];
    });
  }
  CHECK(shared == 0);
  CHECK(outside == 0);
  CHECK_FALSE(detail::in_parallel());
}

TEST_CASE("a loop in a parallel region of the caller's is its thread's alone") {
  std::atomic<int> elsewhere = 0, total = 0;
#pragma omp parallel num_threads(2)
  {
    const auto me = std::this_thread::get_id();
    parallel_tasks(20, [&](Index) { ++total, elsewhere += std::this_thread::get_id() != me; });
  }
  CHECK(elsewhere == 0);
  CHECK(total % 20 == 0);
}

TEST_CASE("a forked process runs loops on threads of its own, as before it the parent and after it") {
  const Threads two(2);
  REQUIRE(wrong_visits(20, 40) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    // Both threads come to a piece, if the child has two threads.
    std::atomic<int> met = 0;
    parallel_tasks(2, [&](Index) {
      ++met;
      for (int i = 0; met < 2 && i < 5000; ++i) ::usleep(1000);
    });
    ::_exit(wrong_visits(20, 40) == 0 && met == 2 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(wrong_visits(20, 40) == 0);
}

TEST_CASE("a thread that waits wakes for the news that it waits for, whether it spins or sleeps") {
  for (const int delay : {0, 100, 20'000}) {  // microseconds
    detail::Waitable value;
    std::thread other([&] {
      for (int i = 1; i <= 3; ++i) {
        ::usleep(static_cast<unsigned>(delay));
        value.number = i;
        value.wake();
      }
    });
    detail::AdaptiveWait waiting;
    CHECK(waiting.wait(value, [](int now) { return now == 3; }) == 3);
    other.join();
  }
}
#else
TEST_CASE("without OpenMP loops run on the calling thread") { CHECK(flipbook::threads() == 1); }
#endif
