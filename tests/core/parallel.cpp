// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <flipbook/core/parallel.hpp>

using namespace flipbook;

TEST_CASE("every index is visited once, in pieces that are multiples of the grain") {
  const int before = threads();
  for (const int team : {1, 2, 3, 7, 70}) {
    set_threads(team);
    for (const Index count : {0, 1, 7, 64, 100, 1001}) {
      for (const Index grain : {1, 16, 2000}) {
        std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
        std::atomic<bool> aligned = true;
        parallel_for(count, grain, [&](Index first, Index last) {
          if (first % grain != 0) aligned = false;
          for (Index i = first; i < last; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        for (const auto& v : visits) REQUIRE(v == 1);
        CHECK(aligned);
        for (auto& v : visits) v = 0;
        parallel_tasks(count, [&](Index i) { ++visits[static_cast<std::size_t>(i)]; });
        for (const auto& v : visits) REQUIRE(v == 1);
      }
    }
  }
  set_threads(before);
}

TEST_CASE("a thread that one task holds up is helped with its others") {
  const int before = threads();
  set_threads(2);
  if (threads() == 2) {  // compiled with OpenMP
    std::atomic<int> others = 0;
    int seen = 0;
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    parallel_tasks(100, [&](Index i) {
      if (i > 0) {
        ++others;
        return;
      }
      while (others < 99 && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
      seen = others;
    });
    CHECK(seen == 99);
  }
  set_threads(before);
}

TEST_CASE("a loop within a loop still covers everything") {
  std::atomic<int> total = 0;
  parallel_for(10, 1, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) parallel_for(10, 1, [&](Index a, Index b) { total += int(b - a); });
  });
  CHECK(total == 100);
}

TEST_CASE("a forked process can go on with loops") {
  const int before = threads();
  set_threads(2);
  std::atomic<int> total = 0;
  const auto loop = [&] {
    parallel_for(10, 1, [&](Index first, Index last) { total += int(last - first); });
    parallel_tasks(10, [&](Index) { ++total; });
  };
  loop();
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(10);
    loop();
    ::_exit(total == 40 ? 0 : 1);
  }
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  set_threads(before);
}
