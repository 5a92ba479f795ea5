// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/matmul.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/shape/reshape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Whether each operand of a product is transposed.
struct Transposed {
  bool a = false, b = false;
};

namespace detail {

/// The gradient of a product's right operand, aᵀ·dy; for two matrices also as its factors.
template <class Product, class Make, class V>
struct RightGradient {
  Make make;
  const V &a, &dy;
  bool plain;  ///< no operand was transposed

  auto operator()() const { return make(); }
  /// The number of rows of the factors; 0 if they are not two matrices.
  Index rows() const { return plain && a.rank() == 2 ? a.extent(0) : 0; }
  auto product() const requires is_tensor<V> {
    using T = typename V::Scalar;
    using B = typename V::Backend;
    const auto multiply = [](const V& x, const V& y) { return apply(Product{{true, false}}, x, y); };
    return RowProduct<T, B>{a, dy, multiply};
  }
};

}  // namespace detail

/// c = op(a) · op(b) (+ bias along the last axis): products of matrices in the last two axes, batched over the axes
/// before.
struct MatMul {
  static constexpr unsigned saves = save::input(0) | save::input(1);
  Transposed transposed;

  template <class T, class B, class... Bias>
  Tensor<T, B> operator()(const Tensor<T, B>& a, const Tensor<T, B>& b, const Bias&... bias) const {
    Tensor<T, B> c(a.shape().with_tail(2, {a.extent(transposed.a ? -1 : -2), b.extent(transposed.b ? -2 : -1)}));
    const T* added = nullptr;
    ((added = bias.data()), ...);
    kernel::matmul(B{}, transposed.a, transposed.b, c, a, b, added);
    return c;
  }
  Index multiply_adds(const auto& a, const auto& b, const auto&...) const {
    return a.size() * b.extent(transposed.b ? -2 : -1);
  }

  /// The gradients of a product are products.
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    const auto product = [](bool ta, bool tb, const V& x, const V& y) { return apply(MatMul{{ta, tb}}, x, y); };
    const auto [ta, tb] = transposed;
    auto da = [&saved, &dy, product, ta = ta, tb = tb] {
      const V& b = std::get<1>(saved.inputs);
      return ta ? product(tb, true, b, dy) : product(false, !tb, dy, b);
    };
    const auto make_db = [&saved, &dy, product, ta = ta, tb = tb] {
      const V& a = std::get<0>(saved.inputs);
      return tb ? product(true, ta, dy, a) : product(!ta, false, a, dy);
    };
    const detail::RightGradient<MatMul, decltype(make_db), V> db{make_db, std::get<0>(saved.inputs), dy, !ta && !tb};
    const auto added = [&saved, &dy]<std::size_t i>(std::integral_constant<std::size_t, i>) {
      return [&] { return sum_to(dy, std::get<i>(saved.inputs).shape()); };
    };
    constexpr std::size_t count = std::tuple_size_v<decltype(saved.inputs)>;
    using Second = std::integral_constant<std::size_t, 2>;
    if constexpr (count == 4)
      return gradients(da, db, added(Second{}), added(std::integral_constant<std::size_t, 3>{}));
    else if constexpr (count == 3) return gradients(da, db, added(Second{}));
    else return gradients(da, db);
  }
};

/// c = onto + a · b (+ bias along the last axis) in one pass, on devices: matrices a (M, K), b (K, N), onto (M, N).
struct MatMulOnto : MatMul {
  template <class T, class B, class... Bias>
  Tensor<T, B> operator()(const Tensor<T, B>& a, const Tensor<T, B>& b, const Tensor<T, B>& onto,
                          const Bias&... bias) const {
    Tensor<T, B> c(onto.shape());
    const T* added = nullptr;
    ((added = bias.data()), ...);
    kernel::matmul(B{}, false, false, c, a, b, added, onto.data());
    return c;
  }
};

namespace detail {

inline void check_product(const char* operation, const Shape& a, const Shape& b, Transposed transposed) {
  require(a.rank() >= 2 && b.rank() >= 2, operation, ": needs matrices, got shapes ", a, " and ", b);
  const Index inner_a = a[transposed.a ? -2 : -1], inner_b = b[transposed.b ? -1 : -2];
  require(inner_a == inner_b, operation, ": inner extents ", inner_a, " and ", inner_b, " of ", a,
          transposed.a ? " (transposed)" : "", " and ", b, transposed.b ? " (transposed)" : "", " differ");
}

}  // namespace detail

/// The matrix product op(a) · op(b) over the last two axes. The axes before them must agree, or b is one matrix for all
/// of a (then a may not be transposed).
///
/// @param a  (…, M, K), or (…, K, M) if transposed     @param b  (…, K, N), or (…, N, K) if transposed
/// @return   (…, M, N)
/// @throws   Error  if the inner extents or the leading axes differ
template <Operand A, Operand C>
  requires SameScalarAndBackend<A, C>
auto matmul(const A& a, const C& b, Transposed transposed = {}) {
  const Shape &as = a.shape(), &bs = b.shape();
  detail::check_product("matmul", as, bs, transposed);
  if (bs.rank() == 2 && as.rank() > 2 && !transposed.a) {
    const Index n = bs[transposed.b ? 0 : 1], k = as.back();
    const Index rows = as.part(0, as.rank() - 1).size();
    return reshape(apply(MatMul{transposed}, reshape(a, Shape{rows, k}), b), as.with_tail(1, {n}));
  }
  require(as.part(0, as.rank() - 2) == bs.part(0, bs.rank() - 2), "matmul: leading axes of ", as, " and ", bs,
          " differ");
  return apply(MatMul{transposed}, a, b);
}
template <Operand A, Operand C>
detail::OperandsDifferInScalarOrBackend matmul(const A&, const C&, Transposed = {}) = delete;

/// x · w + b over the last axis.
///
/// @param x  (…, I)    @param w  (I, O)    @param b  (O), or None
/// @return   (…, O)
/// @throws   Error  if the extents differ
template <Operand X, Operand W, class Bias = None>
  requires SameScalarAndBackend<X, W, Bias>
auto linear(const X& x, const W& w, const Bias& b = {}) {
  const Shape &xs = x.shape(), &ws = w.shape();
  require(ws.rank() == 2 && xs.rank() >= 1 && xs.back() == ws[0], "linear: input ", xs, " with weights ", ws);
  const Shape rows{ws[0] == 0 ? xs.part(0, xs.rank() - 1).size() : xs.size() / ws[0], ws[0]};
  if constexpr (std::is_same_v<Bias, None>) {
    return reshape(apply(MatMul{}, reshape(x, rows), w), xs.with_tail(1, {ws[1]}));
  } else {
    require(b.shape() == Shape{ws[1]}, "linear: bias ", b.shape(), " with weights ", ws);
    return reshape(apply(MatMul{}, reshape(x, rows), w, b), xs.with_tail(1, {ws[1]}));
  }
}
template <Operand X, Operand W, class Bias = None>
detail::OperandsDifferInScalarOrBackend linear(const X&, const W&, const Bias& = {}) = delete;

/// sum + x · w + b over the last axis; one pass on devices.
///
/// @param sum  (…, O)    @param x  (…, I)    @param w  (I, O)    @param b  (O), or None
/// @return     (…, O)
/// @throws     Error  if the extents differ
template <Operand Y, Operand X, Operand W, class Bias = None>
  requires SameScalarAndBackend<X, W, Bias>
auto linear_onto(const Y& sum, const X& x, const W& w, const Bias& b = {}) {
  if constexpr (std::same_as<typename X::Backend, Cpu>) {
    return sum + linear(x, w, b);
  } else {
    const Shape &xs = x.shape(), &ws = w.shape(), &ys = sum.shape();
    require(ws.rank() == 2 && xs.rank() >= 1 && xs.back() == ws[0] && ys == xs.with_tail(1, {ws[1]}),
            "linear_onto: input ", xs, " with weights ", ws, " onto ", ys);
    const Index count = xs.part(0, xs.rank() - 1).size();
    const auto onto = reshape(sum, Shape{count, ws[1]});
    const auto rows = reshape(x, Shape{count, ws[0]});
    if constexpr (std::is_same_v<Bias, None>) {
      return reshape(apply(MatMulOnto{}, rows, w, onto), ys);
    } else {
      require(b.shape() == Shape{ws[1]}, "linear_onto: bias ", b.shape(), " with weights ", ws);
      return reshape(apply(MatMulOnto{}, rows, w, onto, b), ys);
    }
  }
}

FLIPBOOK_RECORDED_2(MatMul);
FLIPBOOK_RECORDED_3(MatMul);

FLIPBOOK_TEMPLATE(auto linear(const Tensor<float>&, const Parameter<float, Cpu>&, const Parameter<float, Cpu>&));
FLIPBOOK_TEMPLATE(auto linear(const Variable<float>&, const Parameter<float, Cpu>&, const Parameter<float, Cpu>&));

}  // namespace flipbook
