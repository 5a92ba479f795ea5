// SPDX-License-Identifier: MIT
// EXPECT: GradientWithRespectToNeitherVariableNorModule
#include <flipbook/ops/elementwise/binary.hpp>

using namespace flipbook;

struct Scale {
  Parameter<float, Cpu> scale{ones<float>({3})};
#ifdef CONTROL
  static void fields(auto& self, auto&& field) { field("scale", self.scale); }
#endif
};

int main() {
  Scale scale;
  Tape tape;
  tape.watch(scale);
  const auto gradient = tape.gradient(sum(square(tape.lift(scale.scale))), scale);
}
