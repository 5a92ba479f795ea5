// SPDX-License-Identifier: MIT
#include <flipbook/data/tensor_dataset.hpp>
#include <flipbook/models/flow/latent_diffusion.hpp>
#include <flipbook/models/vae/spatial_vae.hpp>

#include "follow.hpp"
#include "slope.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

/// Clips (N, T, 8, 8, 1) have latents (N, T, 1, 1, 2).
using Places = SpatialFrameVae<1, 2, 2>;
template <class Levels, int Classes>
using Small = LatentDiffusion<Places, 8, 1, Classes, Levels>;
using OfClips = Small<flow::OneLevel, 0>;
using OfFrames = Small<flow::LevelPerFrame, 0>;
using OfClasses = Small<flow::LevelPerFrame, 3>;

/// Clips (2, 3, 8, 8, 1), of a class each where the model takes classes.
template <class Net>
auto batch_of_step(int step) {
  const auto clips = sigmoid(random<double>({2, 3, 8, 8, 1}, static_cast<std::uint64_t>(step)));
  if constexpr (AnnotatedClip<typename Net::template Batch<Tensor<double>>>) {
    LabelledClip<Tensor<double>> batch{clips, zeros<double>({2, 3})};
    for (Index i = 0; i < 2; ++i) batch.label.data()[3 * i + (i + step) % 3] = 1;
    return batch;
  } else {
    return clips;
  }
}
/// Has no parameter be 0, as those of a new flow's last layer are, and measures latents of clips that lie on the host.
void prepare(auto& model) {
  using B = On<decltype(model)>;
  Tensor<double, B> parameters = model.parameters();
  const Tensor<double> numbers = random<double>(parameters.shape(), 9) * 0.3;
  B::copy(parameters.data(), numbers.data(), static_cast<std::size_t>(numbers.size()) * sizeof(double));
  Rng rng{4};
  model->measure(TensorDataset(converted<float>(sigmoid(random<double>({3, 2, 8, 8, 1}, 11)))), 3, rng, 2);
}

/// The latents of clips, how they are normalised, what is made of them, and new clips.
template <class Net, class B>
auto made(B) {
  Module<Net, double, B> model{Rng{1}};
  prepare(model);
  const auto batch = map_members(batch_of_step<Net>(0), [](const Tensor<double>& x) { return to<B>(x); });
  const auto clips = clip_of(batch);
  const flow::Sampling how{.integration = {.steps = 2}, .guidance = 2.5, .lag = 1};
  const auto z = model->latents(clips);
  const auto draw = [&](const auto&... label) {
    Rng rng{5};
    const auto anew = model->sample(z.shape(), rng, how, label...);
    const auto longer = model->sample(slice(clips, 1, 0, 2), 2, rng, how, label...);
    return std::tuple{to<Cpu>(z), to<Cpu>(model.buffers()), to<Cpu>(model->reconstruct(clips)), to<Cpu>(anew),
                      to<Cpu>(longer)};
  };
  if constexpr (AnnotatedClip<std::remove_cvref_t<decltype(batch)>>) return draw(batch.label);
  else return draw();
}

}  // namespace

TEST_CASE_TEMPLATE("latents' loss on a device and its gradient are the CPU's", Net, OfClips, OfFrames, OfClasses) {
  const auto loss = [](const auto& model, Tape& tape) {
    return model->loss(tape, map_members(batch_of_step<Net>(0), [&](const auto& x) { return data_of(model, x); }));
  };
  check_gradient<double, Net>(loss, 100);
  check_gradient<float, Net>(loss, 10);
}

TEST_CASE_TEMPLATE("in short numbers it stays near the CPU's in double", T, bfloat16, flipbook::half) {
  const auto loss = [](const auto& model, Tape& tape) {
    return model->loss(tape, data_of(model, batch_of_step<OfClips>(0)));
  };
  check_gradient<T, OfClips>(loss, 2);
}

TEST_CASE_TEMPLATE("latents, their statistics and clips of them, new ones and longer ones, are the CPU's", Net, OfClips,
                   OfFrames, OfClasses) {
  CHECK(test::detail::apart(made<Net>(Cpu{}), made<Net>(Cuda{})) < 1000 * device_tolerance<double>);
}

TEST_CASE_TEMPLATE("training of what is distributed in latents follows the CPU's, in steps that are captured", Net,
                   OfClips, OfClasses) {
  training_follows<Net>([](int step) { return batch_of_step<Net>(step); }, [](auto& model) { prepare(model); });
}
