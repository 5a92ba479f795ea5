// SPDX-License-Identifier: MIT
// The recurrent state-space model with actions: a step on its ELBO with Adam on 8 clips of 16 frames.
#include "turns.hpp"
#include "workloads/rssm.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::rssm_workloads<float, Cpu>());
}
