// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <flipbook/autodiff/add_onto.hpp>
#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/elementwise.hpp>
#include <flipbook/ops/elementwise/map.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

template <Operand X, Operand Y>
  requires SameScalarAndBackend<X, Y>
auto operator+(const X& x, const Y& y);
template <Operand X, Operand Y>
  requires SameScalarAndBackend<X, Y>
auto operator-(const X& x, const Y& y);
template <Operand X, Operand Y>
  requires SameScalarAndBackend<X, Y>
auto operator*(const X& x, const Y& y);
template <Operand X, Operand Y>
  requires SameScalarAndBackend<X, Y>
auto operator/(const X& x, const Y& y);

namespace function {
struct Minus {
  template <class V>
  constexpr V operator()(const V& a, const V& b) const {
    return a - b;
  }
};
struct Times {
  template <class V>
  constexpr V operator()(const V& a, const V& b) const {
    return a * b;
  }
};
struct Over {
  template <class V>
  constexpr V operator()(const V& a, const V& b) const {
    return a / b;
  }
};
}  // namespace function

namespace detail {

/// The shape that two shapes broadcast to: aligned at the last axis, extents equal or 1.
inline Shape broadcast(const char* operation, const Shape& a, const Shape& b) {
  Shape shape = a.rank() > b.rank() ? a : b;
  for (int axis = 1; axis <= std::min(a.rank(), b.rank()); ++axis) {
    require(a[-axis] == b[-axis] || a[-axis] == 1 || b[-axis] == 1, operation, ": shapes ", a, " and ", b,
            " do not broadcast");
    shape[-axis] = a[-axis] == 1 ? b[-axis] : a[-axis];
  }
  return shape;
}

template <class F, class T, class B>
Tensor<T, B> broadcast_map(const char* operation, const F& f, const Tensor<T, B>& a, const Tensor<T, B>& b) {
  Tensor<T, B> y(broadcast(operation, a.shape(), b.shape()));
  kernel::map_broadcast(B{}, f, y, a, b);
  return y;
}

}  // namespace detail

struct Add {
  static constexpr unsigned saves = save::none;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& a, const Tensor<T, B>& b) const {
    return detail::broadcast_map("+", function::Plus{}, a, b);
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&] { return sum_to(dy, std::get<0>(saved.inputs).shape()); },
                     [&] { return sum_to(dy, std::get<1>(saved.inputs).shape()); });
  }
};

struct Subtract {
  static constexpr unsigned saves = save::none;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& a, const Tensor<T, B>& b) const {
    return detail::broadcast_map("-", function::Minus{}, a, b);
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&] { return sum_to(dy, std::get<0>(saved.inputs).shape()); },
                     [&] { return sum_to(affine(dy, -1, 0), std::get<1>(saved.inputs).shape()); });
  }
};

struct Multiply {
  static constexpr unsigned saves = save::all_inputs;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& a, const Tensor<T, B>& b) const {
    return detail::broadcast_map("*", function::Times{}, a, b);
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&] { return sum_to(dy * std::get<1>(saved.inputs), std::get<0>(saved.inputs).shape()); },
                     [&] { return sum_to(dy * std::get<0>(saved.inputs), std::get<1>(saved.inputs).shape()); });
  }
};

struct Divide {
  static constexpr unsigned saves = save::input(1) | save::output;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& a, const Tensor<T, B>& b) const {
    return detail::broadcast_map("/", function::Over{}, a, b);
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&] { return sum_to(dy / std::get<1>(saved.inputs), std::get<0>(saved.inputs).shape()); },
                     [&] {
                       const auto& b = std::get<1>(saved.inputs);
                       return sum_to(affine(dy * saved.output / b, -1, 0), b.shape());  // d(a/b)/db = −(a/b)/b
                     });
  }
};

/// x + y, element by element: extents are equal or 1, aligned at the last axis.
/// @throws Error  if the shapes do not broadcast
template <Operand X, Operand Y>
  requires SameScalarAndBackend<X, Y>
auto operator+(const X& x, const Y& y) { return apply(Add{}, x, y); }
/// x − y, element by element: extents are equal or 1, aligned at the last axis.
/// @throws Error  if the shapes do not broadcast
template <Operand X, Operand Y>
  requires SameScalarAndBackend<X, Y>
auto operator-(const X& x, const Y& y) { return apply(Subtract{}, x, y); }
/// x · y, element by element: extents are equal or 1, aligned at the last axis.
/// @throws Error  if the shapes do not broadcast
template <Operand X, Operand Y>
  requires SameScalarAndBackend<X, Y>
auto operator*(const X& x, const Y& y) { return apply(Multiply{}, x, y); }
/// x / y, element by element: extents are equal or 1, aligned at the last axis.
/// @throws Error  if the shapes do not broadcast
template <Operand X, Operand Y>
  requires SameScalarAndBackend<X, Y>
auto operator/(const X& x, const Y& y) { return apply(Divide{}, x, y); }

/// A C++ arithmetic type, broadcast to all elements of an operand.
template <class N>
concept Number = std::is_arithmetic_v<N>;

template <Operand X, Number N>
auto operator+(const X& x, N number) {
  return affine(x, 1, static_cast<double>(number));
}
template <Operand X, Number N>
auto operator+(N number, const X& x) {
  return affine(x, 1, static_cast<double>(number));
}
template <Operand X, Number N>
auto operator-(const X& x, N number) {
  return affine(x, 1, -static_cast<double>(number));
}
template <Operand X, Number N>
auto operator-(N number, const X& x) {
  return affine(x, -1, static_cast<double>(number));
}
template <Operand X, Number N>
auto operator*(const X& x, N number) {
  return affine(x, static_cast<double>(number), 0);
}
template <Operand X, Number N>
auto operator*(N number, const X& x) {
  return affine(x, static_cast<double>(number), 0);
}
template <Operand X, Number N>
auto operator/(const X& x, N number) {
  return affine(x, 1.0 / static_cast<double>(number), 0);
}
template <Operand X>
auto operator-(const X& x) {
  return affine(x, -1, 0);
}

/// x to the power of y, element by element, for x > 0: exp(y · log x), whose relative rounding error grows as
/// |y · log x|. For an exponent that is a plain number, `pow(x, number)` is faster, more accurate and accepts any x.
/// @throws Error  if the shapes do not broadcast
template <Operand X, Operand Y>
  requires SameScalarAndBackend<X, Y>
auto pow(const X& x, const Y& y) { return exp(y * log(x)); }

template <Operand X, Operand Y>
detail::OperandsDifferInScalarOrBackend operator+(const X&, const Y&) = delete;  // use cast<float>(x) or to<Cuda>(x)
template <Operand X, Operand Y>
detail::OperandsDifferInScalarOrBackend operator-(const X&, const Y&) = delete;  // use cast<float>(x) or to<Cuda>(x)
template <Operand X, Operand Y>
detail::OperandsDifferInScalarOrBackend operator*(const X&, const Y&) = delete;  // use cast<float>(x) or to<Cuda>(x)
template <Operand X, Operand Y>
detail::OperandsDifferInScalarOrBackend operator/(const X&, const Y&) = delete;  // use cast<float>(x) or to<Cuda>(x)
template <Operand X, Operand Y>
detail::OperandsDifferInScalarOrBackend pow(const X&, const Y&) = delete;  // use cast<float>(x) or to<Cuda>(x)

/// to[i] += x[i] for several tensors, in place, even if other handles share the memory; one launch on a device.
template <class Tensors>
void add_each_onto(const Tensors& to, const Tensors& x) {
  using X = typename Tensors::value_type;
  MapsInto<function::Plus, typename X::Scalar, typename X::Backend> changes;
  for (std::size_t i = 0; i < to.size(); ++i) changes.add({{}, to[i], x[i]});
  changes();
}

FLIPBOOK_RECORDED_2(Add);
FLIPBOOK_RECORDED_2(Subtract);
FLIPBOOK_RECORDED_2(Multiply);
FLIPBOOK_RECORDED_2(Divide);

}  // namespace flipbook
