// SPDX-License-Identifier: MIT
// A prior that fills masked codes does not know how likely they are; a causal one does.
// EXPECT: ThePriorHasNoLikelihoodInOnePass
#include <flipbook/models/tokens/video_gpt.hpp>
#include <flipbook/models/tokens/video_mask_git.hpp>
#include <flipbook/models/vae/vq_vae.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>

using namespace flipbook;

using Tokenizer = VideoVqVae<1, 8, quantizer::FiniteScalar<3>>;
#ifdef CONTROL
using Model = VideoGpt<Tokenizer, LatentGrid{1, 1, 1}, 8, 1, 1>;
#else
using Model = VideoMaskGit<Tokenizer, LatentGrid{1, 1, 1}, 8, 1, 1>;
#endif

Tensor<float> nats(const Module<Model, float>& model, const Tensor<float>& clips) {
  return model->log_likelihood(model->begin(clips.extent(0)), clips);
}
