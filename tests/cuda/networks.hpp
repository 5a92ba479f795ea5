// SPDX-License-Identifier: MIT
#pragma once

#include "agree.hpp"

namespace flipbook::test {

/// Checks that a network gives the CPU's outputs and gradients, in training and in inference.
template <class Net>
void check_network(const Shape& shape) {
  const auto x = affine(random<double>(shape, 3), 1, 0.3);
  CHECK(module_disagreement<double, Net>(x) < 10 * device_tolerance<double>);
  CHECK(module_disagreement<float, Net>(x) < device_tolerance<float>);
  const Module<Net, double> here{Rng{1}};
  const Module<Net, double, Cuda> there{Rng{1}};
  CHECK(difference(to<Cpu>(there(to<Cuda>(x))), here(x)) < device_tolerance<double>);
}

}  // namespace flipbook::test
