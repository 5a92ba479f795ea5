// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>

#include <flipbook/data/annotated_clip.hpp>
#include <flipbook/models/tokens/in_latents.hpp>
#include <flipbook/models/vae/vq_vae.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>
#include <flipbook/train/trainer.hpp>
#include <flipbook/train/weights.hpp>

/// Clips that a model of codes learns at once, what makes their codes, and what holds of every model of them.
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

/// A model of codes of classes after some steps on these clips. Checks that they change the prior alone, and that a
/// seed makes it the same on one thread and on two.
template <class Model>
Module<Model, float> trained_prior(int steps) {
  const auto on = [&](int team) {
    set_threads(team);
    Trainer trainer{Module<Model, float>{Rng{1}}, optim::AdamW{.learning_rate = 1e-2, .weight_decay = 0.1}, 5};
    tell_light(trainer.model->tokenizer);
    const auto before = trainer.model.part(trainer.model->tokenizer).clone();
    Rng data{4};
    for (int i = 0; i < steps; ++i) (void)trainer.step(lit(16, data));
    CHECK(same(trainer.model.part(trainer.model->tokenizer), before));
    return trainer.model;
  };
  const int before = threads();
  const auto model = on(2), again = on(1);
  set_threads(before);
  CHECK(same(model.parameters(), again.parameters()));
  return model;
}

/// Checks that train() gives the same parameters on one thread and on three, and that draw(model, rng) gives the same
/// tokens for the same seed on either, and from weights that were saved and loaded; others for another seed.
template <class Net, class T, class Train, class Draw>
void check_reproducible(const std::string& name, const Train& train, const Draw& draw) {
  const auto drawn = [&](const auto& model, std::uint64_t seed) {
    Rng stream{seed};
    return draw(model, stream);
  };
  const int before = threads();
  set_threads(1);
  const Module<Net, T> one = train();
  set_threads(3);
  const Module<Net, T> several = train();
  CHECK(same(one.parameters(), several.parameters()));
  const auto in_threads = drawn(several, 9);
  set_threads(1);
  CHECK(same(drawn(one, 9), in_threads));
  CHECK(!same(drawn(one, 10), in_threads));
  set_threads(before);

  const auto path = std::filesystem::temp_directory_path() / (name + std::to_string(sizeof(T)) + ".safetensors");
  save_weights(path, one);
  Module<Net, T> loaded{Rng{77}};
  CHECK(!same(drawn(loaded, 9), in_threads));
  load_weights(path, loaded);
  CHECK(same(drawn(loaded, 9), in_threads));
  std::filesystem::remove(path);
}

}  // namespace flipbook::test
