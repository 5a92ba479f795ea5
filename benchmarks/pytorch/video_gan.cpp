// SPDX-License-Identifier: MIT
// The generator and discriminator of clips, base width 32: a step of both with Adam on 4 clips of 16×64×64×3.
#include "turns.hpp"
#include "workloads/video_gan.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::video_gan_workloads<float, Cpu>());
}
