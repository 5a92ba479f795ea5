// SPDX-License-Identifier: MIT
#pragma once

#include <tuple>

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

namespace flipbook::inline FLIPBOOK_ISA::loss {

namespace detail {
/// Features normalised to unit length at each position.
template <Value X>
X unit_length(const X& features) {
  return features / sqrt(sum(square(features), {-1}) + 1e-10);
}
}  // namespace detail

/// The distance between a network's features of two inputs, a perceptual loss: Σ_c (â − b̂)², with features of unit
/// length at each position, averaged over samples and positions. Features of a network trained to classify describe an
/// image's content better than its pixels do. Zhang et al., The unreasonable effectiveness of deep features as a
/// perceptual metric, 2018, with weights of 1.
///
/// @param a  (N, …, C)    @param b  as a, or a tensor if a is a variable
/// @throws Error  if the shapes differ or are empty
template <Value X, Value Y>
X feature_distance(const X& a, const Y& b) {
  require(a.shape() == b.shape() && a.size() > 0, "feature_distance: features ", a.shape(), " and ", b.shape(),
          " must be of one shape and not empty");
  return mean(square(detail::unit_length(a) - detail::unit_length(b))) * static_cast<double>(a.shape()[-1]);
}
/// The same for several layers, summed.
template <Value... X, Value... Y>
  requires(sizeof...(X) == sizeof...(Y) && sizeof...(X) > 0)
auto feature_distance(const std::tuple<X...>& a, const std::tuple<Y...>& b) {
  return std::apply(
      [&](const X&... of_a) {
        return std::apply([&](const Y&... of_b) { return (feature_distance(of_a, of_b) + ...); }, b);
      },
      a);
}

}  // namespace flipbook::loss
