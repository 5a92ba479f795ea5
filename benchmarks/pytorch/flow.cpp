// SPDX-License-Identifier: MIT
// A rectified flow by a U-Net: a step with Adam on 4 clips of 16 frames of 32×32.
#include "turns.hpp"
#include "workloads/flow.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::flow_workloads<float, Cpu>());
}
