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

/// The threads that parallel loops share their pieces with. OpenMP makes them, once, so that its settings hold
/// (OMP_NUM_THREADS, OMP_PROC_BIND); how they wait is the pool's own affair: a region of OpenMP for each loop would
/// wait for threads that are not running, and in GCC's OpenMP spin meanwhile on the core that they need. Here a thread
/// takes any piece that no other has begun, so a loop waits for pieces in work only.
///
/// Loops of several threads run at the same time, with the same helpers. After fork() the child has a pool of its own.
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
  /// That of this part of a program, which flipbook::kernels shares.
  static ThreadPool& of_program() {
    static ThreadPool* const pool = new ThreadPool;  // outlives every thread
    return *pool;
  }

  /// The calling thread's number in the loop that it runs a piece of, from 0 (the caller of the loop) up; -1 outside.
  int thread_number() const noexcept { return *number_(); }

  /// Runs run(body, i) for every i in [0, count) on at most `team` threads. Thread l begins with the l-th share of
  /// neighbours, and then helps others with theirs.
  void share(Index count, int team, void (*run)(const void* body, Index i), const void* body) {
    team = team < most_threads ? team : most_threads;
    Job* const job = take_job();
    const Numbered first(*this, 0);
    if (job == nullptr) {  // more loops at once than there is room for
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
    job->open = false;  // nothing is left to begin
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
  /// Threads to start.
  struct NewThreads {
    ThreadPool& pool;
    int first, count;
  };
  /// A loop that is running.
  struct Job {
    std::atomic<bool> owned{false};
    std::atomic<bool> open{false};
    Waitable users;  ///< helpers that may be at work on it
    void (*run)(const void*, Index);
    const void* body;
    int shares;
    std::array<Share, most_threads> share;
  };
  /// Numbers the calling thread while it lives.
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

  /// Starts the threads with numbers below `team` that there are none of. Where the system gives none, loops are run
  /// by those that there are.
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
  /// A region of OpenMP that never ends. Its thread 0 only waits, since thread 0 of a loop is its caller.
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

  // A job's owner closes it and then reads `users`; a helper adds itself to `users` and then reads `open`. So one of
  // the two sees the other.
  static void help(Job& job, int number) {
    if (!job.open) return;
    ++job.users.number;
    if (job.open && number < job.shares) work_on(job, number);
    if (--job.users.number == 0) job.users.wake();
  }

  /// In a child of fork(), which has the calling thread alone.
  void forget() {
    threads_ = 1;
    for (Job& job : jobs_) job.owned = false, job.open = false, job.users.reset();
    for (Wakeups& wakeups : wakeups_) wakeups.count.reset();
  }

  int* (*number_)() noexcept = &own_number;  // of its maker: one for all parts of a program that share it
  std::atomic<int> threads_{1};
  std::array<Wakeups, most_threads> wakeups_;
  std::array<Job, 8> jobs_;
};

}  // namespace flipbook
#endif
