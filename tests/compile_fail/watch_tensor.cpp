// SPDX-License-Identifier: MIT
// What has no fields has no parameters to watch; a tensor becomes a variable.
// EXPECT: WatchedHasNoFieldsAndATensorIsMadeAVariable
#include <flipbook/ops/elementwise/binary.hpp>

using namespace flipbook;

int main() {
  Tape tape;
  const auto x = ones<float>({3});
#ifdef CONTROL
  const auto recorded = tape.variable(x);
#else
  tape.watch(x);
#endif
}
