// SPDX-License-Identifier: MIT
// MoCoGAN: a step of the generator and both discriminators with Adam on 4 clips of 16 frames.
#include "turns.hpp"
#include "workloads/mocogan.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::mocogan_workloads<float, Cpu>());
}
