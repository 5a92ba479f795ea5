// SPDX-License-Identifier: MIT
// What docs/guide.md shows.
#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>

#include <flipbook/data/idx.hpp>
#include <flipbook/data/data_loader.hpp>
#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/io/gif.hpp>
#include <flipbook/io/grid.hpp>
#include <flipbook/loss/regression.hpp>
#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/models/gan/dcgan.hpp>
#include <flipbook/models/vae/vae_gan.hpp>
#include <flipbook/models/vae/video_vae.hpp>
#include <flipbook/nn/conv_cells.hpp>
#include <flipbook/nn/evaluating.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>
#include <flipbook/train/trainer.hpp>
#include <flipbook/train/weights.hpp>

// [begin]
namespace fb = flipbook;
using namespace fb::nn;  // layers
// [/begin]

namespace {

// [gan-networks]
constexpr Window head{.kernel = 4, .bias = false};
constexpr Window half{.kernel = 4, .stride = 2, .padding = 1, .bias = false};  // doubles or halves an extent

using Generator = Sequential<                               // noise (N, 1, 1, 100)
    ConvTranspose2d<100, 512, head>, BatchNorm<512>, ReLU,  // (N, 4, 4, 512)
    ConvTranspose2d<512, 256, half>, BatchNorm<256>, ReLU,  // (N, 8, 8, 256)
    ConvTranspose2d<256, 128, half>, BatchNorm<128>, ReLU,  // (N, 16, 16, 128)
    ConvTranspose2d<128, 3, half>, Tanh>;                   // (N, 32, 32, 3)

using Discriminator = Sequential<                            // frames (N, 32, 32, 3)
    Conv2d<3, 128, half>, LeakyReLU<0.2>,                    // (N, 16, 16, 128)
    Conv2d<128, 256, half>, BatchNorm<256>, LeakyReLU<0.2>,  // (N, 8, 8, 256)
    Conv2d<256, 512, half>, BatchNorm<512>, LeakyReLU<0.2>,  // (N, 4, 4, 512)
    Conv2d<512, 1, head>>;                                   // logits (N, 1, 1, 1)
// [/gan-networks]

// [gan-model]
using Minimax = fb::Gan<Generator, Discriminator, fb::loss::Minimax>;
using NonSaturating = fb::Gan<Generator, Discriminator, fb::loss::NonSaturating>;
// [/gan-model]

fb::MovingShapes shapes(fb::Index frames, fb::Index size) {
  return fb::MovingShapes({.frames = frames, .canvas = size, .seed = 5});
}

}  // namespace

TEST_CASE("the guide's game is played step by step") {
  // [gan-step]
  fb::Module<Generator, float> g{fb::Rng{1}};
  fb::Module<Discriminator, float> d{fb::Rng{2}};
  fb::Optimizer g_adam{fb::optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5}, g.parameters()};
  fb::Optimizer d_adam{fb::optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5}, d.parameters()};
  fb::Rng rng{3};

  const auto step = [&](const fb::Tensor<float>& real) {  // (N, 32, 32, 3) in [−1, 1]
    const auto z = fb::normal<float>({real.extent(0), 1, 1, 100}, rng);
    fb::Tape play{g, rng.split()};          // watches G's parameters
    const auto fake = g(play.constant(z));  // G(z)

    fb::Tape judge{d, rng.split()};  // watches D's parameters
    const auto d_loss = fb::loss::Minimax::discriminator(d(judge.constant(real)), d(judge.constant(fake.value())));
    d_adam.step(d.parameters(), judge.gradient(d_loss, d));  // D rises: max V(D, G)
    judge.apply_updates();

    const auto g_loss = fb::loss::Minimax::generator(d(fake));  // D is a constant of this tape
    g_adam.step(g.parameters(), play.gradient(g_loss, g));      // G falls: min V(D, G)
    play.apply_updates();
    return std::pair{d_loss.item(), g_loss.item()};
  };
  // [/gan-step]
  const auto real = fb::affine(fb::batch_of(shapes(1, 32), 0, 2).reshape({2, 32, 32, 3}), 2, -1);
  const auto before = g.parameters().clone();
  const auto [d_loss, g_loss] = step(real);
  CHECK(d_loss > 0);
  CHECK(g_loss < 0);
  CHECK(fb::to_vector(before) != fb::to_vector(g.parameters()));
}

TEST_CASE("the guide's trainer trains a generator of frames") {
  const auto clips = shapes(4, 32);
  const fb::Index steps = 1;
  fb::Rng rng{1};
  // [gan-train]
  fb::Module<NonSaturating, float> gan{rng.split()};
  fb::init::dcgan(gan, rng.split());
  fb::Trainer trainer{std::move(gan), fb::optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5}};
  trainer.fit(clips, {.steps = steps, .batch = 1});
  const auto frames = trainer.model->sample(16, rng);  // (16, 32, 32, 3) in [0, 1]
  // [/gan-train]
  CHECK(frames.shape() == fb::Shape{16, 32, 32, 3});
  CHECK(trainer.steps() == 1);
}

namespace {

// [ar-model]
constexpr Window same{.kernel = 3, .padding = 1};

using Predictor = fb::Autoregressive<Stack<ConvLstmCell<1, 16, same>, ConvLstmCell<16, 16, same>, Conv2d<16, 1, same>>,
                                     fb::likelihood::Bernoulli>;
// [/ar-model]

// [vae-model]
constexpr Window down{.kernel = {3, 4, 4}, .stride = {1, 2, 2}, .padding = 1};

using Encoder = Sequential<                    // clips (N, 4, 16, 16, 1)
    Conv3d<1, 16, down>, ReLU,                 // (N, 4, 8, 8, 16)
    Conv3d<16, 32, down>, ReLU,                // (N, 4, 4, 4, 32)
    Flatten, Linear<4 * 4 * 4 * 32, 2 * 32>>;  // mean and log-variance of z

using Decoder = Sequential<                                    // z (N, 32)
    Linear<32, 4 * 4 * 4 * 32>, Unflatten<4, 4, 4, 32>, ReLU,  // (N, 4, 4, 4, 32)
    ConvTranspose3d<32, 16, down>, ReLU,                       // (N, 4, 8, 8, 16)
    ConvTranspose3d<16, 1, down>>;                             // logits (N, 4, 16, 16, 1)

using ClipVae = fb::Vae<Encoder, Decoder, fb::latent::DiagonalGaussian<32>, fb::likelihood::Bernoulli>;
// [/vae-model]

fb::MovingSprites squares(fb::Index frames) {
  return {fb::full<std::uint8_t>({1, 5, 5}, 255), {.frames = frames, .canvas = 16, .sprites = 1}};
}

}  // namespace

TEST_CASE("the guide's predictor continues clips") {
  const auto clips = squares(6);
  const fb::Index steps = 2;
  fb::Rng rng{1};
  // [ar-train]
  fb::Module<Predictor, float> predictor{rng.split()};
  predictor->context_frames = 1;  // the first frame is not predicted
  fb::Trainer trainer{std::move(predictor), fb::optim::Adam{.learning_rate = 3e-3}};
  trainer.fit(clips, {.steps = steps, .batch = 4});

  const auto unseen = fb::batch_of(clips, 1'000'000, 4);      // (N, T, H, W, 1)
  const auto nats = trainer.model->log_likelihood(unseen);    // (N): Σ_t log p(x_t | x_<t)
  const auto context = fb::slice(unseen, 1, 0, 3);            // three frames are seen
  const auto drawn = trainer.model->sample(context, 5, rng);  // five more, each from p(x_t | x_<t)
  const auto expected = trainer.model->predict(context, 5);   // or each the expectation
  // [/ar-train]
  CHECK(nats.shape() == fb::Shape{4});
  for (const float each : nats) CHECK(each < 0);
  CHECK(drawn.shape() == fb::Shape{4, 5, 16, 16, 1});
  CHECK(expected.shape() == drawn.shape());
}

TEST_CASE("the guide's autoencoder bounds the likelihood, reconstructs, samples and interpolates") {
  const auto clips = squares(4);
  const fb::Index steps = 2;
  fb::Rng rng{1};
  // [vae-train]
  fb::Trainer trainer{fb::Module<ClipVae, float>{rng.split()}, fb::optim::Adam{.learning_rate = 1e-3}};
  trainer.fit(clips, {.steps = steps, .batch = 4});

  const auto& vae = trainer.model;
  const auto x = fb::batch_of(clips, 1'000'000, 4);      // (N, T, H, W, 1)
  const auto bound = vae->elbo(x, rng);                  // (N), in nats
  const auto nearer = vae->log_likelihood(x, 50, rng);   // (N): from 50 weighted draws of z
  const auto again = vae->reconstruct(x);                // E[x | z] at the mean of q(z | x)
  const auto fresh = vae->sample(8, rng);                // z from the prior
  const auto between = vae->interpolate(x[0], x[1], 5);  // along a line in z
  // [/vae-train]
  CHECK(bound.shape() == fb::Shape{4});
  CHECK(fb::mean(nearer).item() > fb::mean(bound).item());
  CHECK(again.shape() == x.shape());
  CHECK(fresh.shape() == fb::Shape{8, 4, 16, 16, 1});
  CHECK(between.shape() == fb::Shape{5, 4, 16, 16, 1});
}

namespace {
// [vae-gan]
using Critic = Sequential<Conv3d<1, 16, down>, LeakyReLU<0.2>, Conv3d<16, 1, down>>;
using SharpVae = fb::VaeGan<ClipVae, Critic>;
// [/vae-gan]
}  // namespace

TEST_CASE("the guide's two families train as one") {
  fb::Rng rng{1};
  fb::Trainer trainer{fb::Module<SharpVae, float>{rng.split()}, fb::optim::Adam{.learning_rate = 1e-3}};
  CHECK(trainer.step(fb::batch_of(squares(4), 0, 2)).size() == 3);
}

TEST_CASE("the guide's weights and clips go to files and come back") {
  const auto folder = std::filesystem::temp_directory_path() / ("flipbook-guide-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  fb::Rng rng{1};
  const fb::Module<ClipVae, float> vae{rng.split()};
  // [files]
  fb::save_weights(folder / "vae.safetensors", vae);
  fb::Module<ClipVae, float> loaded;
  fb::load_weights(folder / "vae.safetensors", loaded);

  const auto clips = loaded->sample(8, rng);                                     // (8, T, H, W, 1)
  fb::write_gif(folder / "clips.gif", fb::upscale(fb::make_grid(clips, 4), 3));  // two rows of four, each pixel 3×3
  // [/files]
  CHECK(fb::to_vector(vae.parameters()) == fb::to_vector(loaded.parameters()));
  CHECK(std::filesystem::file_size(folder / "clips.gif") > 0);
  std::filesystem::remove_all(folder);
}

TEST_CASE("the guide's own loop accumulates gradients, freezes a part and keeps checkpoints") {
  const auto folder = std::filesystem::temp_directory_path() / ("flipbook-loop-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto clips = squares(4);
  const fb::Index steps = 2;
  // [own-loop]
  fb::Module<ClipVae, float> vae{fb::Rng{1}};
  fb::Optimizer adam{fb::optim::Adam{.learning_rate = 1e-3}, vae.parameters()};
  fb::DataLoader loader{clips, {.batch = 4, .workers = 2}};  // batch k, whatever the workers
  fb::Rng rng{2};
  for (fb::Index step = 0; step < steps; ++step) {
    fb::Tape tape{vae, rng.split()};                            // watches all parameters of vae
    const auto loss = vae->loss(tape.constant(loader.next()));  // a mean over the clips
    fb::backward_and_step(tape, loss, vae, vae.parameters(), adam, {.clip_norm = 100});
  }
  // [/own-loop]
  const auto encoder_before = fb::to_vector(vae.part(vae->encoder));
  const auto decoder_before = fb::to_vector(vae.part(vae->decoder));
  // [freezing]
  fb::Optimizer decoder_adam{fb::optim::Adam{.learning_rate = 1e-4}, vae.part(vae->decoder)};
  fb::Tape tape{vae->decoder, rng.split()};  // the encoder's parameters are constants
  const auto loss = vae->loss(tape.constant(loader.next()));
  fb::backward_and_step(tape, loss, vae->decoder, vae.part(vae->decoder), decoder_adam);
  // [/freezing]
  CHECK(fb::to_vector(vae.part(vae->encoder)) == encoder_before);
  CHECK(fb::to_vector(vae.part(vae->decoder)) != decoder_before);
  // [feature-loss]
  using Features = Sequential<Conv3d<1, 8, down>, BatchNorm<8>, ReLU>;  // trained before, on something else
  fb::Module<Features, float> features{fb::Rng{3}};

  const auto x = loader.next();
  fb::Tape through{vae, rng.split()};
  const auto q = vae->encode(through.constant(x));
  const auto y = vae->likelihood.mean(vae->decode(q.mean));
  const auto distance = fb::loss::mse(fb::frozen(features)(y), features(x));  // both as in inference
  fb::backward_and_step(through, distance, vae, vae.parameters(), adam);
  // [/feature-loss]
  CHECK(fb::to_vector(features.buffers()) == fb::to_vector(fb::Module<Features, float>{}.buffers()));
  // [accumulation]
  const int parts = 4;
  fb::Tensor<float> total = fb::zeros<float>(vae.parameters().shape());  // (P)
  for (int part = 0; part < parts; ++part) {
    fb::Tape each{vae, rng.split()};
    const auto share = vae->loss(each.constant(loader.next())) * (1.0 / parts);
    total = total + each.gradient(share, vae);  // a mean over 4 batches of 4 clips
    each.apply_updates();                       // buffers follow every batch
  }
  adam.step(vae.parameters(), total);
  // [/accumulation]
  CHECK(adam.steps() == steps + 2);
  // [checkpoint]
  fb::Trainer trainer{std::move(vae), fb::optim::Adam{.learning_rate = 1e-3}};
  while (trainer.steps() < 2) {
    const fb::Losses losses = trainer.step(loader.next());  // {{"loss", 123.4}}, by name
    if (trainer.steps() % 100 == 0) std::printf("%s %g\n", losses[0].first.c_str(), losses[0].second);
  }
  trainer.save(folder / "state.safetensors");    // model, optimiser, rng, history
  trainer.resume(folder / "state.safetensors");  // goes on to the same bits
  // [/checkpoint]
  CHECK(trainer.steps() == 2);
  CHECK(std::filesystem::file_size(folder / "state.safetensors") > 0);
  // [keeping]
  const auto unseen = fb::batch_of(clips, 1'000'000, 4);  // (N, T, H, W, 1)
  trainer.fit(clips, {.steps = 6,
                      .batch = 4,
                      .checkpoint = folder / "run.safetensors",
                      .checkpoint_every = 600,  // seconds
                      .keep = 5,                // the last
                      .evaluate = [&] { return -fb::mean(trainer.model->elbo(unseen, rng)).item(); },
                      .evaluate_every = 2});  // steps
  // [/keeping]
  // [groups]
  trainer.set_group(fb::is_vector, {.weight_decay = 0});        // biases, factors of normalisations
  trainer.set_group("encoder.*", {.rate_factor = 0.1});         // * stands for any characters
  trainer.set_group("encoder.0.weight", {.rate_factor = 0.0});  // frozen
  // [/groups]
  // [monitor]
  const auto watch = [](const fb::StepReport& report) {
    for (const auto& [name, gradient, parameters, update] : report.parts) {  // "encoder", "decoder"
      std::printf("%td %s: gradient %g, ratio of update %g\n", report.step, name.c_str(), gradient,
                  update / parameters);
    }
  };
  trainer.fit(clips, {.steps = 10, .batch = 4, .monitor = watch, .monitor_every = 2});
  // [/monitor]
  CHECK(trainer.best().has_value());
  CHECK(std::filesystem::exists(fb::best_checkpoint(folder / "run.safetensors")));
  std::filesystem::remove_all(folder);
}

TEST_CASE("the guide's gradients are those of calculus") {
  // [tape]
  fb::Tape tape;
  const auto x = tape.variable(fb::Tensor<double>({2}, {1.0, 2.0}));
  const auto y = fb::sum(fb::square(x));  // y = Σ x²
  const auto dy = tape.gradient(y, x);    // 2x
  // [/tape]
  CHECK(fb::to_vector(dy) == std::vector<double>{2, 4});
}
