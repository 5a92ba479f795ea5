// EXPECT: must be made with tape.variable<Order::any>
#include <flipbook/ops/elementwise/binary.hpp>

using namespace flipbook;

#ifdef CONTROL
constexpr Order order = Order::any;
#else
constexpr Order order = Order::once;
#endif

int main() {
  Tape tape;
  const auto x = tape.variable<order>(ones<float>({3}));
  const auto slope = tape.recorded_gradient(sum(square(x)), x);
}
