// SPDX-License-Identifier: MIT
// EXPECT: must be made with tape.variable<Order::higher>
// WITHIN: 7, since what differentiates is included by the header of operations.
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
