// SPDX-License-Identifier: MIT
// One side of learning against time; learning.py is the other and asks both. A program writes the clips that both learn
// from, or makes the step of a model that it is told and answers with its milliseconds and its loss.
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include <flipbook/data/idx.hpp>
#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/io/npy.hpp>
#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/autoregressive/token_transformer.hpp>
#include <flipbook/models/gan/video_gan.hpp>
#include <flipbook/models/vae/video_vae.hpp>
#include <flipbook/ops/resample/pool.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>
#include <flipbook/train/trainer.hpp>
#include <flipbook/train/weights.hpp>

#include "../../examples/support/options.hpp"

using namespace flipbook;

namespace {

constexpr Index batch = 8, frames = 16, levels = 512;

/// Takes the next batch (8, 16, 64, 64, 1) and gives the loss.
using Step = std::function<double(const Tensor<float>&)>;

/// The steps of a model on `loss(tape, module, clips)`, from weights that are written for the other side.
template <class Net, class Rule, class Loss>
Step steps(Module<Net, float> untrained, Rule rule, const std::filesystem::path& weights, const Loss& loss) {
  save_weights(weights, untrained);
  const auto model = std::make_shared<Module<Net, float>>(std::move(untrained));
  const auto optimizer = std::make_shared<Optimizer<Rule, float>>(rule, model->parameters());
  return [model, optimizer, loss, rng = std::make_shared<Rng>(1)](const Tensor<float>& clips) {
    return train_step(*model, *optimizer, *rng, [&](Tape& tape) { return loss(tape, *model, clips); });
  };
}

/// Frames as 8×8 levels of grey, in order, after a first token 0; of the two first clips.
Tensor<std::int32_t> tokens_of(const Tensor<float>& clips) {
  const Tensor<float> small =
      avg_pool(clips.slice(0, 2).reshape({2 * frames, 64, 64, 1}), Extent(8));  // (2·16, 8, 8, 1)
  Tensor<std::int32_t> tokens({2, frames * 64 + 1});
  for (Index i = 0; i < tokens.size(); ++i) {
    const Index n = i / tokens.extent(1), place = i % tokens.extent(1);
    const float grey = place == 0 ? 0.0F : small.data()[n * frames * 64 + place - 1];
    tokens.data()[i] = std::min(static_cast<std::int32_t>(grey * levels), std::int32_t{levels - 1});
  }
  return tokens;
}

/// The steps of discriminator and generator, whose losses are added.
Step steps_of_gan(const std::filesystem::path& weights) {
  using Gan = VideoGan<1>;
  Module<Gan, float> untrained{Rng{0}};
  save_weights(weights, untrained);
  const auto trainer = std::make_shared<Trainer<Gan, float, Cpu, optim::Adam>>(
      std::move(untrained), optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5});
  return [trainer](const Tensor<float>& clips) {
    double sum = 0;
    for (const auto& [_, loss] : trainer->step(clips)) sum += loss;
    return sum;
  };
}

Step model_of(const std::string& name, const std::filesystem::path& weights) {
  const auto of_clips = [](Tape& tape, const auto& model, const Tensor<float>& clips) {
    return model->loss(tape.constant(clips));
  };
  if (name == "conv_lstm") {
    Module<Autoregressive<ConvLstm<>>, float> model{Rng{0}};
    model->context_frames = 1;
    return steps(std::move(model), optim::Adam{.learning_rate = 1e-3}, weights, of_clips);
  }
  if (name == "vae") {
    return steps(Module<VideoVae<>, float>{Rng{0}}, optim::Adam{.learning_rate = 1e-3}, weights, of_clips);
  }
  if (name == "gan") return steps_of_gan(weights);
  return steps(
      Module<TokenTransformer<levels>, float>{Rng{0}}, optim::AdamW{.learning_rate = 3e-4}, weights,
      [](Tape& tape, const auto& model, const Tensor<float>& clips) { return model->loss(tape, tokens_of(clips)); });
}

}  // namespace

int main(int argc, char** argv) {
  examples::CommandLine line{"Learns beside PyTorch, from the same weights and clips: the side that learning.py asks."};
  std::filesystem::path images, clips, weights;
  std::string model = "conv_lstm";
  Index count = 0;
  line.input("--images", images, "An IDX file of what moves");
  line.output("--clips", clips, "Writes the clips here, as a .npy file of bytes (K, 16, 64, 64), and stops", "FILE");
  line.number("--batches", count, "How many batches of 8 are written", 0);
  line.output("--weights", weights, "Where the first weights are written", "FILE");
  line.choice("--model", model, {"conv_lstm", "vae", "gan", "transformer"}, "What learns");
  line.threads();
  return line.run(argc, argv, [&](Cpu) {
    const MovingSprites sprites(read_idx(images), {.frames = frames, .sprites = 2, .seed = 1});
    if (!clips.empty()) {
      Tensor<std::uint8_t> all({count * batch, frames, 64, 64});
      for (Index i = 0; i < count * batch; ++i) {
        const Tensor<std::uint8_t> clip = to_bytes(sprites.clip(i));
        std::copy(clip.begin(), clip.end(), all.data() + i * clip.size());
      }
      return write_npy(clips, all);
    }
    const Step step = model_of(model, weights);
    std::string ask;
    for (Index k = 0; std::getline(std::cin, ask); ++k) {
      const Tensor<float> x = batch_of(sprites, k * batch, batch);  // (8, 16, 64, 64, 1)
      const auto start = std::chrono::steady_clock::now();
      const double loss = step(x);
      const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
      std::cout << time.count() << ' ' << loss << std::endl;
    }
  });
}
