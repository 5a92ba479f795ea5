// SPDX-License-Identifier: MIT
#include <flipbook/nn/resample.hpp>

#include <doctest/doctest.h>

#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/sequential.hpp>

#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("layers do what the operations of their names do", T, float, double) {
  const auto x = random<T>({2, 4, 6, 8});
  CHECK(same(Module<nn::Upsample<2>, T>{}(x), upsample_nearest(x, 2)));
  CHECK(same(Module<nn::UpsampleLinear<Extent{1, 3}>, T>{}(x), upsample_linear(x, {1, 3})));
  CHECK(same(Module<nn::AvgPool<2>, T>{}(x), avg_pool(x, 2)));
  CHECK(same(Module<nn::MaxPool<Extent{2, 3}>, T>{}(x), max_pool(x, {2, 3})));
  CHECK(same(Module<nn::PixelShuffle<8, 2>, T>{}(x), pixel_shuffle(x, 2)));
  CHECK(same(Module<nn::PixelUnshuffle<8, 2>, T>{}(x), pixel_unshuffle(x, 2)));
  const auto clip = x.reshape({2, 2, 2, 6, 8});
  CHECK(same(Module<nn::Patchify<8, 2>, T>{}(clip), patchify(clip, 2)));
  CHECK(same(Module<nn::Unpatchify<8, 2>, T>{}(clip), unpatchify(clip, 2)));
}

TEST_CASE("channels through shuffles and patches are known to the compiler") {
  CHECK(nn::PixelShuffle<12, 2>::out == 3);
  CHECK(nn::PixelShuffle<24, 2, 3>::out == 3);
  CHECK(nn::PixelUnshuffle<3, Extent{2, 3}>::out == 18);
  CHECK(nn::Patchify<3, Extent{1, 4, 4}>::out == 48);
  CHECK(nn::Patchify<3, 4, 2>::out == 48);
  CHECK(nn::Unpatchify<48, Extent{1, 4, 4}>::out == 3);
  using Net = nn::Sequential<nn::Conv2d<3, 12, Window{.kernel = 1}>, nn::PixelShuffle<12, 2>, nn::AvgPool<2>>;
  CHECK(Net::out == 3);
  CHECK(Module<Net, float>{}(random<float>({1, 2, 2, 3})).shape() == Shape{1, 2, 2, 3});
}
