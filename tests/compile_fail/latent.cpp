// SPDX-License-Identifier: MIT
// A latent can be drawn a priori.
// WITHIN: 11, since compilers say what a concept misses after where it is asked for.
// EXPECT: constraints? not satisfied
// EXPECT: satisf(y|action of) .?.?.?Latent
// EXPECT: (required expression|because) .?.?.?L::(template )?prior_sample
#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/linear.hpp>

using namespace flipbook;

/// z of standard deviation 1, whatever the data.
struct Unit {
  static constexpr int size = 2, parameters = 2;

  template <Value X>
  static latent::Normal<X> posterior(const X& encoded) {
    return {encoded, encoded * 0};
  }
  template <Value X>
  static X sample(const latent::Normal<X>& q, Rng& rng) {
    return q.mean + normal<typename X::Scalar, typename X::Backend>(q.mean.shape(), rng);
  }
  template <Value X>
    requires training<X>
  static X sample(const latent::Normal<X>& q) { return sample(q, q.mean.tape().rng()); }
  template <Value X>
  static X kl_elements(const latent::Normal<X>& q) {
    return 0.5 * square(q.mean);
  }
#ifdef CONTROL
  template <Real T, class B>
  static Tensor<T, B> prior_sample(Index samples, Rng& rng) {
    return normal<T, B>({samples, size}, rng);
  }
#endif
};

const Module<Vae<nn::Linear<3, 2>, nn::Linear<2, 3>, Unit>, float> model;
