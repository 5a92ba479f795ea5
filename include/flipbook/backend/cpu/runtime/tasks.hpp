// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <memory>
#include <span>

#include <flipbook/backend/cpu/runtime/scratch.hpp>
#include <flipbook/core/parallel.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// A workspace for each thread of the loop that follows, allocated before the loop, since a loop must not throw.
template <class T>
class PerThread {
 public:
  explicit PerThread(Index count) : count_(count), room_(count * (nested_ ? 1 : threads())) {}
  T* mine() const noexcept { return room_ + (nested_ ? 0 : count_ * flipbook::detail::thread_number()); }

 private:
  bool nested_ = flipbook::detail::in_parallel();
  Index count_;
  Scratch<T> room_;
};

/// A list of works, in memory from the pool.
template <class Work>
class WorkList {
 public:
  explicit WorkList(Index capacity) : room_(capacity) {}
  template <class... Arguments>
  void add(const Arguments&... arguments) {
    std::construct_at(room_.data() + size_++, arguments...);
  }
  std::span<Work> all() const { return {room_.data(), static_cast<std::size_t>(size_)}; }

 private:
  Scratch<Work> room_;
  Index size_ = 0;
};

/// Runs works of independent tasks, work(task, workspace), as one parallel loop. Works are divided until there are
/// several tasks per thread. Each thread has its own workspace of `workspace` numbers. Consecutive tasks belong to
/// different works, so that the phases of a transposed convolution read the same pixels one after another.
template <class T, class Work>
void run_tasks(std::span<Work> works, Index workspace) {
  const auto most = [&] {
    Index tasks = 0;
    for (const Work& work : works) tasks = std::max(tasks, work.tasks());
    return tasks;
  };
  const auto count = static_cast<Index>(works.size());
  Index turns = most();
  for (bool divided = threads() > 1; divided && turns > 0 && turns * count < 4 * threads(); turns = most()) {
    divided = false;
    for (Work& work : works) divided |= work.divide();
  }
  if (turns == 0) return;
  const PerThread<T> workspaces(workspace);
  parallel_tasks(turns * count, [&](Index i) {
    const Work& work = works[static_cast<std::size_t>(i % count)];
    if (i / count < work.tasks()) work(i / count, workspaces.mine());
  });
}

}  // namespace flipbook::cpu
