// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>

#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/models/require_clips.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// What an autoregressive model continues a clip with.
enum class Continue {
  sample,  ///< frames drawn from p(x_t | x_<t)
  mean     ///< their expectation: the prediction with the least squared error for one step
};

/// An autoregressive model of clips: a network reads the frames so far and gives the parameters of the next
/// one's distribution.
///
///     log p(x) = Σ_t log p(x_t | x_<t)
///
/// Before the first frame the network sees one of zeros. Where the first `context_frames` of every clip are
/// given, and only what follows is predicted, it sees none.
///
/// @tparam Network     a layer over sequences (N, T, …, C) → (N, T, …, C'), causal in T, that also goes step by
///                     step: `start(frame)`, `step(frame, state)`; such as nn::Stack. If it has
///                     `observe(frame, state)`, a cheaper step without an output, that is called for frames of
///                     the context whose successors are given
/// @tparam Likelihood  of a frame, with C' = C · parameters_per_channel
template <nn::Layer Network, likelihood::Likelihood Likelihood = likelihood::Bernoulli>
struct Autoregressive {
  static_assert(nn::channels_match < Network::out,
                Network::in<0 ? nn::unknown : Network::in * Likelihood::parameters_per_channel>,
                "Autoregressive: the network must give the likelihood's parameters for each channel that it takes");
  static constexpr int in = Network::in;
  static constexpr bool unit_interval = likelihood::unit_interval<Likelihood>;

  template <Real T, class B>
  struct Instance {
    Of<Network, T, B> network;
    Of<Likelihood, T, B> likelihood;
    Index context_frames = 0;  ///< frames of every clip that are given and not predicted
    double scheduled_sampling =
        0;  ///< scheduled sampling: how often `loss` feeds the model's own last frame. Bengio et al., 2015
    bool through_own_frames = false;  ///< whether gradients pass through these to the steps that made them

    explicit Instance(Rng& rng) : network(rng), likelihood(detail::make_instance<Of<Likelihood, T, B>>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("network", self.network);
      field("likelihood", self.likelihood);
      field("context_frames", self.context_frames);
      field("scheduled_sampling", self.scheduled_sampling);
      field("through_own_frames", self.through_own_frames);
    }

    /// The distribution's parameters of frames x_t, t > context_frames, each from the true frames before it (teacher
    /// forcing): (N, T − context_frames, …, C').
    template <Value X>
    X forward(const X& clips) const {
      const X parameters = network(inputs(clips));  // (N, T or T − 1, …, C')
      return last_frames(parameters, clips.shape()[1] - context_frames);
    }

    /// Σ_t log p(x_t | x_<t) over t > context_frames, in nats: (N).
    /// @param clips  (N, T, …, C) with T > context_frames
    template <Value X>
    X log_likelihood(const X& clips) const {
      static_assert(flipbook::likelihood::HasLogProb<Of<Likelihood, T, B>, X, X>,
                    "Autoregressive: the likelihood has no log_prob(parameters, x)");
      return likelihood.log_prob(forward(clips), targets(clips));
    }

    /// What training minimises: −log p(x) in nats per predicted frame, averaged over the clips.
    /// @throws Error  if the clips have one frame, which teaches nothing about the next one
    template <Value X>
    X loss(const X& clips) const {
      require(clips.rank() < 3 || clips.extent(1) > 1, "Autoregressive: clips of shape ", clips.shape(),
              " have one frame; learning to predict the next one needs (N, T, …, C) with T > 1");
      const auto log_p =
          scheduled_sampling > 0 ? likelihood.log_prob(forward_mixed(clips), targets(clips)) : log_likelihood(clips);
      return affine(mean(log_p), -1.0 / static_cast<double>(clips.shape()[1] - context_frames), 0);
    }

    /// The same quantity, where from frame `seen` on the model is fed its own predictions (open loop): (N), over
    /// the frames after `seen`.
    Tensor<T, B> open_loop_log_likelihood(const Tensor<T, B>& clips, Index seen) const {
      require(0 < seen && seen < clips.extent(1), "open_loop_log_likelihood: ", seen, " frames seen of ",
              clips.shape());
      List<Tensor<T, B>> predicted;
      unroll(slice(clips, 1, 0, seen), clips.extent(1) - seen, [&](const Tensor<T, B>& parameters) {
        predicted.push_back(parameters);
        return likelihood.mean(parameters);
      });
      return likelihood.log_prob(stack(1, predicted), slice(clips, 1, seen, clips.extent(1)));
    }

    /// The next frames after a context, each from the ones before it, its own included.
    /// @param context  (N, T, …, C); T = 0, where the model was trained with context_frames = 0, begins from nothing
    /// @return         (N, frames, …, C)
    Tensor<T, B> sample(const Tensor<T, B>& context, Index frames, Rng& rng, Continue with = Continue::sample) const {
      require(frames > 0, "sample: ", frames, " frames asked for");
      List<Tensor<T, B>> drawn;
      unroll(context, frames, [&](const Tensor<T, B>& parameters) {
        drawn.push_back(with == Continue::sample ? likelihood.sample(parameters, rng) : likelihood.mean(parameters));
        return drawn.back();
      });
      return stack(1, drawn);
    }
    /// The same with every frame the expectation of its distribution.
    Tensor<T, B> predict(const Tensor<T, B>& context, Index frames) const {
      Rng unused;
      return sample(context, frames, unused, Continue::mean);
    }

   private:
    /// What the network sees: all frames but the last, after one of zeros where the first is to be predicted.
    template <Value X>
    X inputs(const X& clips) const {
      const Shape& shape = clips.shape();
      require(shape.rank() >= 3 && 0 <= context_frames && context_frames < shape[1], "Autoregressive: clips ", shape,
              " of which ", context_frames, " frames are given: needs (N, T, …, C) with more frames than that");
      detail::require_clips("Autoregressive", shape, in);
      const X all_but_last = slice(clips, 1, 0, shape[1] - 1);
      return context_frames == 0 ? pad(all_but_last, 1, 1, 0) : all_but_last;
    }
    template <Value X>
    X targets(const X& clips) const {
      return last_frames(clips, clips.shape()[1] - context_frames);
    }
    template <Value X>
    static X last_frames(const X& x, Index count) {
      return slice(x, 1, x.shape()[1] - count, x.shape()[1]);
    }

    /// As `forward`, where each sample's own last prediction takes the place of the true frame now and then.
    template <Value X>
    X forward_mixed(const X& clips) const {
      const List<X> frames = unstack(inputs(clips), 1);
      const auto context = static_cast<std::size_t>(std::max<Index>(context_frames, 1));
      auto state = network.start(frames.front());
      List<X> parameters{read(frames, context, state)};
      for (std::size_t t = context; t < frames.size(); ++t)
        parameters.push_back(network.step(mixed(frames[t], own_frame(parameters.back())), state));
      return stack(1, parameters);
    }
    /// The parameters of the frame after the first `count`.
    template <Value X>
    X read(const List<X>& frames, std::size_t count, auto& state) const {
      for (std::size_t t = 0; t + 1 < count; ++t) {
        if constexpr (requires { network.observe(frames[t], state); }) (void)network.observe(frames[t], state);
        else (void)network.step(frames[t], state);
      }
      return network.step(frames[count - 1], state);
    }
    template <Value X>
    X own_frame(const X& parameters) const {
      const X frame = likelihood.mean(parameters);
      return through_own_frames ? frame : stop_gradient(frame);
    }
    template <Value X>
    X mixed(const X& truth, const X& own) const {
      if constexpr (training<X>) {
        if (truth.tape().training()) {
          Shape per_sample = Shape::filled(truth.rank(), 1);
          per_sample[0] = truth.extent(0);
          const auto take_own = map(function::LessThan{}, uniform<T, B>(per_sample, truth.tape().rng()),
                                    full<T, B>(per_sample, static_cast<T>(scheduled_sampling)));  // (N, 1, …)
          return truth + take_own * (own - truth);
        }
      }
      return truth;
    }

    /// Feeds the context, then `frames` times what `next` makes of the last parameters.
    template <class Next>
    void unroll(const Tensor<T, B>& context, Index frames, const Next& next) const {
      require(context.rank() >= 3 && (context.extent(1) > 0 || context_frames == 0), "Autoregressive: context ",
              context.shape(), "; needs (N, T, …, C) with at least one frame");
      detail::require_clips("Autoregressive", context.shape(), in);
      const Tensor<T, B> seen = context_frames == 0 ? pad(context, 1, 1, 0) : context;
      const List<Tensor<T, B>> known = unstack(seen, 1);
      auto state = network.start(known.front());
      Tensor<T, B> parameters = read(known, known.size(), state);
      for (Index t = 0; t < frames; ++t) {
        const Tensor<T, B> frame = next(parameters);
        if (t + 1 < frames) parameters = network.step(frame, state);
      }
    }
  };
};

}  // namespace flipbook
