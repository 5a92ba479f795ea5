// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include <flipbook/ops/elementwise/where.hpp>
#include <flipbook/ops/scan/arange.hpp>
#include <flipbook/ops/softmax/softmax.hpp>
#include <flipbook/ops/sort/sort.hpp>

namespace flipbook::inline FLIPBOOK_ISA::likelihood {

/// Options for drawing classes from logits.
struct Sampling {
  double temperature = 1;  ///< divisor of the logits: below 1, likely classes become likelier
  Index top_k = 0;         ///< draw only from this many likeliest classes; 0: all. Fan et al., 2018
  double top_p = 1;        ///< draw only from the likeliest with this total probability. Holtzman et al., 2020
  /// Classifier-free guidance, applied before the other options: the weight w of (1 + w)·l − w·l₀, with logits l of the
  /// class and l₀ of the null class. 0 is the conditional model; higher weights give clearer and less diverse samples.
  /// The equivalent weight of a Flow, which extrapolates from the unconditional model, is 1 + w. Ho and Salimans,
  /// Classifier-free diffusion guidance, 2022.
  double guidance = 0;
};

/// The logits after temperature and truncation, (…, K) → (…, K): −∞ for excluded classes. The input has guidance
/// applied already. The most likely class is never excluded; of equal ones, the first. Rows are sorted on the host.
/// @throws Error  if the temperature is not positive, top_k negative, or top_p not in (0, 1]
template <Real T, class B>
Tensor<T, B> truncated(const Tensor<T, B>& logits, const Sampling& how) {
  require(how.temperature > 0, "Sampling: a temperature of ", how.temperature, "; needs a positive one");
  require(how.top_k >= 0, "Sampling: top_k = ", how.top_k, "; needs 0, for all classes, or more");
  require(how.top_p > 0 && how.top_p <= 1, "Sampling: top_p = ", how.top_p, "; needs a number in (0, 1]");
  const Tensor<T, B> scaled = how.temperature == 1 ? logits : logits / how.temperature;
  if ((how.top_k == 0 || how.top_k >= logits.extent(-1)) && how.top_p == 1) return scaled;

  using W = Wide<T>;                                                       // the host computes in float or double
  const auto sorted = sort(to<Cpu>(cast<W>(scaled)), true);                // (…, K), the likeliest first
  const Tensor<W> places = arange<W>(logits.extent(-1));                   // (K)
  const Tensor<W> p = softmax(sorted.values), before = cumsum(p, -1) - p;  // (…, K), total of likelier classes
  const double most = static_cast<double>(how.top_k > 0 ? how.top_k : logits.extent(-1));
  const Tensor<W> beyond_k = greater_equal(places, most), beyond_p = greater_equal(before, how.top_p);
  const Tensor<W> first = less(places, 1);  // kept regardless of rounding
  const Tensor<W> out = where(first, zeros<W>(Shape{}), beyond_k + beyond_p);
  const Tensor<W> kept = masked_fill(sorted.values, out, -std::numeric_limits<double>::infinity());
  return cast<T>(to<B>(Scatter<Cpu>{sorted.indices, logits.shape()}(kept)));
}

}  // namespace flipbook::likelihood
