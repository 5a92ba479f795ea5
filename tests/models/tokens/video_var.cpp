// SPDX-License-Identifier: MIT
#include <flipbook/models/tokens/video_var.hpp>

#include <doctest/doctest.h>

#include <flipbook/models/tokens/video_gpt.hpp>
#include <flipbook/models/tokens/video_mask_git.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/quantizer/multi_scale.hpp>
#include <flipbook/train/trainer.hpp>

#include "lit.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

using Three = quantizer::Scales<Extent{1, 1, 1}, Extent{2, 1, 1}, Extent{2, 2, 2}>;  // 1 + 2 + 8 codes
using InScales = Autoencoder<Patches, quantizer::MultiScale<quantizer::Vector<4, 1>, Three>, Pixels>;
using Tiny = VideoVar<InScales, 16, 2, 2>;
using TinyOfClasses = VideoVar<InScales, 16, 2, 2, 3>;
static_assert(Tiny::length == 11 && Tiny::classes == 0 && TinyOfClasses::classes == 3);

/// A tokenizer of light: z is −4 for dark places and about 4 for bright ones, of which the codebook has what all scales
/// need, −4, 0 and 4, and decodes the sum.
template <class Model>
void tell_light_in_scales(Model& tokenizer) {
  tell_light(tokenizer);
  const Tensor<float> book({4, 1}, {-4, 0, 4, 100});
  std::copy(book.begin(), book.end(), tokenizer.quantizer.codebook.codebook.value.data());
}

}  // namespace

TEST_CASE("training changes the prior alone, which learns scale by scale what the class says, and a seed repeats it") {
  const auto trained = [&](int team) {
    set_threads(team);
    Trainer trainer{Module<TinyOfClasses, float>{Rng{1}}, optim::AdamW{.learning_rate = 1e-2, .weight_decay = 0.1}, 5};
    tell_light_in_scales(trainer.model->tokenizer);
    const auto before = trainer.model.part(trainer.model->tokenizer).clone();
    const auto buffers = trainer.model.buffers().clone();
    Rng data{4};
    for (int i = 0; i < 150; ++i) (void)trainer.step(lit(16, data));
    CHECK(same(trainer.model.part(trainer.model->tokenizer), before));
    CHECK(same(trainer.model.buffers(), buffers));
    return trainer.model;
  };
  const int before = threads();
  const auto model = trained(2), again = trained(1);
  set_threads(before);
  CHECK(same(model.parameters(), again.parameters()));

  Rng rng{3};
  const auto batch = lit(60, rng);
  const auto first = model->begin(argmax(batch.label, -1));
  CHECK(-double(mean(model->log_likelihood(first, batch.clip)).item()) < 0.5);  // 11 · log 4 = 15.2 before
  const auto clips = model->sample(first, rng, {.top_k = 1});
  REQUIRE(clips.shape() == batch.clip.shape());
  CHECK(same(model->tokens(clips), model->tokens(batch.clip)));
  CHECK(double(mean(square(clips - batch.clip)).item()) < 0.03);
}

TEST_CASE("the loss is the likelihood in nats per code, and what is drawn are clips of the grid") {
  Module<Tiny, float> model{Rng{1}};
  tell_light_in_scales(model->tokenizer);
  Rng rng{2};
  const auto clips = uniform<float>({2, 4, 8, 8, 1}, rng);
  const auto codes = model->tokens(clips);
  REQUIRE(codes.shape() == Shape{2, 11});
  CHECK(same(codes, model->tokenizer.codes(clips)));
  Tape tape{model->prior};
  const double nats = -double(mean(model->log_likelihood(model->begin(2), clips)).item());
  CHECK(double(model->loss(tape, clips).item()) == doctest::Approx(nats / 11));
  CHECK(model->sample(model->begin(5), rng).shape() == Shape{5, 4, 8, 8, 1});
  CHECK_THROWS_WITH_AS(model->tokens(zeros<float>({1, 2, 8, 8, 1})),
                       "MultiScale: needs z (N, 2, 2, 2, 1), got (1, 1, 2, 2, 1)", Error);
}

TEST_CASE("priors that know of no scales take their codes one after another") {
  Rng rng{2};
  const auto clips = uniform<float>({2, 4, 8, 8, 1}, rng);
  const auto check = [&](const auto& model) {
    Tape tape{model->prior};
    CHECK(std::isfinite(model->loss(tape, clips).item()));
    CHECK(model->sample(model->begin(3), rng).shape() == Shape{3, 4, 8, 8, 1});
  };
  check(Module<VideoGpt<InScales, grid, 16, 1, 2>, float>{Rng{1}});
  check(Module<VideoMaskGit<InScales, grid, 16, 1, 2>, float>{Rng{1}});
}
