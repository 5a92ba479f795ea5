// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>

#include <flipbook/autodiff/parameter.hpp>

#include "../ops/tensors.hpp"

namespace flipbook::test {

/// A module's parameters and buffers by name and shape: "weight(3, 5) bias(5) ".
template <class M>
std::string fields_of(const M& module) {
  std::string joined;
  for_each_field(module,
                 [&](const std::string& name, const auto& leaf) { joined += name + to_string(leaf.shape()) + " "; });
  return joined;
}

/// Whether numbers lie in [−bound, bound) and come near both ends, as a few dozen or more uniform ones do.
template <class T>
bool fills(const Tensor<T>& x, double bound) {
  const auto [least, most] = std::minmax_element(x.begin(), x.end());
  return *least >= -bound && *least < -0.75 * bound && *most<bound&& * most> 0.75 * bound;
}

}  // namespace flipbook::test
