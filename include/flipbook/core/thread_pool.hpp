// SPDX-License-Identifier: MIT
#pragma once

#ifdef _OPENMP
#include <omp.h>
#include <pthread.h>

#include <array>
#include <atomic>

#include <flipbook/core/compiled.hpp>
#include <flipbook/core/scalar.hpp>
#include <flipbook/core/wait.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// The threads of parallel loops. OpenMP creates them once, so that its settings hold (OMP_NUM_THREADS, OMP_PROC_BIND),
/// but the pool implements the waiting. An OpenMP region per loop would wait for threads that are descheduled, and
/// GCC's OpenMP would spin meanwhile on the core that they need. Here a thread takes any piece that no other has begun,
/// so a loop waits only for running pieces.
///
/// Several threads may run loops at once, with the same helpers. After fork() the child has its own pool.
class ThreadPool {
 public:
  static constexpr int most_threads = 256;

  static ThreadPool& instance() {
#ifdef FLIPBOOK_SHARED
    return *static_cast<ThreadPool*>(flipbook_thread_pool());
#else
    return of_program();
#endif
  }
  /// The program's pool, which flipbook::kernels shares.
  static ThreadPool& of_program() {
    static ThreadPool* const pool = new ThreadPool;  // outlives every thread
    return *pool;
  }

  /// The calling thread's index in its parallel loop, from 0 (the caller of the loop); -1 outside a loop.
  int thread_number() const noexcept { return *number_(); }

  /// Calls run(body, i) for every i in [0, count) on at most `team` threads. Thread l begins with the l-th contiguous
  /// share and then takes pieces of other shares.
  void share(Index count, int team, void (*run)(const void* body, Index i), const void* body) {
    team = team < most_threads ? team : most_threads;
    Job* const job = take_job();
    const Numbered first(*this, 0);
    if (job == nullptr) {  // too many loops at once
      for (Index i = 0; i < count; ++i) run(body, i);
      return;
    }
    job->run = run, job->body = body, job->shares = team;
    for (Index l = 0; l < team; ++l) {
      Share& share = job->share[static_cast<std::size_t>(l)];
      share.next.store(count * l / team, std::memory_order_relaxed), share.last = count * (l + 1) / team;
    }
    job->open = true;
    have_threads(team);
    for (int l = 1; l < team; ++l) {
      Waitable& wakeups = wakeups_[static_cast<std::size_t>(l)].count;
      ++wakeups.number;
      wakeups.wake();
    }
    work_on(*job, 0);
    job->open = false;  // no piece is left to begin
    waiting().wait(job->users, [](int users) { return users == 0; });
    job->owned.store(false, std::memory_order_release);
  }

 private:
  struct alignas(64) Share {
    std::atomic<Index> next;
    Index last;
  };
  struct alignas(64) Wakeups {
    Waitable count;
  };
  /// The indices of the threads to start.
  struct NewThreads {
    ThreadPool& pool;
    int first, count;
  };
  /// A loop that is running.
  struct Job {
    std::atomic<bool> owned{false};
    std::atomic<bool> open{false};
    Waitable users;  ///< helpers that may be running its pieces
    void (*run)(const void*, Index);
    const void* body;
    int shares;
    std::array<Share, most_threads> share;
  };
  /// Sets the calling thread's index during its lifetime.
  class Numbered {
   public:
    Numbered(const ThreadPool& pool, int number) : at_(pool.number_()) { *at_ = number; }
    Numbered(const Numbered&) = delete;
    Numbered& operator=(const Numbered&) = delete;
    ~Numbered() { *at_ = -1; }

   private:
    int* at_;
  };

  ThreadPool() {
    pthread_atfork(nullptr, nullptr, [] { of_program().forget(); });
  }

  static int* own_number() noexcept {
    static thread_local int number = -1;
    return &number;
  }
  static AdaptiveWait& waiting() noexcept {
    static thread_local AdaptiveWait waiting;
    return waiting;
  }

  Job* take_job() noexcept {
    for (Job& job : jobs_) {
      if (!job.owned.load(std::memory_order_relaxed) && !job.owned.exchange(true, std::memory_order_acquire))
        return &job;
    }
    return nullptr;
  }

  static void work_on(Job& job, int number) {
    for (int i = 0; i < job.shares; ++i) {
      Share& share = job.share[static_cast<std::size_t>((number + i) % job.shares)];
      for (Index at; (at = share.next.fetch_add(1, std::memory_order_relaxed)) < share.last;) job.run(job.body, at);
    }
  }

  /// Starts missing threads with indices below `team`. If the system refuses, loops run on the existing threads.
  void have_threads(int team) {
    int have = threads_.load(std::memory_order_relaxed);
    while (have < team) {
      if (!threads_.compare_exchange_weak(have, team)) continue;
      pthread_t thread;
      auto* const added = new NewThreads{*this, have, team - have};
      if (pthread_create(&thread, nullptr, &ThreadPool::start, added) != 0) return delete added;
      pthread_detach(thread);
    }
  }
  /// An OpenMP region that never ends. Its thread 0 only waits, since thread 0 of a loop is the loop's caller.
  static void* start(void* added) {
    const NewThreads mine = *static_cast<NewThreads*>(added);
    delete static_cast<NewThreads*>(added);
#pragma omp parallel num_threads(mine.count + 1)
    if (const int number = omp_get_thread_num(); number > 0) mine.pool.serve(mine.first + number - 1);
    else
      for (const std::atomic<bool> never = false;;) never.wait(false);
    return nullptr;
  }

  [[noreturn]] void serve(int number) {
    const Numbered own(*this, number);
    Waitable& wakeups = wakeups_[static_cast<std::size_t>(number)].count;
    for (int seen = wakeups.number;;) {
      for (Job& job : jobs_) help(job, number);
      seen = waiting().wait(wakeups, [seen](int now) { return now != seen; });
    }
  }

  // A job's owner closes it and then reads `users`; a helper adds itself to `users` and then reads `open`. So at least
  // one of the two sees the other.
  static void help(Job& job, int number) {
    if (!job.open) return;
    ++job.users.number;
    if (job.open && number < job.shares) work_on(job, number);
    if (--job.users.number == 0) job.users.wake();
  }

  /// Resets the pool in a child of fork(), which has only the calling thread.
  void forget() {
    threads_ = 1;
    for (Job& job : jobs_) job.owned = false, job.open = false, job.users.reset();
    for (Wakeups& wakeups : wakeups_) wakeups.count.reset();
  }

  int* (*number_)() noexcept = &own_number;  // of the part that created the pool, for all that share it
  std::atomic<int> threads_{1};
  std::array<Wakeups, most_threads> wakeups_;
  std::array<Job, 8> jobs_;
};

}  // namespace flipbook
#endif
