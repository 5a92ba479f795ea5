// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <type_traits>

#include <flipbook/data/annotated_clip.hpp>
#include <flipbook/models/in_latents.hpp>
#include <flipbook/models/prior_training.hpp>
#include <flipbook/models/require_clips.hpp>
#include <flipbook/models/tokens/guidance.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/reduce/max.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/quantizer/scales.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
// What compilers print where something cannot be: the type of a deleted function's value.
struct ThePriorHasNoLikelihoodInOnePass;
struct CodesOfScalesAreOfWholeClips;

/// A model of tokens that knows how likely they are.
template <class Prior, class Indices>
concept HasLogLikelihood = requires(const Prior& prior, const Indices& tokens) {
  prior.log_likelihood(tokens);
};

/// Codes of a clip.
template <class Quantizer>
constexpr int codes_of_clip(const LatentGrid& grid) {
  if constexpr (quantizer::OfScales<Quantizer>) return Quantizer::ScalesOf::length;
  else return grid.size() * quantizer::depth_of<Quantizer>;
}
template <class Quantizer>
constexpr bool finest_scale_is(const LatentGrid& grid) {
  if constexpr (!quantizer::OfScales<Quantizer>) return true;
  else return Quantizer::ScalesOf::whole == Extent(grid.frames, grid.height, grid.width);
}
template <class Prior, class Quantizer>
constexpr bool scales_agree() {
  if constexpr (!quantizer::OfScales<Prior>) return true;
  else if constexpr (!quantizer::OfScales<Quantizer>) return false;
  else return std::is_same_v<typename Prior::ScalesOf, typename Quantizer::ScalesOf>;
}
}  // namespace detail

/// A model of two stages: a tokenizer, trained before, makes codes of clips, in the order time, height, width, and
/// `Prior` learns what goes with what. Training changes the prior alone. With a causal prior, such as TokenTransformer,
///
///     log p(codes) = Σ_t log p(c_t | c_<t, c_0)       c₀ a token to begin with, or that of a class
///
/// Where the prior has several given tokens they are those of classes, and it is trained on labelled clips, whose
/// labels are one-hot; one that names the token of the null class, `null_class`, also makes clips of no class in
/// particular.
///
/// @tparam Tokenizer  an Autoencoder with a quantizer
/// @tparam Prior      a model of its codes such as TokenTransformer or Masked, with at least one given token
/// @tparam Grid       the places of a clip that have codes, or of the finest scale of codes in scales
template <HasCodes Tokenizer, PriorOf<Tokenizer> Prior, LatentGrid Grid>
struct InLatents<Tokenizer, Prior, Grid> {
  static_assert(Grid.size() > 0, "InLatents: of codes it needs the places of a clip that have them, a LatentGrid");
  using QuantizerOf = typename Tokenizer::QuantizerOf;
  static constexpr bool of_scales = quantizer::OfScales<QuantizerOf>;
  static constexpr int depth = quantizer::depth_of<QuantizerOf>;
  static constexpr int length = detail::codes_of_clip<QuantizerOf>(Grid);  ///< of a clip in codes
  static constexpr int in = Tokenizer::in, classes = Prior::given > 1 ? Prior::given : 0;
  static constexpr bool unit_interval = Tokenizer::unit_interval;
  static_assert(Prior::tokens == QuantizerOf::codes,
                "InLatents: the prior must have as many tokens as there are codes");
  static_assert(Prior::given > 0, "InLatents: the prior needs a given token to begin with, or one for each class");
  static_assert(Prior::context >= length, "InLatents: the prior's context is shorter than a clip in codes");
  static_assert(detail::finest_scale_is<QuantizerOf>(Grid), "InLatents: the grid must be the tokenizer's finest scale");
  static_assert(detail::scales_agree<Prior, QuantizerOf>(),
                "InLatents: a prior of scales needs a tokenizer with the same scales, by quantizer::MultiScale");

  /// What it is trained on.
  template <class V>
  using Batch = std::conditional_t<(Prior::given > 1), LabelledClip<V>, V>;

  template <Real T, class B>
  struct Instance {
    using Indices = Tensor<std::int32_t, B>;
    using Sampling = typename Prior::Sampling;  ///< how the prior draws

    Of<Tokenizer, T, B> tokenizer;
    Of<Prior, T, B> prior;

    explicit Instance(Rng& rng) : tokenizer(rng), prior(detail::make_instance<Of<Prior, T, B>>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("tokenizer", self.tokenizer);
      field("prior", self.prior);
    }

    /// The codes of clips in order: (N, T, H, W, C) → (N, L).
    /// @throws Error  if they have places that the grid has not; fewer frames are allowed
    Indices tokens(const Tensor<T, B>& clips) const {
      const Indices codes = tokenizer.codes(clips);
      if (of_scales) return codes;  // (N, L), of which the quantizer has seen to it that they are of its scales
      const Shape& shape = codes.shape();
      require(shape.rank() == (depth > 1 ? 5 : 4) && shape[1] <= Grid.frames && shape[2] == Grid.height &&
                  shape[3] == Grid.width,
              "InLatents: clips ", clips.shape(), " have codes ", shape, "; needs (N, ", Grid.frames, ", ", Grid.height,
              ", ", Grid.width, ")");
      return codes.reshape({shape[0], -1});
    }
    /// What begins each of n clips: (n, 1). Of a prior of classes, those of no class in particular.
    Indices begin(Index n) const requires(classes == 0 || detail::HasNullClass<Prior>) {
      return full<std::int32_t, B>({n, 1}, classes > 0 ? detail::null_class_of<Prior>() : Prior::tokens);
    }
    /// What begins clips of these classes (N): (N, 1).
    /// @throws Error  if one is not of 0 … classes − 1
    Indices begin(const Indices& labels) const requires(classes > 0) {
      detail::require_indices("InLatents", labels, classes);
      return given(labels);
    }

    /// What training minimises: the prior's loss of the clips' codes, such as −log p in nats per code.
    Variable<T, B> loss(Tape& tape, const Batch<Tensor<T, B>>& clips) const {
      if constexpr (classes > 0) {
        require(clips.label.extent(-1) == classes, "InLatents: labels ", clips.label.shape(), " of ", classes,
                " classes; needs (N, ", classes, "), one-hot");
        return prior.loss_of_known(tape, concat(1, given(argmax(clips.label, -1)), tokens(clips.clip)));
      } else {
        return prior.loss_of_known(tape, concat(1, begin(clips.extent(0)), tokens(clips)));
      }
    }
    /// Σ_t log p(c_t | c_<t, c_0) of clips' codes, in nats: (N). Only of a prior that has it.
    /// @param first  what begins them, (N, 1)
    Tensor<T, B> log_likelihood(const Indices& first, const Tensor<T, B>& clips)
        const requires detail::HasLogLikelihood<Of<Prior, T, B>, Indices> {
      return prior.log_likelihood(concat(1, first, tokens(clips)));
    }
    detail::ThePriorHasNoLikelihoodInOnePass log_likelihood(const Indices&, const Tensor<T, B>&) const = delete;

    /// New clips, each begun with what `first` (N, 1) says: (N, T, H, W, C).
    Tensor<T, B> sample(const Indices& first, Rng& rng, const Sampling& how = {}) const {
      return decode(prior.sample(first, length, rng, how));
    }
    /// Clips that begin with frames (N, t, H, W, C), as many as some frames of codes stand for: whole ones, of which
    /// the first t frames are these as the tokenizer has them.
    Tensor<T, B> sample(const Indices& first, const Tensor<T, B>& frames, Rng& rng, const Sampling& how = {}) const
        requires(!of_scales) {
      const Indices known = tokens(frames);  // (N, l)
      require(known.extent(1) < length, "InLatents: frames ", frames.shape(), " are a whole clip; nothing follows");
      return decode(concat(1, known, prior.sample(concat(1, first, known), length - known.extent(1), rng, how)));
    }
    detail::CodesOfScalesAreOfWholeClips sample(const Indices&, const Tensor<T, B>&, Rng&,
                                                const Sampling& = {}) const requires of_scales = delete;

   private:
    static Indices given(const Indices& labels) {
      return cast<std::int32_t>(cast<Wide<T>>(labels) + Prior::tokens).reshape({labels.size(), 1});
    }
    Tensor<T, B> decode(const Indices& tokens) const {  // (N, length)
      if (of_scales) return tokenizer.decode(tokens);
      Shape shape{tokens.extent(0), Grid.frames, Grid.height, Grid.width};
      if (depth > 1) shape.push_back(depth);
      return tokenizer.decode(tokens.reshape(shape));
    }
  };

  template <Real T, class B, class Rule>
  using Training = PriorTraining<InLatents, T, B, Rule>;
};

}  // namespace flipbook
