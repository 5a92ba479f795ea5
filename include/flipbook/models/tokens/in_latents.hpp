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
// Return types of deleted functions: compilers print their names as the reason.
struct ThePriorHasNoLikelihoodInOnePass;
struct CodesOfScalesAreOfWholeClips;

/// A model of tokens with a likelihood.
template <class Prior, class Indices>
concept HasLogLikelihood = requires(const Prior& prior, const Indices& tokens) {
  prior.log_likelihood(tokens);
};

/// The number of codes of a clip.
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

/// A model of two stages: a tokenizer, already trained, encodes clips as codes in the order time, height, width, and
/// `Prior` learns the distribution of the codes. Training changes only the prior. With a causal prior, such as
/// TokenTransformer,
///
///     log p(codes) = Σ_t log p(c_t | c_<t, c_0)       c₀ a start token, or that of a class
///
/// Several given tokens of the prior are class tokens; it is then trained on labelled clips, whose labels are one-hot.
/// A prior with a token of the null class, `null_class`, also samples clips without a class.
///
/// @tparam Tokenizer  an Autoencoder with a quantizer
/// @tparam Prior      a model of its codes such as TokenTransformer or Masked, with at least one given token
/// @tparam Grid       the extents of the grid of a clip's codes, or of the finest scale of codes in several scales
template <HasCodes Tokenizer, PriorOf<Tokenizer> Prior, LatentGrid Grid>
struct InLatents<Tokenizer, Prior, Grid> {
  static_assert(Grid.size() > 0, "InLatents: of codes it needs the places of a clip that have them, a LatentGrid");
  using QuantizerOf = typename Tokenizer::QuantizerOf;
  static constexpr bool of_scales = quantizer::OfScales<QuantizerOf>;
  static constexpr int depth = quantizer::depth_of<QuantizerOf>;
  static constexpr int length = detail::codes_of_clip<QuantizerOf>(Grid);  ///< codes of a clip
  static constexpr int in = Tokenizer::in, classes = Prior::given > 1 ? Prior::given : 0;
  static constexpr bool unit_interval = Tokenizer::unit_interval;
  static_assert(Prior::tokens == QuantizerOf::codes,
                "InLatents: the prior must have as many tokens as there are codes");
  static_assert(Prior::given > 0, "InLatents: the prior needs a given token to begin with, or one for each class");
  static_assert(Prior::context >= length, "InLatents: the prior's context is shorter than a clip in codes");
  static_assert(detail::finest_scale_is<QuantizerOf>(Grid), "InLatents: the grid must be the tokenizer's finest scale");
  static_assert(detail::scales_agree<Prior, QuantizerOf>(),
                "InLatents: a prior of scales needs a tokenizer with the same scales, by quantizer::MultiScale");

  /// The training data: clips (N, T, H, W, C), labelled if there are classes.
  template <class V>
  using Batch = std::conditional_t<(Prior::given > 1), LabelledClip<V>, V>;

  template <Real T, class B>
  struct Instance {
    using Indices = Tensor<std::int32_t, B>;
    using Sampling = typename Prior::Sampling;  ///< the settings of `sample`

    Of<Tokenizer, T, B> tokenizer;
    Of<Prior, T, B> prior;

    explicit Instance(Rng& rng) : tokenizer(rng), prior(detail::make_instance<Of<Prior, T, B>>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("tokenizer", self.tokenizer);
      field("prior", self.prior);
    }

    /// The codes of clips in order: (N, T, H, W, C) → (N, L).
    /// @throws Error  if the codes do not fit the grid; fewer frames are allowed
    Indices tokens(const Tensor<T, B>& clips) const {
      const Indices codes = tokenizer.codes(clips);
      if (of_scales) return codes;  // (N, L), whose scales the quantizer has checked
      const Shape& shape = codes.shape();
      require(shape.rank() == (depth > 1 ? 5 : 4) && shape[1] <= Grid.frames && shape[2] == Grid.height &&
                  shape[3] == Grid.width,
              "InLatents: clips ", clips.shape(), " have codes ", shape, "; needs (N, ", Grid.frames, ", ", Grid.height,
              ", ", Grid.width, ")");
      return codes.reshape({shape[0], -1});
    }
    /// The first tokens of n clips: (n, 1). With classes, they are those of the null class.
    Indices begin(Index n) const requires(classes == 0 || detail::HasNullClass<Prior>) {
      return full<std::int32_t, B>({n, 1}, classes > 0 ? detail::null_class_of<Prior>() : Prior::tokens);
    }
    /// The first tokens of clips of these classes (N): (N, 1).
    /// @throws Error  if a label is not one of 0 … classes − 1
    Indices begin(const Indices& labels) const requires(classes > 0) {
      detail::require_indices("InLatents", labels, classes);
      return given(labels);
    }

    /// The training loss: the prior's loss on the clips' codes, such as −log p in nats per code.
    Variable<T, B> loss(Tape& tape, const Batch<Tensor<T, B>>& clips) const {
      if constexpr (classes > 0) {
        require(clips.label.extent(-1) == classes, "InLatents: labels ", clips.label.shape(), " of ", classes,
                " classes; needs (N, ", classes, "), one-hot");
        return prior.loss_of_known(tape, concat(1, given(argmax(clips.label, -1)), tokens(clips.clip)));
      } else {
        return prior.loss_of_known(tape, concat(1, begin(clips.extent(0)), tokens(clips)));
      }
    }
    /// Σ_t log p(c_t | c_<t, c_0) of clips' codes, in nats: (N). Only with a prior that has a likelihood.
    /// @param first  their first tokens, (N, 1)
    Tensor<T, B> log_likelihood(const Indices& first, const Tensor<T, B>& clips)
        const requires detail::HasLogLikelihood<Of<Prior, T, B>, Indices> {
      return prior.log_likelihood(concat(1, first, tokens(clips)));
    }
    detail::ThePriorHasNoLikelihoodInOnePass log_likelihood(const Indices&, const Tensor<T, B>&) const = delete;

    /// New clips from their first tokens `first` (N, 1), such as those of `begin`: (N, T, H, W, C).
    Tensor<T, B> sample(const Indices& first, Rng& rng, const Sampling& how = {}) const {
      return decode(prior.sample(first, length, rng, how));
    }
    /// Clips that continue frames (N, t, H, W, C), where t is a whole number of frames of codes: whole clips, whose
    /// first t frames are reconstructions of the given ones.
    /// @throws Error  if the frames are a whole clip already
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
