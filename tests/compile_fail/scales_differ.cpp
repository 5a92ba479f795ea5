// SPDX-License-Identifier: MIT
// A prior of scales predicts the codes of a tokenizer with the same scales.
// EXPECT: a prior of scales needs a tokenizer with the same scales
#include <flipbook/models/tokens/in_latents.hpp>
#include <flipbook/models/tokens/next_scale.hpp>
#include <flipbook/models/tokens/scale_transformer.hpp>
#include <flipbook/models/vae/vq_vae.hpp>
#include <flipbook/quantizer/multi_scale.hpp>

using namespace flipbook;

using Two = quantizer::Scales<Extent{1, 1, 1}, Extent{1, 2, 2}>;
#ifdef CONTROL
using Tokenizer = VideoVqVae<1, 8, quantizer::MultiScale<quantizer::Vector<5, 2>, Two>>;
#else
using Tokenizer = VideoVqVae<1, 8, quantizer::Vector<5, 2>>;
#endif
using Model = InLatents<Tokenizer, NextScale<ScaleTransformer<5, Two, 8, 1, 1, 1>>, LatentGrid{1, 2, 2}>;

Tensor<float> nats(const Module<Model, float>& model, const Tensor<float>& clips) {
  return model->log_likelihood(model->begin(clips.extent(0)), clips);
}
