// SPDX-License-Identifier: MIT
// SimVP with gated attention, ten frames of 64×64 from ten: a step on the squared error with Adam on 4 clips.
#include "turns.hpp"
#include "workloads/simvp.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::simvp_workloads<float, Cpu>());
}
