// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <ctime>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <flipbook/core/isa.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// The number of times that the system has preempted the calling thread (involuntary context switches).
inline long preemptions() noexcept {
#ifdef __linux__
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
#else
  return 0;
#endif
}

inline void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// A number whose change threads wait for. It counts its own sleeping threads. std::atomic counts them in a table, of
/// which the program and each part of flipbook::kernels have their own copy, so that none would wake another's threads.
class Waitable {
 public:
  std::atomic<int> number{0};

  /// Wakes the sleeping threads; called after a change.
  void wake() noexcept {
    if (sleepers_.load() == 0) return;
#ifdef __linux__
    ::syscall(SYS_futex, &number, FUTEX_WAKE_PRIVATE, 1 << 30, nullptr, nullptr, 0);
#else
    number.notify_all();
#endif
  }
  /// Sleeps until `done(number)`, and returns the number.
  template <class Done>
  int sleep(const Done& done) noexcept {
    ++sleepers_;
    int now = number.load();
    for (; !done(now); now = number.load()) {
#ifdef __linux__
      ::syscall(SYS_futex, &number, FUTEX_WAIT_PRIVATE, now, nullptr, nullptr, 0);
#else
      number.wait(now);
#endif
    }
    --sleepers_;
    return now;
  }
  /// Resets it in a child of fork(), where the sleeping threads no longer exist.
  void reset() noexcept { number = 0, sleepers_ = 0; }

 private:
  std::atomic<int> sleepers_{0};
};

/// Waits for other threads. A spinning thread sees a change within a fraction of a microsecond, a sleeping one within
/// tens of microseconds. But spinning on a core that another thread needs delays the awaited work. So a thread spins
/// for long only if the system has not preempted it recently.
class AdaptiveWait {
 public:
  /// Waits until `done(number)`, and returns the number. The thread that changes it calls `wake()` afterwards.
  template <class Done>
  int wait(Waitable& value, const Done& done) {
    int now = look_again(value.number, done);
    const double begin = seconds();
    for (double time = begin; !done(now) && time - begin <= allowance(time); time = seconds()) {
      now = look_again(value.number, done);
    }
    return done(now) ? now : value.sleep(done);
  }

 private:
  static constexpr double shortest = 10e-6, longest = 4e-3, memory = 30e-3;  // seconds

  template <class Done>
  static int look_again(const std::atomic<int>& value, const Done& done) {
    int now = value.load(std::memory_order_acquire);
    for (int i = 0; i < 100 && !done(now); ++i) pause(), now = value.load(std::memory_order_acquire);
    return now;
  }
  double allowance(double time) noexcept {
    if (const long count = preemptions(); count != preempted_) preempted_ = count, contended_until_ = time + memory;
    return time < contended_until_ ? shortest : longest;
  }
  static double seconds() noexcept {
    std::timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }

  long preempted_ = 0;
  double contended_until_ = 0;
};

}  // namespace flipbook
