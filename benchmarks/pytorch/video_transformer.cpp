// SPDX-License-Identifier: MIT
// The causal transformer over 512 visual tokens, 4 layers of width 256, 8 heads: a step with AdamW on 2 sequences of
// 1024 tokens, and 256 tokens sampled one by one.
#include "turns.hpp"
#include "workloads/video_transformer.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::video_transformer_workloads<float, Cpu>());
}
