// SPDX-License-Identifier: MIT
// A regulariser says what it does after a step.
// WITHIN: 11, since compilers say what a concept misses after where it is asked for.
// EXPECT: Gan: Regulariser is not a regulariser::Regulariser
// EXPECT: (required expression|because) .?.?.?R::after_step\(parameters\)
#include <flipbook/models/gan/gan.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/optim/sgd.hpp>

using namespace flipbook;

struct Free {
  static auto penalty(Tape&, const auto&, const auto&, const auto&, const auto& loss) { return loss; }
#ifdef CONTROL
  static void after_step(const auto&) {}
#endif
};

int main() {
  using Model = Gan<nn::Linear<2, 3>, nn::Linear<3, 1>, loss::Hinge, Free>;
  const Module<Model, float> gan;
  Model::Training<float, Cpu, optim::Sgd> training(gan, optim::Sgd{});
}
