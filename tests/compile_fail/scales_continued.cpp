// SPDX-License-Identifier: MIT
// Frames are no scales of a clip: what they have no codes for, nothing can go on from.
// EXPECT: CodesOfScalesAreOfWholeClips
#include <flipbook/models/tokens/video_gpt.hpp>
#include <flipbook/models/tokens/video_var.hpp>
#include <flipbook/models/vae/vq_vae.hpp>
#include <flipbook/quantizer/multi_scale.hpp>

using namespace flipbook;

using Codebook = quantizer::Vector<5, 2>;
#ifdef CONTROL
using Model = VideoGpt<VideoVqVae<1, 8, Codebook>, LatentGrid{2, 2, 2}, 8, 1, 1>;
#else
using Two = quantizer::Scales<Extent{1, 1, 1}, Extent{2, 2, 2}>;
using Model = VideoVar<VideoVqVae<1, 8, quantizer::MultiScale<Codebook, Two>>, 8, 1, 1>;
#endif

Tensor<float> continued(const Module<Model, float>& model, const Tensor<float>& frames, Rng& rng) {
  return model->sample(model->begin(frames.extent(0)), frames, rng);
}
