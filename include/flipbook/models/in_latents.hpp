// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/latent/latent.hpp>
#include <flipbook/models/flow/latent_prior.hpp>
#include <flipbook/models/tokens/token_prior.hpp>
#include <flipbook/quantizer/quantizer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The extents of the grid of a clip's codes.
struct LatentGrid {
  int frames = 0, height = 0, width = 0;
  constexpr int size() const { return frames * height * width; }
};

/// An autoencoder with a quantizer: it names the quantizer as QuantizerOf.
template <class A>
concept HasCodes = quantizer::Quantizer<typename A::QuantizerOf>;

/// An autoencoder with a latent: it names the latent as LatentOf.
template <class A>
concept HasLatents = latent::Latent<typename A::LatentOf>;

namespace detail {
// Compilers print these names if a prior is of the wrong kind.
template <class A, class P>
concept CodesNeedATokenPrior = (!HasCodes<A>) || TokenPrior<P>;
template <class A, class P>
concept LatentsNeedALatentPrior = (!HasLatents<A>) || LatentPrior<P>;
template <class A>
concept AutoencoderHasCodesOrLatents = HasCodes<A> || HasLatents<A>;
}  // namespace detail

/// A model of an autoencoder's outputs: a TokenPrior of its codes, or a LatentPrior of its latents.
template <class P, class A>
concept PriorOf = detail::AutoencoderHasCodesOrLatents<A> && detail::CodesNeedATokenPrior<A, P> &&
    detail::LatentsNeedALatentPrior<A, P>;

/// A model of two stages: an autoencoder, already trained and frozen, and a prior of its outputs. The prior of codes is
/// in models/tokens/in_latents.hpp, that of latents in models/flow/in_latents.hpp.
template <class Autoencoder, PriorOf<Autoencoder> Prior, LatentGrid Grid = LatentGrid{}>
struct InLatents;

}  // namespace flipbook
