// SPDX-License-Identifier: MIT
#pragma once

// Where ThreadSanitizer watches: the part of OpenMP that the library uses, on threads that it sees. Those of a
// compiler's OpenMP library hand over their work in ways that it does not see, so that it would find races where there
// are none.
#ifdef __SANITIZE_THREAD__
#define FLIPBOOK_WATCHED 1
#include <omp.h>

#include <thread>
#include <vector>

namespace {
thread_local int number = 0, wanted = 2;
thread_local bool inside = false;
}  // namespace

extern "C" {

void GOMP_parallel(void (*region)(void*), void* data, unsigned count, unsigned) {
  const unsigned threads = count == 0 ? static_cast<unsigned>(wanted) : count;
  const auto run = [&](int i) {
    number = i, inside = true;
    region(data);
    number = 0, inside = false;
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(run, static_cast<int>(i));
  run(0);
  for (std::thread& other : others) other.join();
}
int omp_get_thread_num() { return number; }
int omp_get_max_threads() { return wanted; }
void omp_set_num_threads(int count) { wanted = count; }
int omp_in_parallel() { return inside ? 1 : 0; }
}
#else
#define FLIPBOOK_WATCHED 0
#endif
