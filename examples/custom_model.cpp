// SPDX-License-Identifier: MIT
// A model that the library does not have, from its equations to its clips: denoising diffusion.
#include <cmath>

#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/loss/regression.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/residual.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/optim/adam.hpp>

#include "support/training.hpp"

namespace fb = flipbook;
using namespace fb::nn;

// [model]
/// Noise ε is mixed into clips x, the more the later the time t in [0, 1], and a network learns to tell it:
///
///     x_t = α(t)·x + σ(t)·ε,   α = √(1 − t²),  σ = t,        min E ‖ε̂(x_t, t) − ε‖²
///
/// Ho et al., Denoising diffusion probabilistic models, 2020; sampled as by Song et al., 2021 (DDIM).
///
/// @tparam Denoiser  (N, …, C + 1) → (N, …, C); the last channel of its input is t
template <class Denoiser>
struct Diffusion {
  static_assert(channels_match<Denoiser::in, Denoiser::out + 1>,
                "Diffusion: the network takes one channel more than it gives");

  template <fb::Real T, class B>
  struct Instance {
    fb::Of<Denoiser, T, B> denoiser;

    explicit Instance(fb::Rng& rng) : denoiser(rng) {}
    static void fields(auto& self, auto&& field) { field("denoiser", self.denoiser); }

    template <fb::Value X>
    X noise_in(const X& noisy, const fb::Tensor<T, B>& t) const {  // t (N, 1, …, 1)
      return denoiser(fb::concat(-1, noisy, fb::broadcast_to(t, noisy.shape().with_tail(1, {1}))));
    }
    fb::Variable<T, B> loss(const fb::Variable<T, B>& clips) const {
      fb::Tape& tape = clips.tape();
      fb::Shape each = fb::Shape::filled(clips.rank(), 1);
      each[0] = clips.extent(0);
      const auto t = fb::uniform<T, B>(each, tape.rng());                            // (N, 1, …, 1)
      const auto noise = fb::normal<T, B>(clips.shape(), tape.rng());                // (N, T, H, W, C)
      const auto noisy = fb::sqrt(1 - t * t) * (clips.value() * 2 - 1) + t * noise;  // (N, T, H, W, C)
      return fb::loss::mse(noise_in(tape.constant(noisy), t), noise);
    }
    fb::Tensor<T, B> sample(const fb::Shape& shape, int steps, fb::Rng& rng) const {
      fb::Tensor<T, B> x = fb::normal<T, B>(shape, rng);
      for (int i = steps; i > 0; --i) {
        const auto sigma = [&](int k) { return 0.99 * k / steps; };
        const auto alpha = [&](int k) { return std::sqrt(1 - sigma(k) * sigma(k)); };
        fb::Shape each = fb::Shape::filled(shape.rank(), 1);
        each[0] = shape[0];
        const auto noise = noise_in(x, fb::full<T, B>(each, static_cast<T>(sigma(i))));
        const auto clean = fb::clamp((x - noise * sigma(i)) / alpha(i), -1, 1);
        x = clean * alpha(i - 1) + noise * sigma(i - 1);
      }
      return (x + 1) / 2;
    }
  };
};
// [/model]

inline constexpr Window same{.kernel = 3, .padding = 1};
template <int Width>
using Block = Residual<GroupNorm<4, Width>, SiLU, Conv3d<Width, Width, same>>;
using Denoiser =
    Sequential<Conv3d<4, 32, same>, Block<32>, Block<32>, Block<32>, GroupNorm<4, 32>, SiLU, Conv3d<32, 3, same>>;

int main(int argc, char** argv) {
  fb::examples::CommandLine line{
      "Trains a diffusion model, which is not in the library, on coloured shapes that move: 8 frames of 16×16 pixels."};
  fb::examples::TrainingOptions options{.out = "out/diffusion", .steps = 600, .batch = 16};
  options.add_to(line);
  return line.run(argc, argv, [&]<class B>(B) {
    const fb::examples::Data data = options.open({.frames = 8, .size = 16, .channels = 3, .sprites = 1});
    fb::Trainer trainer{fb::Module<Diffusion<Denoiser>, float, B>{fb::Rng{options.seed}},
                        fb::optim::Adam{.learning_rate = 2e-3}, options.seed};
    fb::examples::train(trainer, data, options, {.title = "diffusion"}, [&](const auto& show) {
      fb::Rng rng{7};
      show("samples", trainer.model->sample({16, 8, 16, 16, 3}, 30, rng), 8);
    });
  });
}
