// Trains a variational autoencoder of video on shapes that move, and writes new clips.
#include <flipbook/flipbook.hpp>

namespace fb = flipbook;

int main() {
  const fb::MovingShapes clips({.frames = 16, .canvas = 64});

  using Model = fb::VideoVae<3, 8, 32>;  // RGB, 8 channels in the first layer, 32 numbers for a clip
  fb::Trainer trainer{fb::Module<Model, float>{fb::Rng{1}}, fb::optim::Adam{.learning_rate = 2e-3}};
  trainer.fit(clips, {.steps = 300, .batch = 8, .checkpoint = "vae.safetensors"});

  fb::Rng rng{2};
  const fb::Tensor<float> samples = trainer.model->sample(16, rng);  // (16, 16, 64, 64, 3)
  fb::write_gif("samples.gif", fb::sheet(samples, 4));
}
