// SPDX-License-Identifier: MIT
#include <flipbook/nn/shape.hpp>

#include <doctest/doctest.h>

#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/sequential.hpp>

#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("unflattening undoes flattening, and both keep the order of elements", T, float, double) {
  using There = nn::Flatten;
  using Back = nn::Unflatten<2, 3, 4>;
  CHECK(Back::in == 24);
  CHECK(Back::out == 4);
  CHECK(Back::dimensions == 2);
  const auto x = numbered<T>({5, 2, 3, 4});
  const auto flat = Module<There, T>{}(x);
  CHECK(flat.shape() == Shape{5, 24});
  CHECK(flat.data() == x.data());
  CHECK(same(Module<Back, T>{}(flat), x));
}

TEST_CASE("channels are known through an Unflatten, and unknown after a Flatten") {
  using Decoder = nn::Sequential<nn::Linear<3, 24>, nn::Unflatten<2, 3, 4>>;
  CHECK(Decoder::in == 3);
  CHECK(Decoder::out == 4);
  CHECK(nn::Sequential<nn::Unflatten<2, 3, 4>, nn::Flatten>::out == nn::unknown);
  CHECK(Module<Decoder, float>{}(random<float>({5, 3})).shape() == Shape{5, 2, 3, 4});
}

TEST_CASE("another number of channels is refused") {
  CHECK(error_of([] {
          Module<nn::Unflatten<2, 3>, float>{}(random<float>({5, 3}));
        }) == "Unflatten: needs 6 channels, got shape (5, 3)");
}
