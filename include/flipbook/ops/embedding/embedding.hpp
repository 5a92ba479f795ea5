// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/embedding.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

template <class B>
struct AddRows;

/// y[…, :] = table[index[…], :].
template <class B>
struct GatherRows {
  static constexpr unsigned saves = save::none;
  Tensor<std::int32_t, B> indices;

  template <class T>
  Tensor<T, B> operator()(const Tensor<T, B>& table) const {
    Shape shape = indices.shape();
    shape.push_back(table.extent(1));
    Tensor<T, B> y(shape);
    kernel::gather_rows(B{}, table, indices, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&] { return apply(AddRows<B>{indices, std::get<0>(saved.inputs).extent(0)}, dy); });
  }
};

/// The adjoint of GatherRows: table[v, :] = Σ y[i, :] over all i with index[i] = v, in the order of i.
template <class B>
struct AddRows {
  static constexpr unsigned saves = save::none;
  Tensor<std::int32_t, B> indices;
  Index rows;

  template <class T>
  Tensor<T, B> operator()(const Tensor<T, B>& y) const {
    auto table = zeros<T, B>({rows, y.extent(-1)});
    kernel::add_rows(B{}, y, indices, table);
    return table;
  }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients([&] { return apply(GatherRows<B>{indices}, dy); });
  }
};

/// Rows of a table by index: table (V, D) and indices (…) give (…, D).
/// @throws Error  if the table is not a matrix, or an index is not one of its rows
template <Operand X, class B>
auto embedding(const X& table, const Tensor<std::int32_t, B>& indices) {
  require(table.shape().rank() == 2, "embedding: needs a table (V, D), got shape ", table.shape());
  require(indices.size() == 0 || table.shape()[0] > 0, "embedding: the table has no rows");
  detail::require_indices("embedding", indices, table.shape()[0]);
  return apply(GatherRows<B>{indices}, table);
}

/// 1 at each index and 0 elsewhere: indices (…) give (…, classes).
/// @throws Error  if an index is not one of 0 … classes − 1
template <Real T, class B>
Tensor<T, B> one_hot(const Tensor<std::int32_t, B>& indices, Index classes) {
  require(classes > 0, "one_hot: needs at least one class, got ", classes);
  detail::require_indices("one_hot", indices, classes);
  Shape shape = indices.shape();
  shape.push_back(classes);
  return Scatter<B>{indices, shape}(ones<T, B>(indices.shape()));
}

}  // namespace flipbook
