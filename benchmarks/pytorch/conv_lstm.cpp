// SPDX-License-Identifier: MIT
// Two ConvLSTMs of 64 channels, 5×5, on frames of 64×64 folded into 16×16×16: a step with Adam on 8 clips of 20 frames,
// and 10 frames predicted after 10 seen.
#include "turns.hpp"
#include "workloads/conv_lstm.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  return benchmark::take_turns(count, arguments, benchmark::conv_lstm_workloads<float, Cpu>());
}
