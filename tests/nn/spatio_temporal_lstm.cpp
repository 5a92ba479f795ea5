// SPDX-License-Identifier: MIT
#include <flipbook/nn/spatio_temporal_lstm.hpp>

#include <doctest/doctest.h>

#include <tuple>

#include <flipbook/nn/recurrent.hpp>

#include "cell_gradients.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using test::difference;
using test::random;

namespace {

constexpr Window same{.kernel = 3, .padding = 1};
using Zigzag = SpatioTemporalLstm<2, 3, 2, same>;
using Numbers = Tensor<double>;

/// One layer from its definition: {h', c', m'}.
template <class Layer>
std::tuple<Numbers, Numbers, Numbers> by_definition(const Layer& layer, const Numbers& x, const Numbers& h,
                                                    const Numbers& c, const Numbers& m) {
  const auto of_x = split(conv(x, layer.x.weight, layer.x.bias, same), -1, 7);
  const auto of_h = split(conv(h, layer.h.weight, None{}, same), -1, 4);
  const auto of_m = split(conv(m, layer.m.weight, None{}, same), -1, 3);
  const Numbers next_c = sigmoid(of_x[1] + of_h[1]) * c + sigmoid(of_x[0] + of_h[0]) * tanh(of_x[2] + of_h[2]);
  const Numbers next_m = sigmoid(of_x[4] + of_m[1]) * m + sigmoid(of_x[3] + of_m[0]) * tanh(of_x[5] + of_m[2]);
  const Numbers both = concat(-1, next_c, next_m);
  const Numbers o = sigmoid(of_x[6] + of_h[3] + conv(both, layer.o.weight, None{}, same));
  return {o * tanh(conv(both, layer.last.weight, None{}, Window{})), next_c, next_m};
}

}  // namespace

TEST_CASE("the memory goes up through the layers, and from the last to the first of the next step") {
  const Module<Zigzag, double> cell{Rng{1}};
  const Numbers zero = zeros<double>({2, 5, 4, 3});
  Numbers h0 = zero, c0 = zero, h1 = zero, c1 = zero, m = zero;
  auto state = cell->start(random<double>({2, 5, 4, 2}));
  for (unsigned step = 0; step < 3; ++step) {
    const auto x = random<double>({2, 5, 4, 2}, 2 + step);
    std::tie(h0, c0, m) = by_definition(cell->first, x, h0, c0, m);
    std::tie(h1, c1, m) = by_definition(cell->others[0], h0, h1, c1, m);
    CHECK(difference(cell(x, state), h1) < 1e-12);
    CHECK(difference(state.m, m) < 1e-12);
  }
}

TEST_CASE("sequences as a whole give what single steps give") {
  const Module<Recurrent<Zigzag>, double> cell{Rng{1}};
  const auto clip = random<double>({2, 4, 3, 5, 2});
  const auto whole = unstack(cell(clip), 1);
  auto state = cell->start(unstack(clip, 1)[0]);
  for (std::size_t t = 0; t < 4; ++t) CHECK(difference(whole[t], cell->step(unstack(clip, 1)[t], state)) < 1e-12);
}

TEST_CASE("forgetting begins with a bias of 1 more, of both memories and of no other gate") {
  const Module<SpatioTemporalLstm<2, 40, 2, same>, double> cell{Rng{1}};
  const double expected[] = {0, 1, 0, 0, 1, 0, 0};
  for (int gate = 0; gate < 7; ++gate) {
    const double found = mean(cell->first.x.bias.value.slice(40 * gate, 40 * gate + 40)).item();
    CHECK(found == doctest::Approx(expected[gate]).epsilon(0.2));
  }
}

TEST_CASE("gradients of spatio-temporal LSTMs over two steps agree with difference quotients") {
  test::check_cell_gradients<SpatioTemporalLstm<2, 2, 2, same>>({2, 2, 3, 2});
}
