// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/runtime/tasks.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <span>

using namespace flipbook;

namespace {
struct Counting {
  std::atomic<int>* runs;
  Index count;
  Index tasks() const { return count; }
  bool divide() { return false; }
  void operator()(Index task, float* workspace) const {
    workspace[0] = workspace[6] = 1;  // its own
    ++runs[task];
  }
};
}  // namespace

TEST_CASE("every task of every work runs once") {
  std::atomic<int> runs[2][9] = {};
  Counting works[]{{runs[0], 4}, {runs[1], 9}};
  cpu::run_tasks<float>(std::span<Counting>(works), 7);
  for (int i = 0; i < 9; ++i) {
    CHECK(runs[0][i] == (i < 4 ? 1 : 0));
    CHECK(runs[1][i] == 1);
  }
}
