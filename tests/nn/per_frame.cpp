// SPDX-License-Identifier: MIT
#include <flipbook/nn/per_frame.hpp>

#include <doctest/doctest.h>

#include <string>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>

#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {
using Image = nn::Sequential<nn::Conv2d<2, 3, Window{.kernel = 2}>, nn::Tanh>;
using Code = nn::Sequential<Image, nn::Flatten, nn::Linear<18, 4>>;
}  // namespace

TEST_CASE_TEMPLATE("every frame of a clip is seen by itself", T, float, double) {
  const auto clips = random<T>({2, 5, 3, 4, 2});
  const Module<Image, T> image{Rng{4}};
  const Module<nn::PerFrame<Image>, T> frames{Rng{4}};
  const auto y = frames(clips);
  CHECK(y.shape() == Shape{2, 5, 2, 3, 3});
  for (Index n = 0; n < 2; ++n) {
    for (Index t = 0; t < 5; ++t) {
      CHECK(difference(y[n][t], image(clips[n].slice(t, t + 1))[0]) < tolerance<T>);
    }
  }
  CHECK(Module<nn::PerFrame<Code>, T>{}(clips).shape() == Shape{2, 5, 4});
}

TEST_CASE("frame by frame, a network has one dimension more, and the same names") {
  CHECK(nn::PerFrame<Image>::in == 2);
  CHECK(nn::PerFrame<Image>::out == 3);
  CHECK(nn::PerFrame<Image>::dimensions == 3);
  CHECK(nn::PerFrame<Code>::input_dimensions == 3);
  CHECK(nn::PerFrame<Code>::dimensions == 1);  // one vector a frame: (N, T, D)
  CHECK(nn::PerFrame<nn::Linear<3, 4>>::dimensions == nn::any);
  Module<nn::PerFrame<Image>, float> frames;
  std::string names;
  for_each_field(frames, [&](const std::string& name, const auto&) { names += name + " "; });
  CHECK(names == "0.weight 0.bias ");
}

TEST_CASE("parameter gradients through the frames are exact") {
  Module<nn::PerFrame<Code>, double> codes{Rng{4}};
  const auto clips = random<double>({2, 2, 3, 4, 2});
  CHECK(parameter_gradient_error(codes, [&](Tape& tape) { return codes(tape.constant(clips)); }) < 1e-8);
}

TEST_CASE("what has no time axis, or loses frames, is refused") {
  CHECK(error_of([] {
          nn::for_each_frame(random<float>({2, 3}), [](const auto& x) { return x; });
        }) == "PerFrame: needs clips (N, T, …, C), got shape (2, 3)");
  CHECK(error_of([] {
          nn::for_each_frame(random<float>({2, 3, 4}), [](const auto& x) { return sum(x, {0}); });
        }) == "PerFrame: 6 frames became (1, 4)");
}
