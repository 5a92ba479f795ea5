// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/elementwise/straight_through.hpp>
#include <flipbook/ops/elementwise/where.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/ops/reduce/per_sample.hpp>
#include <flipbook/quantizer/digits.hpp>

namespace flipbook::inline FLIPBOOK_ISA::quantizer {

/// Weights of LookupFree's loss; a template argument, written `LookupFreeOptions{.entropy = 0.05}`.
struct LookupFreeOptions {
  double commitment = 0.25;  ///< weight of ‖z − z′‖²
  double entropy = 0.1;      ///< weight of both entropies
  double diversity = 1;      ///< weight of the mean's entropy relative to that of each position
  double sharpness = 1;      ///< τ in p = σ(4τz), the probability of a bit
};

/// Lookup-free quantization: each component of z becomes its sign, −1 or 1, and the signs are the bits of a code, the
/// first the least significant. It has no codebook. Its loss encourages certain bits at each position and the use of
/// all codes:
///
///     commitment ‖z − z′‖² + entropy (Σ H(p) − diversity Σ H(p̄)),      p = σ(4τz), the probability of a bit
///
/// with the mean p̄ over all positions of the batch. The entropy of the mean is summed over bits: this is an upper
/// bound of the codes' entropy and needs Bits numbers instead of 2^Bits. Yu et al., Language model beats diffusion:
/// tokenizer is key to visual generation, 2024; sum over bits after Zhao et al., Binary spherical quantization, 2024.
template <int Bits, LookupFreeOptions O = LookupFreeOptions{}>
struct LookupFree {
  static_assert(0 < Bits && Bits <= 20, "LookupFree<Bits>: needs 1 to 20 bits");
  static constexpr int size = Bits, codes = 1 << Bits;

  template <Real T, class B>
  struct Instance {
    using W = Wide<T>;  // represents codes exactly

    /// @throws Error  unless z is (N, …, Bits)
    template <Value X>
    Quantized<X> quantize(const X& z) const {
      detail::require_size("LookupFree", z.shape(), Bits);
      const Tensor<T, B> bits = greater(z, 0), signs = bits * 2 - 1;  // (N, …, Bits)
      return {straight_through(signs, z), detail::code_of(cast<W>(bits), place(), LookupFree::codes),
              sum_per_sample(square(z - signs)) * O.commitment + entropies(z) * O.entropy};
    }
    /// @throws Error  if a code is outside 0 … codes − 1
    Tensor<T, B> decode(const Tensor<std::int32_t, B>& which) const {
      flipbook::detail::require_indices("LookupFree", which, LookupFree::codes);
      return cast<T>(detail::digits_of(which, place(), full<W, B>({Bits}, W(2))) * 2 - 1);
    }

   private:
    static Tensor<W, B> place() {
      std::array<double, std::size_t{Bits}> two;
      two.fill(2);
      return detail::row<W, B>(detail::places(two));
    }
    /// The entropies of each sample's positions, minus that of the mean over all positions: (N).
    template <Value X>
    static X entropies(const X& z) {
      const X logits = reshape(z, {z.extent(0), -1, Bits}) * (4 * O.sharpness), p = sigmoid(logits);
      const X each = sum_per_sample(softplus(logits) - logits * p);  // H(σ(l)) = log(1 + eˡ) − l σ(l)
      const X used = clamp(mean(p, {0, 1}, true), 1e-6, 1 - 1e-6);   // (Bits)
      const X of_mean = -sum(used * log(used) + (1 - used) * log(1 - used));
      return each - of_mean * (O.diversity * static_cast<double>(logits.extent(1)));
    }
  };
};

}  // namespace flipbook::quantizer
