// SPDX-License-Identifier: MIT
// EXPECT: GradientWithRespectToNeitherVariableNorModule
#include <flipbook/ops/elementwise/binary.hpp>

using namespace flipbook;

struct Scale {
  Parameter<float, Cpu> scale{ones<float>({3})};
  static void fields(auto& self, auto&& field) { field("scale", self.scale); }
};

int main() {
  Scale scale;
  Tape tape{scale};
#ifdef CONTROL
  const auto gradient = tape.gradient(sum(square(tape.lift(scale.scale))), scale);
#else
  const auto gradient = tape.gradient(sum(square(tape.lift(scale.scale))), scale.scale);
#endif
}
