// SPDX-License-Identifier: MIT
#include <flipbook/models/tokens/masked.hpp>
#include <flipbook/models/tokens/masked_transformer.hpp>
#include <flipbook/models/tokens/video_gpt.hpp>
#include <flipbook/models/tokens/video_var.hpp>
#include <flipbook/models/vae/vq_vae.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>
#include <flipbook/quantizer/multi_scale.hpp>
#include <flipbook/quantizer/vector.hpp>

#include "cases.hpp"

namespace fb = flipbook;
using pytorch::Inputs;

namespace {

/// A quantizer by itself.
template <class Quantizer>
struct Quantizing {
  template <fb::Real T, class B>
  using Instance = fb::Of<Quantizer, T, B>;
};

}  // namespace

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  const fb::optim::Adam adam{.learning_rate = 1e-3, .epsilon = 1};

  const auto quantized = []<class X>(const auto& quantizer, const Inputs<X>& in) {
    const auto q = quantizer->quantize(in[0]);
    fb::Shape each = fb::Shape::filled(in[0].shape().rank(), 1);  // (N, 1, …)
    each[0] = in[0].extent(0);
    return q.z + reshape(q.loss, each);
  };
  cases.layer<Quantizing<fb::quantizer::Vector<7, 5>>>("vector", quantized);
  cases.layer<Quantizing<fb::quantizer::FiniteScalar<8, 5, 3, 4, 7>>>("finite_scalar", quantized);
  using fb::Extent, fb::quantizer::MultiScale, fb::quantizer::Scales;
  using Scaled = MultiScale<fb::quantizer::Vector<7, 5>, Scales<Extent{1, 1, 1}, Extent{1, 2, 3}, Extent{2, 4, 3}>>;
  cases.layer<Quantizing<Scaled>>("multi_scale", quantized);

  const auto autoencoder = []<class X>(const auto& model, const Inputs<X>& in) {
    if constexpr (fb::training<X>) return model->loss(in[0]);
    else return model->reconstruct(in[0]);
  };
  cases.layer<
      fb::Autoencoder<fb::vq_vae::Encoder2d<1, 8, 4>, fb::quantizer::Vector<6, 4>, fb::vq_vae::Decoder2d<1, 8, 4>>>(
      "vq_vae", autoencoder, adam);

  using Tokenizer = fb::Autoencoder<fb::vq_vae::Encoder3d<1, 8, 2>, fb::quantizer::FiniteScalar<5, 4>,
                                    fb::nn::Conv3d<2, 1, fb::Window{}>>;
  const auto codes = []<class X>(const auto& model, const Inputs<X>& in) {
    if constexpr (fb::training<X>) return model->loss(in.tape(), in[0].value());
    else return model->log_likelihood(model->begin(in[0].extent(0)), in[0]);
  };
  cases.layer<fb::VideoGpt<Tokenizer, fb::LatentGrid{2, 2, 3}, 16, 2, 4>>("video_gpt", codes, adam);

  using InScales = fb::Autoencoder<
      fb::vq_vae::Encoder3d<1, 8, 2>,
      MultiScale<fb::quantizer::Vector<11, 2>, Scales<Extent{1, 1, 1}, Extent{1, 2, 1}, Extent{2, 2, 3}>>,
      fb::nn::Conv3d<2, 1, fb::Window{}>>;
  cases.layer<fb::VideoVar<InScales, 16, 2, 4>>("video_var", codes, adam);

  using Masked = fb::Masked<fb::MaskedTransformer<13, 16, 2, 4, 12, 2>>;
  const auto masked = []<class X>(const auto& model, const Inputs<X>& in) {
    const auto mask = fb::cast<fb::Wide<typename X::Scalar>>(fb::tensor_of(in[0]));  // (N, L)
    const auto tokens = in.whole(1);                                                 // (N, 1 + L)
    if constexpr (fb::training<X>) {
      return model->masked_loss(in.tape(), tokens, mask);
    } else {
      const auto hidden = masked_fill(cast<typename X::Scalar>(tokens), pad(mask, 1, 1, 0), 13 + 2);
      return model->network(cast<std::int32_t>(hidden));
    }
  };
  cases.layer<Masked>("masked", masked, adam);
  return cases.status();
}
