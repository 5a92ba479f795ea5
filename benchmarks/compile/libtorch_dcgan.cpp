// SPDX-License-Identifier: MIT
// The tutorial's DCGAN, trained for a few steps on noise in place of pictures: what flipbook_dcgan.cpp is.
#include <cstdio>
#include <cstdlib>

#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

namespace nn = torch::nn;

nn::Sequential generator() {
  const auto up = [](int in, int out, int stride, int padding) {
    return nn::ConvTranspose2d(nn::ConvTranspose2dOptions(in, out, 4).stride(stride).padding(padding).bias(false));
  };
  return nn::Sequential(up(100, 512, 1, 0), nn::BatchNorm2d(512), nn::ReLU(),  //
                        up(512, 256, 2, 1), nn::BatchNorm2d(256), nn::ReLU(),  //
                        up(256, 128, 2, 1), nn::BatchNorm2d(128), nn::ReLU(),  //
                        up(128, 3, 2, 1), nn::Tanh());
}

nn::Sequential discriminator() {
  const auto down = [](int in, int out, int stride, int padding) {
    return nn::Conv2d(nn::Conv2dOptions(in, out, 4).stride(stride).padding(padding).bias(false));
  };
  const auto leaky = [] { return nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2)); };
  return nn::Sequential(down(3, 128, 2, 1), leaky(),                          //
                        down(128, 256, 2, 1), nn::BatchNorm2d(256), leaky(),  //
                        down(256, 512, 2, 1), nn::BatchNorm2d(512), leaky(),  //
                        down(512, 1, 1, 0));
}

/// The mean of −log σ(logit), or of −log(1 − σ(logit)).
torch::Tensor loss_of(const torch::Tensor& logits, bool real) {
  const auto truth = real ? torch::ones_like(logits) : torch::zeros_like(logits);
  return nn::functional::binary_cross_entropy_with_logits(logits, truth);
}

int main(int count, char** arguments) {
  const int steps = count > 1 ? std::atoi(arguments[1]) : 3;
  torch::manual_seed(0);
  auto g = generator(), d = discriminator();
  const auto rule = torch::optim::AdamOptions(2e-4).betas({0.5, 0.999});
  torch::optim::Adam of_generator(g->parameters(), rule), of_discriminator(d->parameters(), rule);
  const auto pictures = torch::rand({64, 3, 32, 32}) * 2 - 1;
  for (int step = 1; step <= steps; ++step) {
    of_discriminator.zero_grad();
    const auto fake = g->forward(torch::randn({64, 100, 1, 1}));
    const auto judged = loss_of(d->forward(pictures), true) + loss_of(d->forward(fake.detach()), false);
    judged.backward();
    of_discriminator.step();

    of_generator.zero_grad();
    const auto fooled = loss_of(d->forward(fake), true);
    fooled.backward();
    of_generator.step();
    std::printf("%d  discriminator %.3f  generator %.3f\n", step, judged.item<double>(), fooled.item<double>());
  }
}
