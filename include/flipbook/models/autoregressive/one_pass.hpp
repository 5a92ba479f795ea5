// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/models/require_clips.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A network whose `static constexpr int context`, the number of frames that it reads, is `Context`, or that has none.
template <class Network, int Context>
concept ReadsTheContext = (!requires { Network::context; }) || (Network::context == Context);

/// A model that predicts several frames at once: a network maps `Context` frames to the parameters of the distributions
/// of the next frames, which are independent of each other given the context.
///
///     log p(x_{>Context} | x_{≤Context}) = Σ_t log p(x_t | x_{≤Context})
///
/// If more frames are requested than the network outputs, each further block is predicted from the last `Context`
/// frames before it, including the means of predicted frames, also in training. The last block is truncated to the
/// frames that are needed.
///
/// @tparam Network     a layer over clips (N, Context, …, C) → (N, T', …, C'), such as SimVpNetwork
/// @tparam Likelihood  of a frame, with C' = C · parameters_per_channel; likelihood::FixedGaussian for squared errors
template <nn::Layer Network, int Context, likelihood::Likelihood Likelihood = likelihood::Bernoulli>
  requires ReadsTheContext<Network, Context>
struct OnePass {
  static_assert(Context > 0, "OnePass<Network, Context>: the network needs at least one frame to read");
  static_assert(nn::channels_match < Network::out,
                Network::in<0 ? nn::unknown : Network::in * Likelihood::parameters_per_channel>,
                "OnePass: the network must give the likelihood's parameters for each channel that it takes");
  static constexpr int in = Network::in, context = Context;
  static constexpr bool unit_interval = likelihood::unit_interval<Likelihood>;

  template <Real T, class B>
  struct Instance {
    Of<Network, T, B> network;
    Of<Likelihood, T, B> likelihood;

    explicit Instance(Rng& rng) : network(rng), likelihood(detail::make_instance<Of<Likelihood, T, B>>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("network", self.network);
      field("likelihood", self.likelihood);
    }

    /// The distribution's parameters of the next `frames` frames after a clip: (N, frames, …, C').
    /// @param clips  (N, T, …, C) with T ≥ Context; the last `Context` frames are read
    /// @throws Error  if the clips are shorter, or `frames` is not positive
    template <Value X>
    X forward(const X& clips, Index frames) const {
      return unroll(clips, frames, [&](const X& parameters) { return likelihood.mean(parameters); }).parameters;
    }

    /// Σ_t log p(x_t) over the frames after the first `seen`, in nats: (N). Of the first `seen`, the last `Context` are
    /// read.
    /// @param clips  (N, T, …, C) with T > seen ≥ Context
    template <Value X>
    X log_likelihood(const X& clips, Index seen = Context) const {
      static_assert(flipbook::likelihood::HasLogProb<Of<Likelihood, T, B>, X, X>,
                    "OnePass: the likelihood has no log_prob(parameters, x)");
      require(clips.rank() >= 3 && Context <= seen && seen < clips.extent(1), "OnePass: clips ", clips.shape(),
              " of which ", seen, " frames are seen: needs (N, T, …, C) with T above that, and ", Context,
              " frames to read");
      const Index last = clips.extent(1);
      return likelihood.log_prob(forward(slice(clips, 1, 0, seen), last - seen), slice(clips, 1, seen, last));
    }
    /// The same under the name of Autoregressive's method: true frames after the first `seen` are never inputs.
    Tensor<T, B> open_loop_log_likelihood(const Tensor<T, B>& clips, Index seen) const {
      return log_likelihood(clips, seen);
    }

    /// The training loss: −log p in nats per predicted frame, averaged over the clips.
    template <Value X>
    X loss(const X& clips) const {
      const X log_p = log_likelihood(clips);
      return affine(mean(log_p), -1.0 / static_cast<double>(clips.extent(1) - Context), 0);
    }

    /// The next frames after a clip: (N, frames, …, C). The next block is predicted from the drawn frames.
    Tensor<T, B> sample(const Tensor<T, B>& clips, Index frames, Rng& rng, Continue with = Continue::sample) const {
      return unroll(clips, frames,
                    [&](const Tensor<T, B>& parameters) {
                      return with == Continue::sample ? likelihood.sample(parameters, rng)
                                                      : likelihood.mean(parameters);
                    })
          .frames;
    }
    /// The same, with each frame the mean of its distribution.
    Tensor<T, B> predict(const Tensor<T, B>& clips, Index frames) const {
      Rng unused;
      return sample(clips, frames, unused, Continue::mean);
    }

   private:
    template <Value X>
    struct Blocks {
      X parameters, frames;  // (N, frames, …, C') and (N, frames, …, C)
    };

    /// Predicts blocks until there are `count` frames; frames_of(parameters) returns the frames that the next block
    /// reads.
    template <Value X, class F>
    Blocks<X> unroll(const X& clips, Index count, const F& frames_of) const {
      require(count > 0, "OnePass: ", count, " frames asked for");
      require(clips.rank() >= 3 && clips.extent(1) >= Context, "OnePass: clips ", clips.shape(),
              "; needs (N, T, …, C) with at least ", Context, " frames to read");
      detail::require_clips("OnePass", clips.shape(), in);
      List<X> parameters, frames;
      X context = last(clips, Context);
      for (Index made = 0; made < count;) {
        const X block = network(context);  // (N, T', …, C')
        require(block.rank() == clips.rank() && block.extent(0) == clips.extent(0) && block.extent(1) > 0,
                "OnePass: the network gives ", block.shape(), " for ", context.shape(), "; needs (N, T', …, C')");
        const Index taken = std::min(count - made, block.extent(1));
        parameters.push_back(slice(block, 1, 0, taken));
        frames.push_back(frames_of(parameters.back()));
        made += taken;
        if (made < count) context = last(concat(1, context, frames.back()), Context);
      }
      return {concat(1, parameters), concat(1, frames)};
    }
    template <Value X>
    static X last(const X& clips, Index count) {
      return slice(clips, 1, clips.extent(1) - count, clips.extent(1));
    }
  };
};

}  // namespace flipbook
