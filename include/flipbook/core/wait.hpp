// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <ctime>

#ifdef __linux__
#include <sys/resource.h>
#endif

#include <flipbook/core/isa.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// How often the system has taken the core from the calling thread although the thread had work.
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

/// Waits for other threads. To spin finds their news within a fraction of a microsecond, to sleep takes tens of them; but
/// who spins on a core that another thread needs holds up the very work that it waits for. So a thread spins for long
/// only where the system has not taken its core from it lately.
class Patience {
 public:
  /// Returns when `done(value)`, with the value. Who changes it calls `value.notify_all()` afterwards.
  template <class I, class Done>
  I wait(const std::atomic<I>& value, const Done& done) {
    I now = value.load(std::memory_order_acquire);
    now = look_again(value, now, done);
    const double begin = seconds();
    for (double time = begin; !done(now) && time - begin <= allowance(time); time = seconds()) {
      now = look_again(value, now, done);
    }
    while (!done(now)) value.wait(now), now = value.load(std::memory_order_acquire);
    return now;
  }

 private:
  static constexpr double shortest = 10e-6, longest = 4e-3, memory = 30e-3;  // seconds

  template <class I, class Done>
  static I look_again(const std::atomic<I>& value, I now, const Done& done) {
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
