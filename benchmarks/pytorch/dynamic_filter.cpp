// SPDX-License-Identifier: MIT
// A dynamic filter network on frames of 64×64: a step on log p of every frame with Adam on 8 clips of 20 frames.
#include "turns.hpp"
#include "workloads/dynamic_filter.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::dynamic_filter_workloads<float, Cpu>());
}
