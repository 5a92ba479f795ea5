// SPDX-License-Identifier: MIT
// The tutorial's generator and discriminator: a step of both with Adam on 64 frames of 32×32, and 64 samples.
#include "turns.hpp"
#include "workloads/dcgan.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::dcgan_workloads<float, Cpu>());
}
