// SPDX-License-Identifier: MIT
// EXPECT: GradientWithRespectToNeitherVariableNorModule
#include <flipbook/ops/elementwise/binary.hpp>

using namespace flipbook;

int main() {
  Tape tape;
  const auto x = ones<float>({3});
  const auto recorded = tape.variable(x);
#ifdef CONTROL
  const auto slope = tape.gradient(sum(square(recorded)), recorded);
#else
  const auto slope = tape.gradient(sum(square(recorded)), x);
#endif
}
