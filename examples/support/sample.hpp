// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <flipbook/train/weights.hpp>

#include "models.hpp"

/// What `sample` loads, of models with classes and without.
namespace flipbook::examples {

struct SampleSettings {
  std::filesystem::path weights, data, out = "clips.gif";
  std::string model = "vae";
  Index count = 16, frames = 10, label = -1;
  double guidance = 1;
  std::uint64_t seed = 1;

  void require_no_class() const {
    require(label < 0, "--class ", label, ": '", weights.string(), "' has the weights of a model without classes");
  }
};

template <class Model, class B>
Module<Model, float, B> loaded(const SampleSettings& settings) {
  Module<Model, float, B> module;
  load_weights(settings.weights, module);
  return module;
}

/// A model with the weights, or none where they are of another shape, as those of a model without classes are.
template <class Model, class B>
std::optional<Module<Model, float, B>> if_it_fits(const SampleSettings& settings) {
  const SafetensorsFile file = read_safetensors(settings.weights);
  Module<Model, float, B> module;
  const auto fields = flipbook::detail::fields_of(module);
  const bool fits = std::all_of(fields.begin(), fields.end(), [&](const auto& field) {
    const auto found = file.tensors.find(field.name);
    return found != file.tensors.end() &&
           found->second.shape() == flipbook::detail::pytorch_shape(field.value.shape(), field.layout);
  });
  if (!fits) return std::nullopt;
  load_weights(settings.weights, module);
  return module;
}

/// New clips of a flow, of the classes that are asked for where it is a flow of classes: (N, T, H, W, C).
/// @param shape  of what the flow makes
/// @throws Error  if a class is chosen that the model has not
template <class Plain, class OfClasses, class B>
Tensor<float> flow_clips(const SampleSettings& settings, const Shape& shape) {
  Rng rng{settings.seed};
  const flow::Sampling how{.guidance = 1 + settings.guidance};
  if (const auto model = if_it_fits<OfClasses, B>(settings)) {
    return to<Cpu>((*model)->sample(shape, rng, how, labels_of<B>(settings.count, settings.label)));
  }
  settings.require_no_class();
  return to<Cpu>(loaded<Plain, B>(settings)->sample(shape, rng));
}

/// The clips of a flow by its name: unet, transformer, forcing or latent.
template <class B>
Tensor<float> flow_clips(const SampleSettings& settings, const std::string& name) {
  const Index n = settings.count, frames = flow_format.frames, size = flow_format.size;
  const Shape clips{n, frames, size, size, flow_format.channels}, latents{n, frames, size / 8, size / 8, 8};
  if (name == "unet") return flow_clips<UNetFlow, UNetFlowOfClasses, B>(settings, clips);
  if (name == "transformer") return flow_clips<PatchFlow, PatchFlowOfClasses, B>(settings, clips);
  if (name == "forcing") return flow_clips<ForcingFlow, ForcingFlowOfClasses, B>(settings, clips);
  return flow_clips<LatentClips::Model, LatentClipsOfClasses::Model, B>(settings, latents);
}

/// New clips of a model of codes, with the classes that are asked for where the weights are of a model of classes.
/// @throws Error  if a class is chosen that the model has not
template <class Plain, class OfClasses, class B>
Tensor<float> token_clips(const SampleSettings& settings) {
  Rng rng{settings.seed};
  if (const auto model = if_it_fits<OfClasses, B>(settings)) {
    typename Of<OfClasses, float, B>::Sampling how;
    if constexpr (requires { how.tokens; }) how.tokens.guidance = settings.guidance;
    else how.guidance = settings.guidance;
    const auto labels = argmax(labels_of<B>(settings.count, settings.label), -1);
    return to<Cpu>((*model)->sample((*model)->begin(labels), rng, how));
  }
  settings.require_no_class();
  const auto model = loaded<Plain, B>(settings);
  return to<Cpu>(model->sample(model->begin(settings.count), rng));
}

/// The clips of a model of codes by its name: videogpt-vector, …, var.
template <class B>
Tensor<float> token_clips(const SampleSettings& settings) {
  using V = VectorTokenizer;
  using S = ScalarTokenizer;
  if (settings.model == "videogpt-vector") return token_clips<ClipGpt<V>, ClipGptOfClasses<V>, B>(settings);
  if (settings.model == "videogpt-scalar") return token_clips<ClipGpt<S>, ClipGptOfClasses<S>, B>(settings);
  if (settings.model == "maskgit-vector") return token_clips<ClipMaskGit<V>, ClipMaskGitOfClasses<V>, B>(settings);
  if (settings.model == "maskgit-scalar") return token_clips<ClipMaskGit<S>, ClipMaskGitOfClasses<S>, B>(settings);
  return token_clips<ClipVar, ClipVarOfClasses, B>(settings);
}

}  // namespace flipbook::examples
