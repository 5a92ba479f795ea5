// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>

#include <flipbook/data/annotated_clip.hpp>
#include <flipbook/models/tokens/in_latents.hpp>
#include <flipbook/models/vae/vq_vae.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>

/// Clips that a model of codes learns at once, and what makes their codes.
namespace flipbook::test {

/// Clips (N, 4, 8, 8, 1) have codes (N, 2, 2, 2), of 3.
using Patches = nn::Sequential<nn::Conv3d<1, 1, Window{.kernel = {2, 4, 4}, .stride = {2, 4, 4}}>>;
using Pixels = nn::Sequential<nn::ConvTranspose3d<1, 1, Window{.kernel = {2, 4, 4}, .stride = {2, 4, 4}}>>;
using Tokenizer = Autoencoder<Patches, quantizer::FiniteScalar<3>, Pixels>;
inline constexpr LatentGrid grid{2, 2, 2};

template <class X>
bool same(const X& a, const X& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

/// Bright clips of class 1, dark ones of class 2, and of class 0 those that turn from dark to bright.
inline LabelledClip<Tensor<float>> lit(Index n, Rng& rng) {
  LabelledClip<Tensor<float>> batch{uniform<float>({n, 4, 8, 8, 1}, rng) * 0.1, zeros<float>({n, 3})};
  for (Index i = 0; i < n; ++i) {
    const Index label = rng.below(3);
    batch.label.data()[3 * i + label] = 1;
    for (Index j = 0; j < 256; ++j) batch.clip.data()[256 * i + j] += label == 1 || (label == 0 && j >= 128) ? 0.9F : 0;
  }
  return batch;
}

/// A tokenizer whose codes are 0 for dark places and 2 for bright ones.
template <class Model>
void tell_light(Model& tokenizer) {
  for_each_parameter(tokenizer, [](const std::string& name, auto& p) {
    const bool bias = name.ends_with("bias"), encoder = name.starts_with("encoder");
    const float value = encoder ? (bias ? -4 : 8.0F / 32) : (bias ? 0 : 4);
    std::fill_n(p.value.data(), p.value.size(), value);
  });
}

}  // namespace flipbook::test
