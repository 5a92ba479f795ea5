// SPDX-License-Identifier: MIT
// A likelihood says how likely data are.
// WITHIN: 12, since compilers say what a concept misses after where it is asked for.
// EXPECT: Autoregressive: the likelihood has no log_prob\(parameters, x\)
// EXPECT: (required expression|because) .?.?.?instance.log_prob\(parameters, x\)
#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/nn/linear.hpp>

using namespace flipbook;

struct Squared {
  static constexpr int parameters_per_channel = 1;
  template <Real T, class B>
  using Instance = Squared;

#ifdef CONTROL
  static auto log_prob(const auto& parameters, const auto& x) { return sum_per_sample(-square(x - parameters)); }
#endif
  template <Real T, class B>
  static Tensor<T, B> sample(const Tensor<T, B>& parameters, Rng& rng) {
    return parameters + normal<T, B>(parameters.shape(), rng);
  }
  template <Value P>
  static P mean(const P& parameters) {
    return parameters;
  }
};

int main() {
  const Module<Autoregressive<nn::Linear<3, 3>, Squared>, float> model;
  model->log_likelihood(ones<float>({1, 2, 3}));
}
