// SPDX-License-Identifier: MIT
// A game says what the generator minimises.
// WITHIN: 11, since compilers say what a concept misses after where it is asked for.
// EXPECT: Gan: Game is not a loss::Game
// EXPECT: (required expression|because) .?.?.?G::generator\(fake\)
#include <flipbook/models/gan/gan.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/optim/sgd.hpp>

using namespace flipbook;

struct Difference {
  template <Value V>
  static auto discriminator(const V& real, const V& fake) {
    return mean(fake) - mean(real);
  }
#ifdef CONTROL
  template <Value V>
  static auto generator(const V& fake) {
    return -mean(fake);
  }
#endif
};

int main() {
  using Model = Gan<nn::Linear<2, 3>, nn::Linear<3, 1>, Difference>;
  const Module<Model, float> gan;
  Model::Training<float, Cpu, optim::Sgd> training(gan, optim::Sgd{});
}
