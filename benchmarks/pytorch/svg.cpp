// SPDX-License-Identifier: MIT
// The stochastic video generator with a learned prior: a step on its ELBO with Adam on 8 clips of 15 frames.
#include "turns.hpp"
#include "workloads/svg.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::svg_workloads<float, Cpu>());
}
