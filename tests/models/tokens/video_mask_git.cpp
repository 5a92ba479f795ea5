// SPDX-License-Identifier: MIT
#include <flipbook/models/tokens/video_mask_git.hpp>

#include <doctest/doctest.h>

#include "lit.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

using Tiny = VideoMaskGit<Tokenizer, grid, 16, 2, 2>;
using TinyOfClasses = VideoMaskGit<Tokenizer, grid, 16, 2, 2, 3>;

}  // namespace

TEST_CASE("training changes the masked prior alone, which learns what goes with what, and a seed makes it the same") {
  const auto model = trained_prior<TinyOfClasses>(200);
  Rng rng{3};
  const auto batch = lit(60, rng);
  const auto first = model->begin(argmax(batch.label, -1));
  const auto codes = model->tokens(batch.clip);
  for (const Index steps : {1, 4}) {
    const masked::Sampling how{.steps = steps, .tokens = {.top_k = 1}};
    const auto clips = model->sample(first, rng, how);  // all is known by the class
    REQUIRE(clips.shape() == Shape{60, 4, 8, 8, 1});
    CHECK(same(model->tokens(clips), codes));
    const auto frames = slice(batch.clip, 1, 0, 2);
    const auto whole = model->sample(first, frames, rng, how);
    CHECK(same(model->tokens(whole), codes));
  }
}

TEST_CASE("codes of frames that are given stay, whatever the prior has learned") {
  const Module<Tiny, float> model{Rng{1}};
  Rng rng{2};
  const auto clips = uniform<float>({5, 4, 8, 8, 1}, rng);
  const auto frames = slice(clips, 1, 0, 2);
  const auto continued = model->sample(model->begin(5), frames, rng);
  CHECK(same(slice(continued, 1, 0, 2), model->tokenizer.decode(model->tokenizer.codes(frames))));
  CHECK_THROWS_AS(model->sample(model->begin(5), clips, rng), Error);
}
