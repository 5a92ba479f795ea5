// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/dropout/dropout.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// Sets elements to 0 with this probability in training mode, and scales the others so that the expectation is
/// unchanged. In evaluation mode the result is x. Srivastava et al., 2014.
template <double Probability = 0.5>
struct Dropout {
  static_assert(Probability >= 0 && Probability < 1, "Dropout<Probability>: must be in [0, 1)");
  static constexpr int in = any, out = any, dimensions = any;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& x) const {
      return dropout(x, Probability);
    }
  };
};

}  // namespace flipbook::nn
