// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/distributed/collectives.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// x̄ = Σ xᵣ / n over n ranks. Each rank computes the loss of its part of the batch, and the total loss is their mean.
/// Gradients on each rank are those of its own loss, so the VJP is also the mean over ranks.
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

/// The mean of x over all ranks, recorded; for example of each rank's batch statistics.
template <class T, class B, Order order>
auto mean_over_ranks(const Variable<T, B, order>& x) {
  return apply(MeanOverRanks{}, x);
}

}  // namespace flipbook
