// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <utility>

#include <flipbook/data/annotated_clip.hpp>
#include <flipbook/likelihood/gaussian.hpp>
#include <flipbook/models/require_clips.hpp>
#include <flipbook/models/state_space/frames.hpp>
#include <flipbook/models/state_space/parts.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/residual.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// The number of channels of the concatenated parts; nn::unknown if that of a part is.
constexpr int together(std::initializer_list<int> parts) {
  int sum = 0;
  for (const int part : parts) {
    if (part < 0) return nn::unknown;
    sum += part;
  }
  return sum;
}

}  // namespace detail

/// A state-space model of clips: each frame x_t has a random latent z_t and a deterministic memory h_t of earlier
/// frames.
///
///     h_t = f(h_{t−1}; x_{t−1}, z_{t−1}, a_{t−1})      with the inputs that `wiring` names
///     z_t ~ p(z_t | h_t),    x_t ~ p(x_t | h_t, z_t, last observed frame),    in training z_t ~ q(z_t | h_t, x_t)
///     ELBO(x) = E_q Σ_t [log p(x_t | …) − KL(q(z_t | …) ‖ p(z_t | …))]  ≤  log p(x)
///
/// Prior, posterior and emission may have a memory of their own; if h_t is only the code of frame t − 1, all memory is
/// there. Svg, Vrnn and Rssm differ only in their parts.
///
/// The parts are members of one struct, since nine template arguments would be known only by their position. All frames
/// are encoded as one batch, and decoded as one; only computations that depend on earlier z run step by step.
template <StateSpaceParts Parts>
struct StateSpace {
  using Encoder = typename Parts::Encoder;
  using Latent = typename Parts::Latent;
  using Likelihood = typename Parts::Likelihood;
  static constexpr Wiring wiring = Parts::wiring;
  static constexpr bool learned_prior = !std::same_as<typename Parts::Prior, StandardPrior>;
  static constexpr bool has_head = !std::same_as<typename Parts::Head, NoHead>;
  static constexpr bool skips = requires { requires Encoder::gives_skips; };
  static constexpr int in = Encoder::in;
  static constexpr bool unit_interval = likelihood::unit_interval<Likelihood>;
  static_assert(!skips || wiring.first_given,
                "StateSpace: maps of the last frame seen need a first frame that is given");
  static_assert(!wiring.first_given || wiring.frame, "StateSpace: a first frame that is given must be read by h");
  static constexpr int read =
      detail::together({wiring.frame ? Encoder::out : 0, wiring.latent ? Latent::size : 0, wiring.actions});
  static constexpr int memory = Parts::Transition::out == nn::any ? read : Parts::Transition::out;
  static constexpr int caused = detail::together({memory, Latent::size});
  static constexpr int features = Parts::Emission::out == nn::any ? caused : Parts::Emission::out;
  static_assert(nn::channels_match<read, Parts::Transition::in>,
                "StateSpace: the transition must take what `wiring` names: code, z and action, of these");
  static_assert(
      nn::channels_match<detail::together({wiring.posterior ? memory : 0, Encoder::out}), Parts::Posterior::in>,
      "StateSpace: the posterior must take h, where `wiring` says so, and the encoder's code");
  static_assert(nn::channels_match<caused, Parts::Emission::in>, "StateSpace: the emission must take h and z");
  static_assert(nn::channels_match<features, Parts::Decoder::in>,
                "StateSpace: the decoder must take what the emission gives");
  static_assert(nn::channels_match<Parts::Posterior::out, Latent::parameters>,
                "StateSpace: the posterior must give the latent's parameters");
  static_assert(
      nn::channels_match < Parts::Decoder::out,
      Encoder::in<0 ? nn::unknown : Encoder::in * Likelihood::parameters_per_channel>,
      "StateSpace: the decoder must give the likelihood's parameters for each channel that the encoder takes");

  /// The training data: clips (N, T, H, W, C), with actions and state if the model reads actions or has a head.
  template <class V>
  using Batch = std::conditional_t<(wiring.actions > 0) || has_head, ClipWithActions<V>, V>;

  template <Real T, class B>
  struct Instance {
    using Frames = Tensor<T, B>;
    template <class Network, class X>
    using Memory = std::optional<typename nn::detail::StateOf<Network, X>::Type>;

    /// The state after the frames so far. Copies are independent.
    template <Value X>
    struct State {
      X code, z;                         // of the last frame: (N, E), (N, Z)
      X features;                        // the decoder's input for the last frame: (N, F)
      List<X> skips;                     // feature maps of the last observed frame: (N, H, W, C) each
      bool begun = !wiring.first_given;  // false until a given first frame is observed
      Memory<typename Parts::Transition, X> transition;
      Memory<typename Parts::Prior, X> prior;
      Memory<typename Parts::Posterior, X> posterior;
      Memory<typename Parts::Emission, X> emission;
    };
    /// The variables of the S modelled frames of clips, with z drawn from q.
    template <Value X>
    struct Inferred {
      X h, posterior, z;  // (N, S, H), parameters of q (N, S, P), (N, S, Z)
      List<X> skips;      // for each frame the maps of the last observed frame before it: (N·S, H, W, C) each
    };
    /// The result of `imagine`: clips (N, K, H, W, C), and the features from which they are decoded, (N, K, F).
    struct Imagined {
      Frames clips, features;
    };

    Of<Encoder, T, B> encoder;
    Of<typename Parts::Transition, T, B> transition;
    Of<typename Parts::Prior, T, B> prior;
    Of<typename Parts::Posterior, T, B> posterior;
    Of<typename Parts::Emission, T, B> emission;
    Of<typename Parts::Decoder, T, B> decoder;
    Of<typename Parts::Head, T, B> head;
    Of<Likelihood, T, B> likelihood;
    DivergenceSettings divergence = Parts::divergence;  ///< of `loss`
    /// With a SkipEncoder: the number of frames of a training clip that count as observed, best the number of frames
    /// that will be given in sampling. Later frames are decoded with the maps of the last of them.
    Index seen_frames = 5;

    explicit Instance(Rng& rng)
        : encoder(rng),
          transition(rng),
          prior(detail::make_instance<decltype(prior)>(rng)),
          posterior(rng),
          emission(rng),
          decoder(rng),
          head(detail::make_instance<decltype(head)>(rng)),
          likelihood(detail::make_instance<decltype(likelihood)>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("encoder", self.encoder);
      field("transition", self.transition);
      field("prior", self.prior);
      field("posterior", self.posterior);
      field("emission", self.emission);
      field("decoder", self.decoder);
      field("head", self.head);
      field("likelihood", self.likelihood);
      field("beta", self.divergence.beta);
      field("representation", self.divergence.representation);
      field("free_nats", self.divergence.free_nats);
      field("seen_frames", self.seen_frames);
    }

    /// A lower bound of log p of each clip, and of the annotations that a head predicts, in nats, with one draw of
    /// every z: (N). It excludes a given first frame.
    Frames elbo(const Batch<Frames>& batch, Rng& rng) const {
      const auto path = infer(clip_of(batch), actions_of<Frames>(batch), rng);
      return log_likelihood<Frames>(batch, path) - sum_per_sample(kl(path.h, path.posterior));
    }
    /// The training loss: −ELBO in nats per modelled frame, with the weights of `divergence`, averaged over the clips.
    Variable<T, B> loss(const Batch<Variable<T, B>>& batch) const {
      using V = Variable<T, B>;
      const auto path = infer(clip_of(batch), actions_of<V>(batch), clip_of(batch).tape().rng());
      const V bound = log_likelihood<V>(batch, path) - sum_per_sample(weighted_kl(path));
      return affine(mean(bound), -1.0 / static_cast<double>(path.z.extent(1)), 0);
    }

    /// Draws z of all modelled frames from q, each given the frames up to it.
    /// @param clips    (N, T, H, W, C)
    /// @param actions  (N, T, A); row t leads from frame t to frame t + 1. Empty if the model reads no actions
    /// @throws Error  if there are too few frames, or their channels or actions are not the networks'
    template <Value X>
    Inferred<X> infer(const X& clips, const std::type_identity_t<X>& actions, Rng& rng) const {
      check(clips.shape(), actions.shape());
      auto [all, maps] = encode(clips);  // (N, T, E)
      const List<X> codes = unstack(all, 1), before = leading_actions(clips, actions);
      List<X> h, q, z;
      State<X> state = start(codes.front());
      for (std::size_t t = 0; t < codes.size(); ++t) {
        if (state.begun) {
          h.push_back(remember(before[t], state));
          q.push_back(posterior_of(h.back(), codes[t], state));
          z.push_back(state.z = Latent::sample(Latent::posterior(q.back()), rng));
        }
        state.code = codes[t];
        state.begun = true;
      }
      for (X& map : maps) map = of_last_seen(map, clips.extent(0));
      return {stack(1, h), stack(1, q), stack(1, z), maps};
    }

    /// The state before the first frame of as many clips as there are codes (N, E).
    template <Value X>
    State<X> start(const X& codes) const {
      const auto zero = [&](const Shape& shape) { return lift_like(codes, zeros<T, B>(shape)); };
      State<X> state;
      state.code = zero(codes.shape());
      state.z = zero({codes.extent(0), Latent::size});
      return state;
    }
    /// The same for n clips, to imagine clips without an observed frame.
    State<Frames> start(Index n) const requires(!wiring.first_given && Encoder::out > 0) {
      return start(zeros<T, B>({n, Encoder::out}));
    }
    /// Updates the state with the next frame (N, H, W, C) and the action (N, A) that led to it, zeros for the first
    /// frame.
    void observe(const Frames& frame, const Frames& action, State<Frames>& state, Rng& rng) const {
      auto [code, maps] = encode(reshape(frame, with_time(frame.shape())));  // (N, 1, E)
      const Frames now = reshape(code, {code.extent(0), code.extent(2)});
      if (state.begun) {
        const Frames h = remember(action, state);
        if constexpr (learned_prior) advance(prior, h, state.prior);
        state.z = Latent::sample(Latent::posterior(posterior_of(h, now, state)), rng);
        state.features = advance(emission, concat(-1, h, state.z), state.emission);
      }
      state.code = now;
      state.skips = maps;
      state.begun = true;
    }
    /// The state after clips (N, T, H, W, C) with actions (N, T, A); the last action leads to the next frame and is not
    /// read.
    /// @throws Error  if there are too few frames, or their channels or actions are not the networks'
    State<Frames> observe(const Frames& clips, const Frames& actions, Rng& rng) const {
      check(clips.shape(), actions.shape());
      const List<Frames> frames = unstack(clips, 1), before = leading_actions(clips, actions);
      State<Frames> state;
      for (std::size_t t = 0; t < frames.size(); ++t) {
        if (t == 0) state = start(encode(slice(clips, 1, 0, 1)).code.reshape({clips.extent(0), -1}));
        observe(frames[t], before[t], state, rng);
      }
      return state;
    }
    State<Frames> observe(const Frames& clips, Rng& rng) const requires(wiring.actions == 0) {
      return observe(clips, {}, rng);
    }

    /// The next K frames for actions (N, K, A), the first of which leads to the first new frame: z is drawn from the
    /// prior, and each frame is its expectation given z.
    /// @throws Error  if the shape of the actions does not fit, or no frame was observed although the first one is
    ///                given
    Imagined imagine(State<Frames> state, const Frames& actions, Rng& rng) const requires(wiring.actions > 0) {
      require(actions.rank() == 3 && actions.extent(0) == state.z.extent(0) && actions.extent(2) == wiring.actions,
              "imagine: actions of shape ", actions.shape(), "; needs (", state.z.extent(0), ", K, ", wiring.actions,
              ")");
      return unroll(std::move(state), unstack(actions, 1), rng);
    }
    Imagined imagine(State<Frames> state, Index frames, Rng& rng) const requires(wiring.actions == 0) {
      return unroll(std::move(state), List<Frames>(static_cast<std::size_t>(frames)), rng);
    }

   private:
    template <Value X>
    static X actions_of(const Batch<X>& batch) {
      if constexpr (wiring.actions > 0) return batch.actions;
      else return {};
    }
    static void check(const Shape& clips, const Shape& actions) {
      require(clips.rank() == 5 && clips[1] > (wiring.first_given ? 1 : 0), "StateSpace: clips of shape ", clips,
              "; needs (N, T, H, W, C) with T > ", wiring.first_given ? 1 : 0);
      detail::require_clips("StateSpace", clips, in);
      if constexpr (wiring.actions > 0) {
        const Shape needed{clips[0], clips[1], wiring.actions};
        require(actions == needed, "StateSpace: actions of shape ", actions, "; needs ", needed);
      }
    }
    static Shape with_time(const Shape& frame) {
      Shape clip{frame[0], 1};
      for (const Index extent : frame.part(1, frame.rank())) clip.push_back(extent);
      return clip;
    }
    /// For each frame the action that led to it: (N, A) each, zeros for the first.
    template <Value X>
    static List<X> leading_actions(const X& clips, const X& actions) {
      const Index frames = clips.extent(1);
      if constexpr (wiring.actions > 0) return unstack(pad(slice(actions, 1, 0, frames - 1), 1, 1, 0), 1);
      else return List<X>(static_cast<std::size_t>(frames));
    }

    /// Codes of all frames, (N, T, E), and the feature maps of a SkipEncoder, (N·T, H, W, C) each.
    template <Value X>
    state_space::Encoded<X> encode(const X& clips) const {
      List<X> maps;
      const X codes = nn::for_each_frame(clips, [&](const X& frames) {
        if constexpr (skips) {
          auto encoded = encoder(frames);
          maps = encoded.skips;
          return encoded.code;
        } else {
          return encoder(frames);
        }
      });
      return {codes, maps};
    }
    /// The likelihood's parameters of frames, (N, S, H, W, C').
    template <Value X>
    X decode(const X& features, const List<X>& maps) const {
      return nn::for_each_frame(features, [&](const X& each) {
        if constexpr (skips) return decoder(each, maps);
        else return decoder(each);
      });
    }
    /// For each frame but the first the map of the last frame observed before it: (N·T, H, W, C) →
    /// (N·(T − 1), H, W, C).
    template <Value X>
    X of_last_seen(const X& maps, Index clips) const {
      Shape shape{clips, maps.extent(0) / clips};
      for (const Index extent : maps.shape().part(1, maps.rank())) shape.push_back(extent);
      const X all = reshape(maps, shape);
      const Index count = shape[1] - 1, seen = std::clamp<Index>(seen_frames, 1, count);
      X chosen = slice(all, 1, 0, seen);
      if (seen < count) {
        shape[1] = count - seen;
        chosen = concat(1, chosen, broadcast_to(slice(all, 1, seen - 1, seen), shape));
      }
      Shape flat = maps.shape();
      flat[0] = clips * count;
      return reshape(chosen, flat);
    }

    template <class Network, Value X, class Memory>
    static X advance(const Network& network, const X& x, Memory& memory) {
      if (!memory) memory.emplace(network.start(x));
      return network.step(x, *memory);
    }
    /// h of the next frame: (N, H).
    template <Value X>
    X remember(const X& action, State<X>& state) const {
      List<X> read;
      if constexpr (wiring.frame) read.push_back(state.code);
      if constexpr (wiring.latent) read.push_back(state.z);
      if constexpr (wiring.actions > 0) read.push_back(action);
      return advance(transition, concat(-1, read), state.transition);
    }
    /// The parameters of q of a frame: (N, P).
    template <Value X>
    X posterior_of(const X& h, const X& code, State<X>& state) const {
      if constexpr (wiring.posterior) return advance(posterior, concat(-1, h, code), state.posterior);
      else return advance(posterior, code, state.posterior);
    }

    template <Value X>
    X log_likelihood(const Batch<X>& batch, const Inferred<X>& path) const {
      const X features = emission(concat(-1, path.h, path.z));  // (N, S, F)
      const auto modelled = [&](const X& x) { return slice(x, 1, x.extent(1) - features.extent(1), x.extent(1)); };
      const X log_p = likelihood.log_prob(decode(features, path.skips), modelled(clip_of(batch)));
      if constexpr (has_head) {
        return log_p + flipbook::likelihood::FixedGaussian<1.0>::log_prob(head(features), modelled(batch.state));
      } else {
        return log_p;
      }
    }
    /// KL(q ‖ p) of each frame, in nats: (N, S).
    template <Value X>
    X kl(const X& h, const X& q) const {
      if constexpr (learned_prior) {
        return sum(Latent::kl_elements(Latent::posterior(q), Latent::posterior(prior(h))), {-1}, true);
      } else {
        return sum(Latent::kl_elements(Latent::posterior(q)), {-1}, true);
      }
    }
    template <Value X>
    X weighted_kl(const Inferred<X>& path) const {
      const auto& [beta, part, free] = divergence;
      const auto counted = [free = free](const X& x) { return free > 0 ? relu(x - free) + free : x; };
      const X both = counted(kl(path.h, path.posterior));
      if (!learned_prior || part == 1) return beta * both;
      return beta * part * both + beta * (1 - part) * counted(kl(path.h, stop_gradient(path.posterior)));
    }

    Imagined unroll(State<Frames> state, const List<Frames>& actions, Rng& rng) const {
      require(state.begun && !actions.empty(), "imagine: no frame was seen, or none is asked for");
      List<Frames> clips, features;
      for (const Frames& action : actions) {
        const Frames h = remember(action, state);
        if constexpr (learned_prior) {
          state.z = Latent::sample(Latent::posterior(advance(prior, h, state.prior)), rng);
        } else {
          state.z = Latent::template prior_sample<T, B>(h.extent(0), rng);
        }
        features.push_back(advance(emission, concat(-1, h, state.z), state.emission));
        const Frames now = reshape(features.back(), {h.extent(0), 1, features.back().extent(1)});
        const Frames frame = likelihood.mean(decode(now, state.skips));  // (N, 1, H, W, C)
        clips.push_back(frame);
        if constexpr (wiring.frame) state.code = encode(frame).code.reshape(state.code.shape());
      }
      return {concat(1, clips), stack(1, features)};
    }
  };
};

}  // namespace flipbook
