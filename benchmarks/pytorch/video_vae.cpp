// SPDX-License-Identifier: MIT
// The autoencoder of clips, base width 32, 128 latents: a step on the ELBO with Adam on 8 clips of 16×64×64, and 8
// samples.
#include "turns.hpp"
#include "workloads/video_vae.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::video_vae_workloads<float, Cpu>());
}
