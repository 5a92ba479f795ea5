// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/quantizer/scales.hpp>
#include <flipbook/quantizer/vector.hpp>

namespace flipbook::inline FLIPBOOK_ISA::quantizer {

/// A quantizer with a codebook of nearest vectors that one step may use several times, such as Vector.
template <class Q>
concept Codebook = Quantizer<Q> && requires(const typename Q::template Instance<float, Cpu>& instance, Tape& tape,
                                            const Tensor<float>& vectors, const Tensor<std::int32_t>& codes, Rng& rng) {
  { Q::commitment } -> std::convertible_to<double>;
  { instance.nearest_of(instance.current().vectors, vectors) } -> std::same_as<Tensor<std::int32_t>>;
  instance.follow(tape, instance.revived(instance.current(), vectors, rng), vectors, codes);
};

/// Residual quantization over scales: each scale codes the residual of z after the coarser ones, on its own grid, and
/// z′ is the sum of all on the whole grid. All scales share one codebook.
///
///     f₀ = 0,   rₖ = the codes nearest to downₖ(z − fₖ₋₁),   fₖ = fₖ₋₁ + upₖ(the vectors of rₖ),   z′ = f_K
///     loss = commitment · Σₖ ‖z − fₖ‖² / K
///
/// with `down` and `up` of Scales. z (N, T, H, W, size) has the extents of the last scale. Codes (N, length) are the
/// concatenated codes of all scales, each in the order time, height, width. The codebook follows the vectors of all
/// scales. Dead codes restart at residuals computed as if quantization were lossless. Buffers are those of the
/// codebook. Tian et al., Visual autoregressive modeling: scalable image generation via next-scale prediction, 2024,
/// without its convolutions after `up`.
///
/// @tparam Q  a quantizer with a codebook, such as Vector
/// @tparam S  Scales<…>
template <Codebook Q, ScaleList S>
struct MultiScale {
  static constexpr int size = Q::size, codes = Q::codes, length = S::length;
  using ScalesOf = S;

  template <Real T, class B>
  struct Instance {
    using Codes = Tensor<std::int32_t, B>;

    Of<Q, T, B> codebook;

    explicit Instance(Rng& rng) : codebook(rng) {}
    static void fields(auto& self, auto&& field) { Of<Q, T, B>::fields(self.codebook, field); }

    /// @throws Error  unless z has the extents of the last scale
    template <Value X>
    Quantized<X> quantize(const X& z) const {
      require(z.shape().rank() == 5 && z.shape() == grid(z.extent(0), S::count - 1, Q::size),
              "MultiScale: needs z (N, ", S::whole.t, ", ", S::whole.h, ", ", S::whole.w, ", ", Q::size, "), got ",
              z.shape());
      const Tensor<T, B> whole = tensor_of(z);
      auto book = codebook.current();
      if constexpr (training<X>) {
        if (z.tape().training()) book = codebook.revived(book, residuals(whole), z.tape().rng());
      }
      List<Tensor<T, B>> vectors;  // (N·t·h·w, size) of each scale
      List<Codes> chosen, by_sample;
      Tensor<T, B> sum = zeros<T, B>(z.shape());
      X loss = lift_like(z, zeros<T, B>({z.extent(0)}));
      for (int k = 0; k < S::count; ++k) {
        vectors.push_back(S::down(whole - sum, k).reshape({-1, Q::size}));
        chosen.push_back(codebook.nearest_of(book.vectors, vectors.back()));
        by_sample.push_back(chosen.back().reshape({z.extent(0), S::places(k)}));
        sum = sum + found(book.vectors, by_sample.back(), k);
        loss = loss + sum_per_sample(square(z - sum));
      }
      if constexpr (training<X>) {
        if (z.tape().training()) codebook.follow(z.tape(), book, concat(0, vectors), concat(0, chosen));
      }
      return {straight_through(sum, z), concat(1, by_sample), loss * (Q::commitment / S::count)};
    }
    /// Decodes codes (N, length), or those of the coarsest scales only: (N, T, H, W, size).
    /// @throws Error  if the codes are not those of complete scales, or one is outside 0 … codes − 1
    Tensor<T, B> decode(const Codes& codes) const {
      const int scales = codes.rank() == 2 ? S::with_places(codes.extent(1)) : -1;
      require(scales > 0, "MultiScale: needs codes (N, ", S::length, "), or those of the coarsest scales, got ",
              codes.shape());
      flipbook::detail::require_indices("MultiScale", codes, MultiScale::codes);
      Tensor<T, B> sum = zeros<T, B>(grid(codes.extent(0), S::count - 1, Q::size));
      for (int k = 0; k < scales; ++k) {
        sum = sum +
              found(codebook.current().vectors, slice(codes, 1, S::places_of_first(k), S::places_of_first(k + 1)), k);
      }
      return sum;
    }

   private:
    static Shape grid(Index n, int scale, Index channels) {
      const Extent& places = S::at(scale);
      return {n, places.t, places.h, places.w, channels};
    }
    /// The vectors of a scale's codes (N, places), on the whole grid.
    static Tensor<T, B> found(const Tensor<T, B>& book, const Codes& which, int scale) {
      return S::up(GatherRows<B>{which}(book).reshape(grid(which.extent(0), scale, Q::size)), scale);
    }
    /// The concatenated residuals of all scales, as if quantization were lossless: (M, size).
    static Tensor<T, B> residuals(const Tensor<T, B>& whole) {
      List<Tensor<T, B>> seen;
      Tensor<T, B> rest = whole;
      for (int k = 0; k < S::count; ++k) {
        const Tensor<T, B> here = S::down(rest, k);
        seen.push_back(here.reshape({-1, Q::size}));
        rest = rest - S::up(here, k);
      }
      return concat(0, seen);
    }
  };
};

}  // namespace flipbook::quantizer
