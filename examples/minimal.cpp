// SPDX-License-Identifier: MIT
// Learns to predict shapes that move, and continues clips that it has not seen.
#include <flipbook/flipbook.hpp>

namespace fb = flipbook;

int main() {
  const fb::MovingShapes clips({.frames = 12, .canvas = 32, .shapes = 1, .smallest = 0.2, .largest = 0.3});

  using Model = fb::Autoregressive<fb::ConvLstm<3, 48, 3>>;  // RGB, 48 hidden channels, 3×3 kernels
  fb::Trainer trainer{fb::Module<Model, float>{fb::Rng{1}}, fb::optim::Adam{.learning_rate = 5e-3}};
  trainer.fit(clips, {.steps = 400, .batch = 8, .step = {.clip_norm = 100}, .checkpoint = "model.safetensors"});

  const auto unseen = fb::batch_of(clips, 1'000'000, 8);                        // (8, 12, 32, 32, 3)
  const auto seen = fb::slice(unseen, 1, 0, 4);                                 // (8, 4, 32, 32, 3)
  const auto continued = fb::concat(1, seen, trainer.model->predict(seen, 8));  // (8, 12, 32, 32, 3)
  fb::write_gif("continued.gif", fb::upscale(fb::make_grid(fb::concat(0, unseen, continued), 8), 3));
}
