// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/implicit_gemm.hpp>
#include <flipbook/backend/cpu/gemm/matrix_product.hpp>
#include <flipbook/backend/cpu/gemm/right_operand.hpp>
#include <flipbook/backend/cpu/gemm/weight_gradient.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// Matrix product: C = op(A) · op(B) + bias, or C += op(A) · op(B).
///
/// op(A) is (m, k), op(B) is (k, n), C is (m, n); a matrix whose layout is normal is stored as its op is,
/// row by row, `ld` apart; a transposed one is stored as its op's transpose.
/// @param bias  (n), added to every row, or null; not used when accumulating
///
/// Where a result has few columns, or B few uses, the reduction is what fills vectors: then with A normal this is the
/// correlation with one tap, whose pixels are A's rows, and with A transposed the sum over pixels of the gradient of a
/// convolution's weights.
template <Real T>
void gemm(Layout a_layout, Layout b_layout, Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb,
          T* c, Index ldc, bool accumulate, const T* bias) {
  if (m == 0 || n == 0) return;
  const bool a_normal = a_layout == Layout::normal, b_normal = b_layout == Layout::normal;
  const Pixels<const T*> a_pixels{a, 0, {0, 0, lda}}, b_pixels{b, 0, {0, 0, ldb}};
  ReceptiveField field;
  if (!a_normal && (n < panel_columns<T> || m <= few_uses)) {
    Scratch<T> transposed(b_normal ? 0 : k * n);
    Pixels<const T*> right = b_pixels;
    if (!b_normal) {
      parallel_for(k, 16, [&](Index first, Index last) {
        transpose(b + first, ldb, n, last - first, transposed + first * n, n);
      });
      right = {transposed.data(), 0, {0, 0, n}};
    }
    field.extent[2] = field.positions[2] = k;
    field.channels = m;
    WeightGradient<T> sum(field, a_pixels, right, n, c, ldc, bias, accumulate);
    weight_gradient(std::span(&sum, 1));
    return;
  }
  if (!a_normal || best_kind<T>(b_layout, k, k, n, m) == PanelKind::columns) {
    MatrixProduct<T>({a_layout, a, lda}, {b_layout, b, ldb}, m, n, k, c, ldc, accumulate, bias)();
    return;
  }
  const RightOperand<T> right(b_layout, k, n, b, ldb, k, m);
  field.extent[2] = field.positions[2] = m;
  field.channels = k;
  ImplicitGemm<T> product(field, a_pixels, {c, 0, {0, 0, ldc}}, right.panels(), bias, accumulate);
  implicit_gemm(std::span(&product, 1));
}

}  // namespace flipbook::cpu
