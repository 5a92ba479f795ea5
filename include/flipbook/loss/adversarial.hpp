// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/elementwise/biased.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

namespace flipbook::inline FLIPBOOK_ISA::loss {

/// The pair of losses of a generator G and a discriminator D: an argument of a model's type, such as NonSaturating. It
/// has two static functions, both to be minimised.
///
///     discriminator(const V& real, const V& fake)     real = logits at data,  fake = logits at G(z)
///     generator(const V& fake)
///
/// Their arguments are D's logits, of any shape: D(x) = σ(logit) if the game is defined by probabilities, else the
/// logit itself. Results are means over all elements, a single number each. A model checks the concept when training
/// begins, with the recorded variables V.
template <class G, class V>
concept Game = requires(const V& real, const V& fake) {
  { G::discriminator(real, fake) } -> Value;
  { G::generator(fake) } -> Value;
};

/// min_G max_D  E log D(x) + E log(1 − D(G(z))): the game of Goodfellow et al., 2014. G's gradient vanishes where D is
/// confident; NonSaturating is the same paper's remedy.
struct Minimax {
  template <Value R, Value F>
  static auto discriminator(const R& real, const F& fake) {
    return mean_of(function::MinusLogSigmoid{}, real) +
           mean_of(function::Softplus{}, fake);  // −log(1 − σ(l)) = softplus(l)
  }
  template <Value F>
  static auto generator(const F& fake) {
    return -mean_of(function::Softplus{}, fake);
  }
};

/// D as in Minimax; G minimises −E log D(G(z)). Goodfellow et al., 2014.
struct NonSaturating {
  template <Value R, Value F>
  static auto discriminator(const R& real, const F& fake) {
    return Minimax::discriminator(real, fake);
  }
  template <Value F>
  static auto generator(const F& fake) {
    return mean_of(function::MinusLogSigmoid{}, fake);
  }
};

/// D: ½ E (D(x) − 1)² + ½ E D(G(z))²,  G: ½ E (D(G(z)) − 1)². Mao et al., 2017, equation 9.
struct LeastSquares {
  template <Value R, Value F>
  static auto discriminator(const R& real, const F& fake) {
    return 0.5 * (mean(square(real - 1)) + mean(square(fake)));
  }
  template <Value F>
  static auto generator(const F& fake) {
    return 0.5 * mean(square(fake - 1));
  }
};

/// D: E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))),  G: −E D(G(z)). Lim and Ye, 2017; Miyato et al., 2018.
struct Hinge {
  template <Value R, Value F>
  static auto discriminator(const R& real, const F& fake) {
    return mean(relu(1 - real)) + mean(relu(1 + fake));
  }
  template <Value F>
  static auto generator(const F& fake) {
    return -mean(fake);
  }
};

/// D: E D(G(z)) − E D(x),  G: −E D(G(z)), for a Lipschitz-continuous D: by weight clipping (optim::clip_weights;
/// Arjovsky et al., 2017) or by gradient_penalty.
struct Wasserstein {
  template <Value R, Value F>
  static auto discriminator(const R& real, const F& fake) {
    return mean(fake) - mean(real);
  }
  template <Value F>
  static auto generator(const F& fake) {
    return -mean(fake);
  }
};

}  // namespace flipbook::loss
