// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <vector>

#include <flipbook/data/dataset.hpp>
#include <flipbook/models/in_latents.hpp>
#include <flipbook/models/prior_training.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Latent diffusion, a model of two stages: an autoencoder, already trained, encodes clips, and `Prior` learns the
/// distribution of the latents. Training changes only the prior.
///
///     z = (ẑ − mean) / deviation,  ẑ ~ q(ẑ | x)      loss = prior.loss(z)      new clips: E[x | mean + deviation · z]
///
/// `measure` estimates the mean and the deviation of each channel from data; they are saved with the weights. Their
/// initial values are 0 and 1.
///
/// Rombach et al., High-resolution image synthesis with latent diffusion models, 2022; for clips, Blattmann et al.,
/// Align your latents, 2023. LatentFlow trains the autoencoder in the same step. Parameters: autoencoder, prior;
/// buffers: mean, deviation.
///
/// @tparam Autoencoder  one with a latent, such as a Vae: x (N, …, C) → ẑ (N, …, Z), for each clip, frame or position
/// @tparam Prior        a model of unbounded values in Z channels, such as a Flow with flow::Range::unbounded
template <HasLatents Autoencoder, PriorOf<Autoencoder> Prior, LatentGrid Grid>
struct InLatents<Autoencoder, Prior, Grid> {
  using LatentOf = typename Autoencoder::LatentOf;
  static constexpr int in = Autoencoder::in, size = LatentOf::size;  ///< channels of clips, and of latents
  static constexpr bool unit_interval = Autoencoder::unit_interval;
  static_assert(Prior::in == LatentOf::size, "InLatents: the prior must be of as many channels as the latents");
  static_assert(Grid.size() == 0, "InLatents: latents need no LatentGrid, since sample is told their shape");

  /// The training data: clips, or the prior's Batch of them.
  template <class V>
  using Batch = BatchOf<Prior, V>;

  template <Real T, class B>
  struct Instance {
    using X = Tensor<T, B>;
    using Sampling = typename Prior::Sampling;  ///< the settings of `sample`

    Of<Autoencoder, T, B> autoencoder;
    Of<Prior, T, B> prior;
    Buffer<T, B> mean{zeros<T, B>({size})}, deviation{ones<T, B>({size})};  // (Z)

    explicit Instance(Rng& rng) : autoencoder(rng), prior(detail::make_instance<Of<Prior, T, B>>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("autoencoder", self.autoencoder);
      field("prior", self.prior);
      field("mean", self.mean);
      field("deviation", self.deviation);
    }

    /// Measures the mean and the deviation of each channel of the latents of a source's first clips.
    /// @param batch    the number of clips encoded at a time, which affects only rounding
    /// @throws Error   if `clips` or `batch` is not positive, or a channel is constant or not finite
    template <Dataset Source>
    void measure(const Source& source, Index clips, Rng& rng, Index batch = 16) {
      require(clips > 0 && batch > 0, "InLatents: measured on ", clips, " clips, ", batch, " at a time; needs some");
      std::vector<double> means(size), squares(size);  // Σ (ẑ − mean)²
      double count = 0;
      for (Index first = 0; first < clips; first += batch) {
        const auto x = clip_of(batch_of(source, first, std::min(batch, clips - first)));  // (N, T, H, W, C)
        const Tensor<double> z = cast<double>(to<Cpu>(draw(to<B>(cast<T>(x)), rng)));     // (N, …, Z)
        for (Index at = 0; at < z.size(); ++at) {
          const auto c = static_cast<std::size_t>(at % size);
          if (c == 0) ++count;
          const double from = z.data()[at] - means[c];
          means[c] += from / count;
          squares[c] += from * (z.data()[at] - means[c]);
        }
      }
      Tensor<double> deviations({size});
      for (std::size_t c = 0; c < means.size(); ++c) {
        const double variance = squares[c] / count;
        require(std::isfinite(variance) && variance > 1e-12, "InLatents: channel ", c, " of the latents is ", means[c],
                " everywhere, or not finite");
        deviations.data()[c] = std::sqrt(variance);
      }
      keep(mean, Tensor<double>({size}, means));
      keep(deviation, deviations);
    }

    /// The normalised mean of q(ẑ | x): (N, …, C) → (N, …, Z).
    X latents(const X& x) const { return normalised(autoencoder.encode(x).mean); }
    /// E[x | z], in the range of the data: (N, …, Z) → (N, …, C).
    X decode(const X& z) const { return autoencoder.expectation(z * deviation.value + mean.value); }
    /// E[x | z] at the mean of q(ẑ | x).
    X reconstruct(const X& x) const { return decode(latents(x)); }

    /// The training loss: the prior's loss on latents drawn for the clips.
    Variable<T, B> loss(Tape& tape, const Batch<X>& clips) const {
      auto known = map_members(clips, [&](const X& x) { return tape.constant(x); });
      const auto z = tape.constant(normalised(draw(clip_of(clips), tape.rng())));
      if constexpr (AnnotatedClip<Batch<X>>) known.clip = z;
      else known = z;
      return prior.loss(known);
    }

    /// New clips from latents of a shape (N, …, Z): (N, …, C).
    /// @param condition  the condition of the prior, such as (N, K) of a Flow
    X sample(const Shape& latents, Rng& rng, const Sampling& how = {}, const std::same_as<X> auto&... condition) const {
      return decode(prior.sample(latents, rng, how, condition...));
    }
    /// Clips that continue frames (N, t, H, W, C) by `more` frames of latents; the given frames are reconstructions.
    /// Only with a prior that continues latents in time, such as a Flow.
    /// @throws Error  if the latents have no time axis
    X sample(const X& frames, Index more, Rng& rng, const Sampling& how = {},
             const std::same_as<X> auto&... condition) const requires requires {
      this->prior.sample(frames, more, rng, how, condition...);
    }
    {
      const X known = latents(frames);  // (N, t, …, Z)
      return decode(concat(1, known, prior.sample(known, more, rng, how, condition...)));
    }

   private:
    X draw(const X& clips, Rng& rng) const { return LatentOf::sample(autoencoder.encode(clips), rng); }
    X normalised(const X& z) const { return (z - mean.value) / deviation.value; }
    static void keep(Buffer<T, B>& buffer, const Tensor<double>& numbers) {
      const auto moved = to<B>(cast<T>(numbers));
      B::copy(buffer.value.data(), moved.data(), static_cast<std::size_t>(moved.size()) * sizeof(T));
    }
  };

  template <Real T, class B, class Rule>
  using Training = PriorTraining<InLatents, T, B, Rule>;
};

}  // namespace flipbook
