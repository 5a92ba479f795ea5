// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/autoregressive/token_transformer.hpp>
#include <flipbook/models/prior_training.hpp>
#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/nn/per_frame.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>

#include "scene.hpp"

namespace flipbook::examples::demo {

using namespace nn;

/// Scenes as tokens that a transformer learns to continue: the codes of the picture, then for each frame the row and
/// the column, in half pixels. Only the transformer is trained; the tokenizer was before.
template <class Tokenizer, class Prior>
struct SceneTokens {
  static constexpr int in = 1, places = 64, codes = Tokenizer::QuantizerOf::codes, bins = 90;
  static constexpr int shown = 16;  ///< frames that are learned from; longer paths go on from the last ones
  static_assert(Prior::tokens == codes + bins && Prior::given == 1 && Prior::context == places + 2 * shown);
  template <class V>
  using Batch = LabelledClip<V>;

  template <Real T, class B>
  struct Instance {
    using Indices = Tensor<std::int32_t, B>;  // (N, L)
    Of<Tokenizer, T, B> tokenizer;
    Of<Prior, T, B> prior;

    explicit Instance(Rng& rng) : tokenizer(rng), prior(rng) {}
    static void fields(auto& self, auto&& field) {
      field("tokenizer", self.tokenizer);
      field("prior", self.prior);
    }

    Indices of_path(const Tensor<T, B>& path) const {  // (N, T, 2) → (N, 2·T)
      const auto bin = clamp(round(affine(path, 2, 12)), 0, bins - 1);
      return cast<std::int32_t>(bin + double(codes)).reshape({path.extent(0), -1});
    }
    /// The codes of a picture: (N, 1, 32, 32, 1) → (N, 64).
    Indices of_picture(const Tensor<T, B>& pictures) const {
      return tokenizer.codes(pictures).reshape({pictures.extent(0), -1});
    }
    Variable<T, B> loss(Tape& tape, const Batch<Tensor<T, B>>& scenes) const {
      const Indices picture = of_picture(scenes.clip), path = of_path(scenes.label);
      return prior.loss_of_known(tape, concat(1, begin(picture.extent(0)), picture, path));
    }

    /// New clips of so many frames: pictures and paths from nothing.
    Tensor<T, B> sample(Index n, Index length, Rng& rng) const {
      const Indices picture = prior.sample(begin(n), places, rng);
      return continued(picture, Indices({n, 0}), length, rng);
    }
    /// Clips that go on from pictures and the tokens of the first frames' positions, which may be none.
    Tensor<T, B> continued(const Indices& picture, const Indices& path, Index length, Rng& rng) const {
      const Indices content = concat(1, begin(picture.extent(0)), picture);
      Indices all = path;
      while (all.extent(1) < 2 * length) {
        const Index known = std::min<Index>(all.extent(1), 2 * shown * 3 / 4);
        const Indices last = slice(all, 1, all.extent(1) - known, all.extent(1));
        all = concat(1, all, prior.sample(concat(1, content, last), 2 * shown - known, rng));
      }
      const auto at = affine(cast<T>(slice(all, 1, 0, 2 * length)) - double(codes), 0.5, -6);
      const auto pictures = tokenizer.decode(clamped(picture).reshape({picture.extent(0), 1, 8, 8}));
      return render(pictures, at.reshape({picture.extent(0), length, 2}));
    }
    static Indices begin(Index n) { return full<std::int32_t, B>({n, 1}, Prior::tokens); }

   private:
    /// What was drawn in the place of a code is one.
    static Indices clamped(const Indices& picture) {
      return cast<std::int32_t>(clamp(cast<Wide<T>>(picture), 0, codes - 1));
    }
  };

  template <Real T, class B, class Rule>
  using Training = PriorTraining<SceneTokens, T, B, Rule>;
};

// [autoregressive]
using CodeEncoder = PerFrame<Sequential<                                       // pictures (N, 1, 32, 32, 1)
    Conv2d<1, 32, half>, SiLU, Conv2d<32, 64, half>, SiLU,                     //          (N, 1, 8, 8, 64)
    Conv2d<64, 64, same>, SiLU, Conv2d<64, 3, Window{}>>>;                     //          (N, 1, 8, 8, 3)
using CodeDecoder = PerFrame<Sequential<                                       // codes    (N, 1, 8, 8, 3)
    Conv2d<3, 64, same>, SiLU, Conv2d<64, 64, same>, SiLU,                     //          (N, 1, 8, 8, 64)
    ConvTranspose2d<64, 64, half>, SiLU, ConvTranspose2d<64, 32, half>, SiLU,  //          (N, 1, 32, 32, 32)
    Conv2d<32, 1, same>, Sigmoid>>;                                            // pictures (N, 1, 32, 32, 1)

using PictureCodes = Autoencoder<CodeEncoder, quantizer::FiniteScalar<5, 5, 5>, CodeDecoder, Sharp>;
using Autoregression = SceneTokens<PictureCodes, TokenTransformer<125 + 90, 128, 4, 4, 96, 1>>;
// [/autoregressive]

}  // namespace flipbook::examples::demo
