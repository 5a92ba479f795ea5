// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <flipbook/core/error.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

namespace detail {

/// The relative frequency of each of `count` codes.
inline std::vector<double> shares_of(const char* name, const Tensor<std::int32_t>& codes, Index count) {
  require(codes.size() > 0 && count > 0, name, ": ", codes.size(), " codes, each one of ", count, "; needs some");
  std::vector<double> shares(static_cast<std::size_t>(count));
  for (const std::int32_t code : codes) {
    require(0 <= code && code < count, name, ": code ", code, " is not in [0, ", count, ")");
    shares[static_cast<std::size_t>(code)] += 1 / static_cast<double>(codes.size());
  }
  return shares;
}

}  // namespace detail

/// The perplexity of a quantizer's codes, from 1 to `count`: exp(−Σ p log p) with the relative frequency p of each
/// code.
/// @throws Error  if there are no codes, or one is not in [0, count)
inline double perplexity(const Tensor<std::int32_t>& codes, Index count) {
  double entropy = 0;
  for (const double p : detail::shares_of("perplexity", codes, count)) entropy -= p > 0 ? p * std::log(p) : 0;
  return std::exp(entropy);
}

/// The fraction of `count` codes that is used.
/// @throws Error  as `perplexity`
inline double usage(const Tensor<std::int32_t>& codes, Index count) {
  double used = 0;
  for (const double p : detail::shares_of("usage", codes, count)) used += p > 0 ? 1 : 0;
  return used / static_cast<double>(count);
}

}  // namespace flipbook::metrics
