// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/models/tokens/video_gpt.hpp>
#include <flipbook/models/vae/vq_vae.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>

#include "lit.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

using Tiny = VideoGpt<Tokenizer, grid, 16, 2, 2>;
using TinyOfClasses = VideoGpt<Tokenizer, grid, 16, 2, 2, 3>;

}  // namespace

TEST_CASE("the probabilities of all clips in codes sum to one") {
  using Two = VideoGpt<Tokenizer, LatentGrid{2, 2, 1}, 8, 1, 2>;  // 3⁴ clips
  const Module<Two, float> model{Rng{1}};
  Tensor<std::int32_t> all({81, 5});
  for (Index i = 0; i < 81; ++i) {
    for (Index t = 0, rest = i; t < 5; ++t) {
      all.data()[5 * i + t] = t == 0 ? 3 : static_cast<std::int32_t>(rest % 3);
      if (t > 0) rest /= 3;
    }
  }
  CHECK(double(sum(exp(model->prior.log_likelihood(all))).item()) == doctest::Approx(1).epsilon(1e-5));
}

TEST_CASE("codes drawn one by one, with keys and values kept, are those that the whole pass gives") {
  const Module<Tiny, float> model{Rng{1}};
  Rng rng{2};
  const auto begin = model->begin(3);
  const auto tokens = concat(1, begin, model->prior.sample(begin, 8, rng, {.top_k = 1}));  // (3, 9), the likeliest
  const auto whole = argmax(model->prior(slice(tokens, 1, 0, 8)), -1);                     // (3, 8)
  CHECK(same(whole, slice(tokens, 1, 1, 9)));
}

TEST_CASE("training changes the prior alone, which learns what follows on what, and a seed makes it the same") {
  const auto model = trained_prior<TinyOfClasses>(150);
  Rng rng{3};
  const Tensor<std::int32_t> labels({3}, {0, 1, 2});
  const auto first = model->begin(labels);
  const auto batch = lit(60, rng);
  const auto nats = model->log_likelihood(model->begin(argmax(batch.label, -1)), batch.clip);
  CHECK(-double(mean(nats).item()) < 0.5);  // 8 · log 3 = 8.8 before; all is known by the class
  const auto clips = model->sample(first, rng, {.top_k = 1});
  REQUIRE(clips.shape() == Shape{3, 4, 8, 8, 1});
  const auto light = mean(clips.reshape({3, 2, 128}), {2}, true);  // (3, 2), of each half
  CHECK(light[0].data()[0] < 0.5F);
  CHECK(light[0].data()[1] > 0.5F);
  CHECK(light[1].data()[0] > 0.5F);
  CHECK(light[1].data()[1] > 0.5F);
  CHECK(light[2].data()[0] < 0.5F);
  CHECK(light[2].data()[1] < 0.5F);

  const auto frames = slice(batch.clip, 1, 0, 2);  // what follows depends on the class
  const auto whole = model->sample(model->begin(argmax(batch.label, -1)), frames, rng, {.top_k = 1});
  CHECK(same(model->tokens(whole), model->tokens(batch.clip)));
}

TEST_CASE("the loss is the likelihood in nats per code") {
  const Module<Tiny, float> model{Rng{1}};
  Rng rng{2};
  const auto clips = uniform<float>({2, 4, 8, 8, 1}, rng);
  Tape tape{model->prior};
  const double nats = -double(mean(model->log_likelihood(model->begin(2), clips)).item());
  CHECK(double(model->loss(tape, clips).item()) == doctest::Approx(nats / 8));
}

TEST_CASE("the tokenizers of clips and of frames have a code for each place, and give clips back") {
  Rng rng{3};
  const auto clips = uniform<float>({2, 8, 16, 24, 1}, rng);
  const Module<VideoVqVae<1, 8, quantizer::Vector<16, 4>>, float> whole{Rng{1}};
  CHECK(whole->codes(clips).shape() == Shape{2, 2, 2, 3});
  CHECK(whole->reconstruct(clips).shape() == clips.shape());
  CHECK(same(whole->decode(whole->codes(clips)), whole->reconstruct(clips)));
  const Module<FrameVqVae<1, 8, quantizer::FiniteScalar<5, 5>>, float> each{Rng{1}};
  CHECK(each->codes(clips).shape() == Shape{2, 8, 2, 3});
  CHECK(each->reconstruct(clips).shape() == clips.shape());
}

TEST_CASE("a model of classes also makes clips of no class in particular, and of one with guidance") {
  const Module<TinyOfClasses, float> model{Rng{1}};
  const auto begin = model->begin(2);
  CHECK(same(begin, Tensor<std::int32_t>({2, 1}, {6, 6})));  // after 3 codes and 3 classes
  Rng rng{2};
  CHECK(model->sample(begin, rng).shape() == Shape{2, 4, 8, 8, 1});
  const auto first = model->begin(Tensor<std::int32_t>({2}, {0, 2}));
  CHECK(model->sample(first, rng, {.guidance = 2}).shape() == Shape{2, 4, 8, 8, 1});
  CHECK(model->sample(first, zeros<float>({2, 2, 8, 8, 1}), rng, {.guidance = 2}).shape() == Shape{2, 4, 8, 8, 1});
}

TEST_CASE("clips whose codes are not in the grid, whole contexts and classes that there are not, are refused") {
  const Module<Tiny, float> model{Rng{1}};
  Rng rng{2};
  CHECK_THROWS_WITH_AS(model->tokens(zeros<float>({1, 4, 8, 12, 1})),
                       "InLatents: clips (1, 4, 8, 12, 1) have codes (1, 2, 2, 3); needs (N, 2, 2, 2)", Error);
  CHECK_THROWS_AS(model->sample(model->begin(1), zeros<float>({1, 4, 8, 8, 1}), rng), Error);
  const Module<TinyOfClasses, float> classes{Rng{1}};
  CHECK_THROWS_AS(classes->begin(Tensor<std::int32_t>({1}, {3})), Error);
}
