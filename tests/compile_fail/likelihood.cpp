// SPDX-License-Identifier: MIT
// A likelihood has an expectation.
// WITHIN: 12, since compilers say what a concept misses after where it is asked for.
// EXPECT: constraints? not satisfied
// EXPECT: satisf(y|action of) .?.?.?Likelihood
// EXPECT: (required expression|because) .?.?.?instance.mean\(parameters\)
#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/nn/linear.hpp>

using namespace flipbook;

struct Squared {
  static constexpr int parameters_per_channel = 1;
  template <Real T, class B>
  using Instance = Squared;

  static auto log_prob(const auto& parameters, const auto& x) { return sum_per_sample(-square(x - parameters)); }
  template <Real T, class B>
  static Tensor<T, B> sample(const Tensor<T, B>& parameters, Rng& rng) {
    return parameters + normal<T, B>(parameters.shape(), rng);
  }
#ifdef CONTROL
  template <Value P>
  static P mean(const P& parameters) {
    return parameters;
  }
#endif
};

const Module<Autoregressive<nn::Linear<3, 3>, Squared>, float> model;
