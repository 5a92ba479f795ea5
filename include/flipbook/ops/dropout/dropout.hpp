// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/dropout.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Dropout by a stream of random numbers. The other elements are scaled to preserve the expectation. The mask is never
/// stored: the backward pass draws it again from the same position. The operation is linear, so it is its own gradient.
struct DropElements {
  static constexpr unsigned saves = save::none;
  double probability;
  Rng stream;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(x.shape());
    const auto threshold = static_cast<std::uint32_t>(std::floor(probability * 0x1p32));
    kernel::dropout(B{}, stream, threshold, static_cast<Wide<T>>(1 / (1 - probability)), x, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients([&] { return apply(*this, dy); });
  }
};

/// Sets each element to 0 with the given probability, otherwise to x / (1 − probability); draws from `rng`. Srivastava
/// et al., 2014.
/// @throws Error  unless 0 ≤ probability < 1
template <Operand X>
auto dropout(const X& x, double probability, Rng& rng) {
  require(probability >= 0 && probability < 1, "dropout: a probability of [0, 1) is needed, got ", probability);
  const Index runs = (x.shape().size() + kernel::dropout_run - 1) / kernel::dropout_run;
  return apply(DropElements{probability, rng.take(static_cast<std::uint64_t>(runs * kernel::dropout_run / 4))}, x);
}
/// Dropout with the tape's random stream in training mode; on tensors, and in other modes, x itself.
template <Value X>
X dropout(const X& x, double probability) {
  require(probability >= 0 && probability < 1, "dropout: a probability of [0, 1) is needed, got ", probability);
  if constexpr (training<X>) {
    if (probability > 0 && x.tape().training()) return dropout(x, probability, x.tape().rng());
  }
  return x;
}

}  // namespace flipbook
