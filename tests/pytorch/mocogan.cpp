// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>

#include <flipbook/models/gan/mocogan.hpp>
#include <flipbook/optim/adam.hpp>

#include "cases.hpp"

namespace fb = flipbook;

namespace {

using Net = fb::MoCoGan<1, 2, 0, fb::loss::NonSaturating, 6, 3>;
constexpr fb::Index clips = 3, frames = 16;

/// f(name of a file, part of the model) for each part that has one.
template <class Gan, class F>
void parts(Gan& gan, const F& f) {
  f("generator", gan->model);
  f("image", get<0>(gan->discriminator.all));
  f("video", get<1>(gan->discriminator.all));
}

/// What noise makes, what each discriminator says of it, and the gradient of the sum of that.
template <class T, class Noise>
void look(pytorch::Folder<T>& folder, const fb::Module<Net, T>& gan, const Noise& z) {
  fb::Tape tape{gan};
  const auto made = gan->model.generate(z, [&](const fb::Tensor<T>& x) { return tape.constant(x); });
  const auto& [image, video] = gan->discriminator.all;
  const auto of_frames = image(reshape(made, {clips * frames, 64, 64, 1})), of_clips = video(made);
  folder.write("clips", made.value());
  folder.write("image logits", of_frames.value());
  folder.write("video logits", of_clips.value());
  const auto gradient = tape.gradient(sum(of_frames) + sum(of_clips), gan);
  fb::Module<Net, T> places = gan;  // in place of the parameters, so that it is written as weights are
  std::copy(gradient.begin(), gradient.end(), fb::Tensor<T>(places.parameters()).data());
  parts(places,
        [&](const char* name, auto& part) { fb::save_weights(folder.file(name + std::string("_gradient")), part); });
}

/// The same of the first noise, and steps of training; noise and frames as they were drawn.
template <class T>
void play(pytorch::Folder<T>& folder) {
  fb::Module<Net, T> gan;
  parts(gan, [&](const char* name, auto& part) { fb::load_weights(folder.file(name), part); });
  typename Net::template Training<T, fb::Cpu, fb::optim::Adam> training(
      gan, fb::optim::Adam{.learning_rate = 1e-3, .epsilon = 0.1});
  const auto data = folder.real("data");  // (steps, N, T, 64, 64, 1)
  const auto numbers = fb::cumsum(fb::ones<T>({clips, frames, 1}), 1) - 1;
  fb::Rng rng{7};
  for (int step = 0; step < pytorch::steps; ++step) {
    // As the step draws: the tape of the model's turn, noise, the tape of the discriminators' turn; on each, frames.
    fb::Rng again = rng, play = again.split();
    const auto z = gan->model.noise(clips, frames, again);
    fb::Rng judge = again.split();
    if (step == 0) look(folder, gan, z);
    const auto drawn = [&](const char* name, const fb::Tensor<T>& x) {
      folder.write(std::string("drawn ") + name + std::to_string(step), x);
    };
    drawn("content", z.content), drawn("first", z.first), drawn("steps", z.steps);
    drawn("data", fb::view::RandomFrames<1>::of(numbers, judge));  // (N, 1)
    drawn("fakes", fb::view::RandomFrames<1>::of(numbers, judge));
    drawn("turn", fb::view::RandomFrames<1>::of(numbers, play));
    for (const auto& [name, loss] : training.step(gan, data[step], rng, {})) {
      folder.write(name + " loss " + std::to_string(step), fb::full<T>({}, static_cast<T>(loss)));
    }
  }
  parts(gan,
        [&](const char* name, auto& part) { fb::save_weights(folder.file(name + std::string("_trained")), part); });
}

}  // namespace

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  cases.each("mocogan", [](auto& folder) { play(folder); });
  return cases.status();
}
