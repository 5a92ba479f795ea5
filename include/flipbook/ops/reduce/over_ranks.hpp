// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/distributed/collectives.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// x̄ = Σ xᵣ / n over n ranks. Each rank's loss is of its part of the batch, and the loss of all is their mean; so with
/// gradients as each rank has them, of its own loss, that of x̄ is their mean too.
struct MeanOverRanks {
  static constexpr unsigned saves = save::none;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    return mean_over_ranks(x);
  }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients([&] { return apply(MeanOverRanks{}, dy); });
  }
};

/// The mean over all ranks of what each has, such as the statistics of its part of a batch, recorded.
template <class T, class B, Order order>
auto mean_over_ranks(const Variable<T, B, order>& x) {
  return apply(MeanOverRanks{}, x);
}

}  // namespace flipbook
