// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/map.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

template <class F>
struct FusedValue {
  F f;
  template <class... V>
  constexpr auto operator()(const V&... x) const {
    return f.value(x...);
  }
};
template <class F, int I>
struct FusedDerivativeTimes {
  F f;
  template <class V, class... X>
  constexpr V operator()(const V& dy, const X&... x) const {
    return dy * f.template derivative<I>(x...);
  }
};

template <class F>
inline constexpr bool of_library<FusedValue<F>> = of_library<F>;
template <class F, int I>
inline constexpr bool of_library<FusedDerivativeTimes<F, I>> = of_library<F>;

}  // namespace detail

namespace function {
/// eˣ for numbers, vectors and variables, for derivatives that are differentiated again.
template <class V>
constexpr V exp_of(const V& x) {
  if constexpr (Value<V>) return exp(x);
  else return math::exp(x);
}
}  // namespace function

/// dy · ∂f/∂xᵢ in one pass.
template <class F, int I>
struct FusedDerivative {
  static constexpr unsigned saves = save::none;
  static constexpr const char* no_gradient =
      "this gradient is computed in one pass and cannot itself be differentiated";
  F f;

  template <class T, class B, class... X>
  Tensor<T, B> operator()(const Tensor<T, B>& dy, const X&... x) const {
    Tensor<T, B> dx(dy.shape());
    kernel::map(B{}, detail::FusedDerivativeTimes<F, I>{f}, dx, dy, x...);
    return dx;
  }
};

/// y = f(x…), element by element over inputs of one shape, in one pass instead of one for each operation; each gradient
/// is also one pass. F has the members
///
///     constexpr V value(const V&... x) const                on numbers or vectors
///     constexpr auto derivative<I>(const V&... x) const     ∂f/∂xᵢ; also on variables if `twice`
///     static constexpr bool twice                           whether the gradient can be differentiated again
template <class F>
struct Fused {
  static constexpr unsigned saves = save::all_inputs;
  F f;

  template <class T, class B, class... X>
  Tensor<T, B> operator()(const Tensor<T, B>& first, const X&... rest) const {
    Tensor<T, B> y(first.shape());
    kernel::map(B{}, detail::FusedValue<F>{f}, y, first, rest...);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return std::apply(
        [&](const auto&... x) {
          return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return gradients(slope_along<static_cast<int>(I)>(dy, x...)...);
          }
          (std::index_sequence_for<decltype(x)...>{});
        },
        saved.inputs);
  }

 private:
  template <int I, class V, class... X>
  auto slope_along(const V& dy, const X&... x) const {
    return [f = f, dy, x...]() -> V {
      if constexpr (is_variable<V> && F::twice) {
        if (recorded(dy, x...)) return dy * f.template derivative<I>(x...);
      }
      return apply(FusedDerivative<F, I>{f}, dy, x...);
    };
  }
};

/// f(x…) over operands of one shape.
/// @throws Error  if the shapes differ; `name` names the operation
template <class F, Operand First, Operand... Rest>
auto fused(const char* name, F f, const First& first, const Rest&... rest) {
  const auto same = [&](const Shape& shape) {
    require(shape == first.shape(), name, ": shapes ", first.shape(), " and ", shape, " differ");
  };
  (same(rest.shape()), ...);
  return apply(Fused<F>{f}, first, rest...);
}

}  // namespace flipbook
