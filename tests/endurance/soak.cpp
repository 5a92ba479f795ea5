// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>

#include "../io/files.hpp"
#include "family.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

/// Bytes of memory that the process has.
double resident() {
  std::ifstream file("/proc/self/statm");
  double size = 0, pages = 0;
  file >> size >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Trains each family from its beginning, with checkpoints, goes on from the last one, and lets go of all of it.
void train_each() {
  const Folder folder;
  for (const Family& family : families()) {
    const auto path = folder / family.name;
    family.begin()->fit(5, path);
    const auto resumed = family.begin();
    resumed->resume(path);
    resumed->fit(10, path);
  }
}

}  // namespace

TEST_CASE("training every family again and again takes no more memory than once") {
  train_each();
  const auto before = HostPool::instance().statistics();
  for (int round = 0; round < 3; ++round) {
    train_each();
    const auto now = HostPool::instance().statistics();
    CHECK(now.in_use == before.in_use);
    CHECK(now.held < before.held + (1 << 20));  // what a checkpoint's thread holds when it meets a step differs
  }
}

// For so many minutes, says once a minute what memory the process has; it may differ by 1 MB after a fifth of the time.
TEST_CASE("memory is flat for as long as FLIPBOOK_SOAK_MINUTES says" * doctest::skip()) {
  const char* const given = std::getenv("FLIPBOOK_SOAK_MINUTES");
  const double minutes = given != nullptr ? std::atof(given) : 1;
  const auto begin = std::chrono::steady_clock::now();
  double least = 1e18, most = 0, said = 0;
  int rounds = 0;
  for (double passed = 0; passed < minutes; ++rounds) {
    train_each();
    passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / 60;
    const double now = resident();
    if (passed > minutes / 5) least = std::min(least, now), most = std::max(most, now);
    if (passed < said && passed < minutes) continue;
    said = passed + 1;
    std::printf("%6.1f minutes: %5d rounds, %7.2f MB resident, %7.2f MB of tensors in use\n", passed, rounds + 1,
                now / 1e6, static_cast<double>(HostPool::instance().statistics().in_use) / 1e6);
    std::fflush(stdout);
  }
  CHECK(most - least < 1e6);
}
