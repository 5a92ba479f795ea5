// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include <flipbook/nn/layer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// A module or function that runs in a mode of the tape that it meets. Of what has a name it holds a reference.
template <class M>
class InMode {
 public:
  InMode(Mode mode, M&& module) : mode_(mode), module_(std::forward<M>(module)) {}

  template <class... X>
  auto operator()(X&&... x) const {
    Tape* const tape = tape_among(x...);
    if (tape == nullptr) return module_(std::forward<X>(x)...);
    return tape->in_mode(std::max(mode_, tape->mode()), [&] { return module_(std::forward<X>(x)...); });
  }

 private:
  template <class... X>
  static Tape* tape_among(X&... x) {
    Tape* tape = nullptr;
    const auto look = [&](auto& each) {
      using Each = std::remove_cvref_t<decltype(each)>;
      if constexpr (std::is_same_v<Each, Tape>) {
        tape = &each;
      } else if constexpr (is_variable<Each>) {
        if (tape == nullptr || each.recorded()) tape = &each.tape();
      }
    };
    (look(x), ...);
    return tape;
  }

  Mode mode_;
  M module_;
};

}  // namespace detail

/// The module, or any function of values, to be called as in inference also on variables of a tape: batch normalisation
/// uses its running statistics, nothing is dropped, and no buffer changes; the result is that of a call with tensors.
/// The gradient with respect to its input and its parameters is that of this computation. What it calls is evaluated
/// too. PyTorch's `module.eval()`, for one call.
///
///     const auto features = fb::evaluating(network)(x);
template <class M>
auto evaluating(M&& module) {
  return detail::InMode<M>(Mode::evaluation, std::forward<M>(module));
}

/// The module, or any function of values, to be called as `evaluating` does and with its parameters as constants, also
/// where the tape watches them: a gradient goes through it, not to it. PyTorch's `module.eval().requires_grad_(False)`,
/// for one call.
///
///     const auto loss = fb::loss::mse(fb::frozen(features)(y), features(x));   // x of tensors, y of variables
///     const auto next = fb::frozen([&](const auto& frame) {                    // several calls
///       auto state = network->start(frame);
///       return network->step(frame, state);
///     })(y);
template <class M>
auto frozen(M&& module) {
  return detail::InMode<M>(Mode::frozen, std::forward<M>(module));
}

}  // namespace flipbook
