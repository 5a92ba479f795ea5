// SPDX-License-Identifier: MIT
#include <cstdio>

#include <flipbook/flipbook.hpp>

int main() {
  using namespace flipbook::nn;
  using Network = Sequential<Linear<4, 3>, ReLU>;

  flipbook::Rng rng{42};
  const flipbook::Module<Network, float> network{rng};
  const flipbook::Tensor<float> y = network(flipbook::normal<float>({2, 4}, rng));  // (2, 3)
  std::printf("%s on %d threads, kernels for %s\n", to_string(y.shape()).c_str(), flipbook::threads(),
              flipbook::cpu::isa());
  return y.shape() == flipbook::Shape{2, 3} ? 0 : 1;
}
