// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/elementwise/binary.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

// A mask is a tensor in which 0 is false and any other value true. Its elements are of the masked tensor's scalar, as
// the comparisons below return them, or std::uint8_t.

namespace function {
struct Greater {
  template <class V>
  constexpr V operator()(const V& a, const V& b) const {
    return math::select(a > b, V(1), V(0));
  }
};
struct GreaterEqual {
  template <class V>
  constexpr V operator()(const V& a, const V& b) const {
    return math::select(a >= b, V(1), V(0));
  }
};
struct Equal {
  template <class V>
  constexpr V operator()(const V& a, const V& b) const {
    return math::select(a == b, V(1), V(0));
  }
};
struct Choose {
  template <class V>
  constexpr V operator()(const V& mask, const V& a, const V& b) const {
    return math::select(mask != V(0), a, b);
  }
};
struct FillWhere {
  double value;
  bool set;  // whether to fill where the mask is set, or where it is not
  template <class V>
  constexpr V operator()(const V& mask, const V& x) const {
    return set ? math::select(mask != V(0), constant<V>(value), x) : math::select(mask != V(0), x, constant<V>(value));
  }
};
}  // namespace function

namespace detail {

// y as a tensor that broadcasts to x: a number becomes a tensor of x's scalar, of rank 0.
template <Operand X, class Y>
auto tensor_beside(const X&, const Y& y) {
  using T = typename X::Scalar;
  if constexpr (Number<Y>) return full<T, typename X::Backend>(Shape{}, static_cast<T>(y));
  else return tensor_of(y);
}

// x broadcast to `shape`, or x itself if it has that shape.
template <Operand X>
auto expanded(const X& x, const Shape& shape) {
  using Result = decltype(broadcast_to(x, shape));
  if constexpr (Value<X>) {
    if (x.shape() == shape) return Result(x);
  }
  return broadcast_to(x, shape);
}

}  // namespace detail

/// 1 where x > y, else 0: a mask, which is a constant. Shapes broadcast; y may be a number.
/// @throws Error  if the shapes do not broadcast
template <Operand X, class Y>
  requires(Number<Y> || (Operand<Y> && SameScalarAndBackend<X, Y>))
auto greater(const X& x, const Y& y) {
  return detail::broadcast_map("greater", function::Greater{}, tensor_of(x), detail::tensor_beside(x, y));
}
/// 1 where x ≥ y, else 0.
template <Operand X, class Y>
  requires(Number<Y> || (Operand<Y> && SameScalarAndBackend<X, Y>))
auto greater_equal(const X& x, const Y& y) {
  return detail::broadcast_map("greater_equal", function::GreaterEqual{}, tensor_of(x), detail::tensor_beside(x, y));
}
/// 1 where x < y, else 0.
template <Operand X, class Y>
  requires(Number<Y> || (Operand<Y> && SameScalarAndBackend<X, Y>))
auto less(const X& x, const Y& y) {
  return detail::broadcast_map("less", function::Greater{}, detail::tensor_beside(x, y), tensor_of(x));
}
/// 1 where x ≤ y, else 0.
template <Operand X, class Y>
  requires(Number<Y> || (Operand<Y> && SameScalarAndBackend<X, Y>))
auto less_equal(const X& x, const Y& y) {
  return detail::broadcast_map("less_equal", function::GreaterEqual{}, detail::tensor_beside(x, y), tensor_of(x));
}
/// 1 where x = y, else 0.
template <Operand X, class Y>
  requires(Number<Y> || (Operand<Y> && SameScalarAndBackend<X, Y>))
auto equal(const X& x, const Y& y) {
  return detail::broadcast_map("equal", function::Equal{}, tensor_of(x), detail::tensor_beside(x, y));
}

template <Operand X, Operand Y>
  requires(!SameScalarAndBackend<X, Y>)
detail::OperandsDifferInScalarOrBackend greater(const X&, const Y&)
= delete;
template <Operand X, Operand Y>
  requires(!SameScalarAndBackend<X, Y>)
detail::OperandsDifferInScalarOrBackend greater_equal(const X&, const Y&)
= delete;
template <Operand X, Operand Y>
  requires(!SameScalarAndBackend<X, Y>)
detail::OperandsDifferInScalarOrBackend less(const X&, const Y&)
= delete;
template <Operand X, Operand Y>
  requires(!SameScalarAndBackend<X, Y>)
detail::OperandsDifferInScalarOrBackend less_equal(const X&, const Y&)
= delete;
template <Operand X, Operand Y>
  requires(!SameScalarAndBackend<X, Y>)
detail::OperandsDifferInScalarOrBackend equal(const X&, const Y&)
= delete;

/// `value` where the mask is `set`, x elsewhere; the mask broadcasts to x.
template <class T, class B>
struct MaskedFill {
  static constexpr unsigned saves = save::none;
  Tensor<T, B> mask;
  double value;
  bool set;

  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(x.shape());
    kernel::map_broadcast(B{}, function::FillWhere{value, set}, y, mask, x);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients([&] { return apply(MaskedFill{mask, 0, set}, dy); });
  }
};

/// a where the mask is set, b elsewhere; all of one shape.
template <class T, class B>
struct Where {
  static constexpr unsigned saves = save::none;
  Tensor<T, B> mask;

  Tensor<T, B> operator()(const Tensor<T, B>& a, const Tensor<T, B>& b) const {
    Tensor<T, B> y(mask.shape());
    kernel::map(B{}, function::Choose{}, y, mask, a, b);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients(
        [&] {
          return apply(MaskedFill<T, B>{mask, 0, false}, dy);
        },
        [&] {
          return apply(MaskedFill<T, B>{mask, 0, true}, dy);
        });
  }
};

/// a where the mask is set, b elsewhere. Elements that are not chosen have no influence, even if NaN, and gradient 0.
/// @param mask  0 for b, any other value for a; the shapes of all three broadcast
/// @throws Error  if they do not
template <Element M, class Backend, Operand X, Operand Y>
  requires SameScalarAndBackend<X, Y>
auto where(const Tensor<M, Backend>& mask, const X& a, const Y& b) {
  using T = typename X::Scalar;
  const Shape shape = detail::broadcast("where", mask.shape(), detail::broadcast("where", a.shape(), b.shape()));
  return apply(Where<T, Backend>{detail::expanded(cast<T>(mask), shape)}, detail::expanded(a, shape),
               detail::expanded(b, shape));
}
template <Element M, class Backend, Operand X, Operand Y>
detail::OperandsDifferInScalarOrBackend where(const Tensor<M, Backend>&, const X&, const Y&) = delete;

/// x with `value` where the mask is set, and gradient 0 there.
/// @param mask  its shape broadcasts to that of x
/// @throws Error  if it does not
template <Operand X, Element M, class Backend>
auto masked_fill(const X& x, const Tensor<M, Backend>& mask, double value) {
  using T = typename X::Scalar;
  require(detail::broadcast("masked_fill", mask.shape(), x.shape()) == x.shape(), "masked_fill: a mask of shape ",
          mask.shape(), " does not broadcast to ", x.shape());
  return apply(MaskedFill<T, Backend>{cast<T>(mask), value, true}, x);
}

}  // namespace flipbook
