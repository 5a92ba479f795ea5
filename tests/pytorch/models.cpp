// SPDX-License-Identifier: MIT
#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/autoregressive/token_transformer.hpp>
#include <flipbook/models/gan/dcgan.hpp>
#include <flipbook/models/vae/video_vae.hpp>
#include <flipbook/optim/adam.hpp>

#include "cases.hpp"

namespace fb = flipbook;
using pytorch::Inputs;

namespace {

template <class T>
void play(pytorch::Folder<T>& folder) {
  fb::Module<fb::Dcgan<>, T> gan;
  fb::load_weights(folder.file("generator"), gan->generator, "main.");
  fb::load_weights(folder.file("discriminator"), gan->discriminator, "main.");
  const fb::optim::Adam adam{.learning_rate = 2e-4, .beta1 = 0.5};
  typename fb::Dcgan<>::Training<T, fb::Cpu, fb::optim::Adam> training(gan, adam);
  const auto data = folder.real("data");  // (steps, N, 32, 32, 3)
  fb::List<fb::Tensor<T>> noise;
  fb::Rng rng{7};
  for (int step = 0; step < pytorch::steps; ++step) {
    fb::Rng again = rng;
    again.split();  // the step splits off the generator's stream before it draws noise
    noise.push_back(gan->noise(data.extent(1), again));  // (N, 1, 1, 100)
    for (const auto& [name, loss] : training.step(gan, data[step], rng, {})) {
      folder.write(name + " loss " + std::to_string(step), fb::full<T>({}, static_cast<T>(loss)));
    }
  }
  folder.write("drawn", fb::stack(0, noise));
  fb::save_weights(folder.file("generator_trained"), gan->generator);
  fb::save_weights(folder.file("discriminator_trained"), gan->discriminator);
}

}  // namespace

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  const auto adam = [](double epsilon) { return fb::optim::Adam{.learning_rate = 1e-3, .epsilon = epsilon}; };
  const fb::optim::Sgd slow{.learning_rate = 1e-4, .momentum = 0.9};
  cases.layer<fb::dcgan::Generator<>>("generator", pytorch::Call{}, slow);
  cases.layer<fb::dcgan::Discriminator<>>("discriminator", pytorch::Call{}, slow);
  cases.each("dcgan", [](auto& folder) { play(folder); });

  const auto vae = []<class X>(const auto& model, const Inputs<X>& in) {
    if constexpr (fb::training<X>) {
      fb::Rng again = in.tape().rng();
      in.drawn(fb::normal<typename X::Scalar>({in[0].extent(0), 16}, again));
      return model->loss(in[0]);
    } else {
      return model->reconstruct(in[0]);
    }
  };
  cases.layer<fb::VideoVae<1, 8, 16>>("video_vae", vae, adam(1));

  const auto predict = []<class X>(const auto& model, const Inputs<X>& in) {
    if constexpr (fb::training<X>) return model->loss(in[0]);
    else return model->predict(in[0], 3);
  };
  cases.layer<fb::Autoregressive<fb::FrameLstm<6, 7, 1, 20, 24>>>("frame_lstm", predict, adam(0.1));
  cases.layer<fb::Autoregressive<fb::ConvLstm<1, 24>>>("conv_lstm", predict, adam(0.1));

  const auto tokens = []<class X>(const auto& model, const Inputs<X>& in) {
    if constexpr (fb::training<X>) return model->loss(in.tape(), in.whole(0));
    else return model->log_likelihood(in.whole(0));
  };
  cases.layer<fb::TokenTransformer<33, 32, 3, 4, 24>>("token_transformer", tokens,
                                                      fb::optim::AdamW{.learning_rate = 3e-4, .epsilon = 1e-3});
  return cases.status();
}
