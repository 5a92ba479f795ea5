// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <numbers>

#include <flipbook/likelihood/sampling.hpp>
#include <flipbook/models/tokens/guidance.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/ops/softmax/softmax.hpp>
#include <flipbook/ops/sort/inverse_argsort.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The parts of a Masked: a network of tokens, and a schedule of the share of masked positions.
namespace masked {

/// The share of positions that are masked, from all at r = 0 to none at r = 1: an argument of a Masked's type. It has
/// the static function of values X
///
///     X share(const X& r)    γ(r), element by element
///
/// In training r is uniform; in sampling it is the fraction of steps that are done.
template <class S>
concept Schedule = requires(const Tensor<float>& r) {
  { S::share(r) } -> std::same_as<Tensor<float>>;
};

/// γ(r) = cos(πr/2): most positions are masked for most of r, so the first steps of sampling, which have little
/// context, keep few. Chang et al., MaskGIT, 2022.
struct Cosine {
  template <Value X>
  static X share(const X& r) {
    return cos(r * (std::numbers::pi / 2));
  }
};
/// γ(r) = 1 − r: every number of masked positions is equally frequent.
struct Linear {
  template <Value X>
  static X share(const X& r) {
    return 1 - r;
  }
};
/// γ(r) = 1 − r²: close to the cosine, slightly larger.
struct Square {
  template <Value X>
  static X share(const X& r) {
    return 1 - square(r);
  }
};

/// A network whose Instance maps tokens (N, L), of which some are masked, to logits (N, L, tokens): an argument of a
/// Masked's type, such as MaskedTransformer.
///
///     static constexpr int tokens     number of predicted tokens: 0 … tokens − 1
///     static constexpr int given      number of further tokens, which are given and never predicted
///     static constexpr int mask       the token of masked positions: tokens + given
///     static constexpr int context    the largest number of positions after the first
///     static constexpr int null_class the token of the null class, if given > 1
///     Tensor<T, B> operator()(const Indices& tokens) const
///     Variable<T, B> of_known(Tape& tape, const Indices& tokens) const    without checks on the host
template <class N>
concept Network = requires(const Of<N, float, Cpu>& network, const Tensor<std::int32_t>& tokens, Tape& tape) {
  requires N::mask == N::tokens + N::given&& N::context > 0;
  requires flipbook::detail::HasNullClass<N> || N::given <= 1;
  { network(tokens) } -> std::same_as<Tensor<float>>;
  { network.of_known(tape, tokens) } -> std::same_as<Variable<float>>;
};

/// The settings of a Masked's sampling.
struct Sampling {
  Index steps = 12;  ///< at most; with one step for each position, the schedules here fill positions one by one
  /// The temperature of the noise in the choice of the positions to keep, which falls to 0 in the last step: 0 keeps
  /// those with the most likely tokens, a large one any.
  double confidence_temperature = 4.5;
  likelihood::Sampling tokens = {};  ///< for the token of a position
};

}  // namespace masked

/// A model of visual tokens that predicts masked positions from all others, so that clips are sampled in few steps,
/// several positions at a time:
///
///     loss = −E_r E_M Σ_{i∈M} log p(x_i | x_∉M) / L,    M: ⌈γ(r)·L⌉ random positions of L, at least one, r ~ U(0, 1)
///
/// The first token of a sequence is given and never masked; if it is that of a class, training sometimes replaces it by
/// the null class, for classifier-free guidance in sampling. With label smoothing ε, log p(x_i) is (1 − ε)·log p(x_i) +
/// ε·mean_k log p(k). The division by all L positions, not by the masked ones, keeps the weights of the paper's sum:
/// each masked position of any clip has the same weight.
///
/// It has no likelihood that one pass can compute: the distribution of samples depends on the order in which positions
/// are filled, and p(x) is a sum over all orders. Keeping the most confident positions also draws likely tokens more
/// often than the network predicts. Tokens follow the learned distribution only if positions are filled one at a time,
/// in a random order (as many steps as positions, a large confidence_temperature).
///
/// Chang et al., MaskGIT: masked generative image transformer, 2022; for clips, Yu et al., MAGVIT: masked generative
/// video transformer, 2023. Parameters: network.
template <masked::Network Network, masked::Schedule Schedule = masked::Cosine>
struct Masked {
  static constexpr int tokens = Network::tokens, given = Network::given, context = Network::context;
  static constexpr bool of_classes = given > 1;
  static constexpr int null_class = flipbook::detail::null_class_of<Network>();  ///< −1 without classes
  using Sampling = masked::Sampling;

  template <Real T, class B>
  struct Instance {
    using Indices = Tensor<std::int32_t, B>;  // (N, L)
    using Mask = Tensor<Wide<T>, B>;          // (N, L), 1 at masked positions and 0 elsewhere

    Of<Network, T, B> network;
    double label_smoothing = 0.1;    ///< ε
    double condition_dropout = 0.1;  ///< the probability that training replaces a class by the null class

    explicit Instance(Rng& rng) : network(rng) {}
    static void fields(auto& self, auto&& field) {
      field("network", self.network);
      field("label_smoothing", self.label_smoothing);
      if constexpr (of_classes) field("condition_dropout", self.condition_dropout);
    }

    /// The training loss of sequences (N, 1 + L), with masks drawn from the tape's stream.
    /// @throws Error  if there are fewer than two tokens or more than the context holds, or one is not in the
    ///                vocabulary
    Variable<T, B> loss(Tape& tape, const Indices& tokens) const {
      require_sequences(tokens);
      flipbook::detail::require_indices("Masked", slice(tokens, 1, 0, 1), Network::mask);
      flipbook::detail::require_indices("Masked", all_but_first(tokens), Network::tokens);
      return loss_of_known(tape, tokens);
    }
    /// The same for tokens that are known to be in the vocabulary, such as a quantizer's codes: they are not checked on
    /// the host, so a device can capture the step.
    Variable<T, B> loss_of_known(Tape& tape, const Indices& tokens) const {
      require_sequences(tokens);
      const Mask mask = draw_mask(tokens.extent(0), tokens.extent(1) - 1, tape.rng());
      if constexpr (!of_classes) return masked_loss(tape, tokens, mask);
      else {
        using flipbook::detail::classes_dropped;
        return masked_loss(tape, classes_dropped<Wide<T>>(tokens, null_class, condition_dropout, tape.rng()), mask);
      }
    }
    /// The same for a given mask (N, L) of all tokens but the first, and without replacing classes.
    Variable<T, B> masked_loss(Tape& tape, const Indices& tokens, const Mask& mask) const {
      const auto logits = network.of_known(tape, hidden(cast<Wide<T>>(tokens), pad(mask, 1, 1, 0)));
      const auto log_p = log_softmax(all_but_first(logits));                     // (N, L, tokens)
      const auto right = apply(TakeAlongAxis<B>{all_but_first(tokens)}, log_p);  // (N, L)
      const auto smooth = (1 - label_smoothing) * right + label_smoothing * mean(log_p, {2}, true);
      return -mean(smooth * cast<T>(mask));
    }
    /// Random masks, as in training: (n, places), 1 at masked positions.
    static Mask draw_mask(Index n, Index places, Rng& rng) {
      const auto share = Schedule::share(uniform<Wide<T>, B>({n, 1}, rng));  // (n, 1)
      const auto count = clamp(share * static_cast<double>(places), 1, static_cast<double>(places));
      return less(cast<Wide<T>>(inverse_argsort(uniform<Wide<T>, B>({n, places}, rng))), count);  // (n, places)
    }

    /// The next tokens after a prefix (N, L), L ≥ 1: (N, count).
    /// @throws Error  if there are more tokens than the context holds, or `inpaint` throws
    Indices sample(const Indices& prefix, Index count, Rng& rng, const Sampling& how = {}) const {
      require(prefix.rank() == 2 && prefix.extent(1) > 0 && count > 0 && prefix.extent(1) + count <= 1 + context,
              "Masked: ", count, " tokens after ", prefix.shape(), "; needs (N, L) and at most ", 1 + context,
              " in all");
      const Index n = prefix.extent(0), known = prefix.extent(1);
      const auto whole = concat(1, prefix, zeros<std::int32_t, B>({n, count}));  // (N, L + count)
      const auto mask = pad(ones<Wide<T>, B>({n, count}), 1, known, 0);          // (N, L + count)
      Sampling of_these = how;
      of_these.steps = std::min(how.steps, count);
      return slice(inpaint(whole, mask, rng, of_these), 1, known, known + count);
    }
    /// Sequences (N, L) whose masked positions are sampled given all others, which stay unchanged; tokens at masked
    /// positions are not read. Each step draws all masked positions and keeps those with the most likely tokens, with
    /// noise; the share that remains masked follows γ.
    /// @param mask  (N, L), 1 where to draw, 0 elsewhere and for the first token
    /// @throws Error  if the shapes do not fit, there is no step, a temperature is out of range, or there is guidance
    ///                without classes
    Indices inpaint(const Indices& tokens, Mask mask, Rng& rng, const Sampling& how = {}) const {
      require_sequences(tokens);
      require(mask.shape() == tokens.shape(), "Masked: a mask ", mask.shape(), " for tokens ", tokens.shape(),
              "; needs the same shape");
      require(how.steps > 0 && how.confidence_temperature >= 0, "Masked: ", how.steps, " steps with a temperature of ",
              how.confidence_temperature, "; needs a step, and a temperature that is not negative");
      flipbook::detail::require_guidance("Masked", how.tokens.guidance, of_classes);
      const Index steps = std::min(how.steps, tokens.extent(1) - 1);
      const Mask at_first = sum(mask, {1});  // (N, 1), positions to draw
      Mask x = cast<Wide<T>>(tokens);        // (N, L), tokens as numbers
      for (Index step = 1;; ++step) {
        const auto guided = guided_logits(hidden(x, mask), how.tokens.guidance);  // (N, L, tokens)
        const auto logits = likelihood::truncated(guided, how.tokens);            // (N, L, tokens)
        const Indices drawn = sample_categorical(logits, rng);                    // (N, L)
        x = where(mask, cast<Wide<T>>(drawn), x);
        if (step == steps) return cast<std::int32_t>(x);
        const double r = static_cast<double>(step) / static_cast<double>(steps);
        const Mask log_p = cast<Wide<T>>(TakeAlongAxis<B>{drawn}(log_softmax(logits)));  // (N, L)
        const Mask sure = log_p + how.confidence_temperature * (1 - r) * gumbel(mask.shape(), rng);
        const Mask place = cast<Wide<T>>(inverse_argsort(masked_fill(sure, 1 - mask, infinity)));  // the lowest first
        const Mask left = at_first * Schedule::share(full<Wide<T>, B>({1, 1}, static_cast<Wide<T>>(r)));  // (N, 1)
        mask = mask * less(place, left) * less(place, sum(mask, {1}) - 1);  // at least one is kept
      }
    }

   private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    static void require_sequences(const Indices& tokens) {
      require(tokens.rank() == 2 && tokens.extent(1) >= 2 && tokens.extent(1) <= 1 + context,
              "Masked: needs (N, L) of at least two tokens and at most ", 1 + context, ", got ", tokens.shape());
    }
    template <class X>
    static auto all_but_first(const X& x) {
      return slice(x, 1, 1, x.shape()[1]);
    }
    /// The network's input: x with the mask token at masked positions.
    static Indices hidden(const Mask& x, const Mask& mask) {
      return cast<std::int32_t>(masked_fill(x, mask, Network::mask));
    }
    /// (N, L) → (N, L, tokens).
    Tensor<T, B> guided_logits(const Indices& seen, double guidance) const {
      if (guidance == 0) return network(seen);
      return flipbook::detail::guided(network(flipbook::detail::and_of_null_class(seen, null_class)), guidance);
    }
    /// Standard Gumbel noise, −log(−log u).
    static Mask gumbel(const Shape& shape, Rng& rng) {
      return -log(-log(uniform<Wide<T>, B>(shape, rng, 1e-30, 1)));  // not from 0, whose logarithm is infinite
    }
  };
};

}  // namespace flipbook
