// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include <sys/resource.h>

#include <flipbook/backend/cpu/runtime/arithmetic.hpp>
#include <flipbook/core/parallel.hpp>

#include "workloads/workload.hpp"

namespace flipbook::benchmark {

/// One side of a timing in turns: `PROGRAM WORKLOAD THREADS [bfloat16]` makes the workload's call once for every line
/// that it is sent and answers with its milliseconds; at the end of its input it says its peak memory in MiB.
/// `PROGRAM --list` lists the workloads and their arithmetic in GFLOP.
inline int take_turns(int count, char** arguments, const std::vector<Workload>& workloads) {
  const std::string name = count > 1 ? arguments[1] : "--list";
  for (const Workload& w : workloads) {
    if (name == "--list") std::printf("%s %.9g\n", w.name.c_str(), w.gflop());
    if (name != w.name) continue;
    if (count > 2) set_threads(std::atoi(arguments[2]));
    cpu::arithmetic().bfloat16 = count > 3 && std::string(arguments[3]) == "bfloat16";
    const auto call = w.prepare();
    for (std::string line; std::getline(std::cin, line);) {
      const auto start = std::chrono::steady_clock::now();
      call();
      const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
      std::cout << time.count() << std::endl;
    }
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    std::cout << static_cast<double>(used.ru_maxrss) / 1024 << std::endl;
    return 0;
  }
  if (name != "--list") std::fprintf(stderr, "no workload '%s'\n", name.c_str());
  return name == "--list" ? 0 : 2;
}

}  // namespace flipbook::benchmark
