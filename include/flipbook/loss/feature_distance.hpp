// SPDX-License-Identifier: MIT
#pragma once

#include <tuple>

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

namespace flipbook::inline FLIPBOOK_ISA::loss {

namespace detail {
/// Features of unit length at each place.
template <Value X>
X unit_length(const X& features) {
  return features / sqrt(sum(square(features), {-1}) + 1e-10);
}
}  // namespace detail

/// How far a network's features of two inputs are from each other, a perceptual loss: Σ_c (â − b̂)², where features
/// have unit length at each place, averaged over samples and places. Features of a network that has learned to tell
/// classes apart say what a picture shows more than its pixels do. Zhang et al., The unreasonable effectiveness of deep
/// features as a perceptual metric, 2018, with weights of 1.
///
/// @param a  (N, …, C)    @param b  as a, or a tensor where a is a variable
/// @throws Error  if the shapes differ or are empty
template <Value X, Value Y>
X feature_distance(const X& a, const Y& b) {
  require(a.shape() == b.shape() && a.size() > 0, "feature_distance: features ", a.shape(), " and ", b.shape(),
          " must be of one shape and not empty");
  return mean(square(detail::unit_length(a) - detail::unit_length(b))) * static_cast<double>(a.shape()[-1]);
}
/// The same of several layers, added up.
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
