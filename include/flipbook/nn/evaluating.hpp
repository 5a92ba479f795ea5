// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include <flipbook/nn/layer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// Calls a module or function with the tape of its arguments in a given mode. An lvalue is stored by reference.
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

/// Wraps a module, or any function of values, to run in evaluation mode, also on variables of a tape. Batch
/// normalisation uses its running statistics, dropout is inactive, and no buffer changes: the result is that of a call
/// with tensors. Gradients with respect to the input and the parameters are those of this computation. Modules that it
/// calls are in evaluation mode too. PyTorch's `module.eval()`, for one call.
///
///     const auto features = fb::evaluating(network)(x);
template <class M>
auto evaluating(M&& module) {
  return detail::InMode<M>(Mode::evaluation, std::forward<M>(module));
}

/// Wraps a module, or any function of values, as `evaluating` does, with its parameters as constants, even if the tape
/// watches them. Gradients pass through the module to its input, but not to its parameters. PyTorch's
/// `module.eval().requires_grad_(False)`, for one call.
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
