// SPDX-License-Identifier: MIT
// The tokenizer of clips with a codebook: a step with Adam on 4 clips of 16 frames.
#include "turns.hpp"
#include "workloads/vq_vae.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::vq_vae_workloads<float, Cpu>());
}
