// SPDX-License-Identifier: MIT
// EXPECT: RecordedGradientNeedsVariablesOfHigherOrder
#include <flipbook/ops/elementwise/binary.hpp>

using namespace flipbook;

#ifdef CONTROL
constexpr Order order = Order::higher;
#else
constexpr Order order = Order::first;
#endif

int main() {
  Tape tape;
  const auto x = tape.variable<order>(ones<float>({3}));
  const auto slope = tape.recorded_gradient(sum(square(x)), x);
}
