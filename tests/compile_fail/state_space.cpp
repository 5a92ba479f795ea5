// SPDX-License-Identifier: MIT
// The posterior of a state-space model takes what its wiring says.
// WITHIN: 8, since a static_assert comes after the instantiations that lead to it.
// EXPECT: the posterior must take h, where .wiring. says so, and the encoder's code
#include <flipbook/latent/diagonal_gaussian.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/models/state_space/state_space.hpp>

using namespace flipbook;
using namespace flipbook::nn;

struct Parts {
  using Latent = latent::DiagonalGaussian<2>;
  using Likelihood = likelihood::Bernoulli;
  using Encoder = Sequential<Flatten, Linear<4, 3>>;
  using Transition = Stack<GruCell<2, 5>>;
  using Prior = StandardPrior;
#ifdef CONTROL
  using Posterior = Stack<Linear<5 + 3, 4>>;
#else
  using Posterior = Stack<Linear<5, 4>>;
#endif
  using Emission = Stack<Identity>;
  using Decoder = Sequential<Linear<5 + 2, 4>, Unflatten<2, 2, 1>>;
  using Head = NoHead;
  static constexpr Wiring wiring{.latent = true};
  static constexpr DivergenceSettings divergence{};
};

const Module<StateSpace<Parts>, float> model;
