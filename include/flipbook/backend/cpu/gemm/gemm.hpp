// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/implicit_gemm.hpp>
#include <flipbook/backend/cpu/gemm/matrix_product.hpp>
#include <flipbook/backend/cpu/gemm/right_operand.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {
/// Cost of a step of the reduction for a result of `rows` × `columns`; few rows wait for their sums.
template <Real T>
Index vectors_of_sums(Index rows, Index columns) {
  return std::max(rows, Index{TileShape::few_rows}) * quotient_up(columns, lanes<T>);
}
/// In products along the reduction, a sum over a vector's lanes takes as long as transposing this many numbers.
inline constexpr Index sum_up = 96;
}  // namespace detail

/// Matrix product: C = op(A) · op(B) + bias, or C += op(A) · op(B).
///
/// op(A) is (m, k), op(B) is (k, n), C is (m, n). A matrix with normal layout is stored as its op, row by row, with a
/// pitch of `ld`; a transposed one is stored as the transpose of its op.
/// @param bias  (n), added to every row, or null; not used when accumulating
///
/// If B has few uses and is stored along the reduction, or the result has few columns, vectors are along the reduction:
/// this is the correlation with one tap, whose pixels are A's rows. If A is transposed and the columns are few, or A
/// comes from memory, the transpose of the result is computed.
template <Real T>
void gemm(Layout a_layout, Layout b_layout, Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb,
          T* c, Index ldc, bool accumulate, const T* bias) {
  if (m == 0 || n == 0) return;
  const bool a_normal = a_layout == Layout::normal;
  const bool fewer_vectors = 4 * detail::vectors_of_sums<T>(n, m) < 3 * detail::vectors_of_sums<T>(m, n);
  // As a right operand, A is read from memory in its own order.
  const bool in_order = n < few_uses_of_rows && n < m && m * k > cache::half_of_second / Index{sizeof(T)};
  if (!a_normal && (fewer_vectors || in_order)) {
    const Scratch<T> transposed(n * m);
    MatrixProduct<T>({other(b_layout), b, ldb}, {other(a_layout), a, lda}, n, m, k, transposed.data(), m, false,
                     nullptr)();
    parallel_for(m, 1024, [&](Index first, Index last) {
      if (!accumulate && bias == nullptr) {
        return transpose(transposed + first, m, n, last - first, c + first * ldc, ldc);
      }
      for (Index i = first; i < last; ++i) {
        T* const to = c + i * ldc;
        for (Index j = 0; j < n; ++j) to[j] = (accumulate ? to[j] : bias[j]) + transposed[j * m + i];
      }
    });
    return;
  }
  const bool many_sums = b_layout == Layout::transposed && k < detail::sum_up * m;
  if (!a_normal || many_sums || best_kind<T>(b_layout, k, k, n, m) == PanelKind::columns) {
    MatrixProduct<T>({a_layout, a, lda}, {b_layout, b, ldb}, m, n, k, c, ldc, accumulate, bias)();
    return;
  }
  ReceptiveField field;
  const RightOperand<T> right(b_layout, k, n, b, ldb, k, m);
  field.extent[2] = field.positions[2] = m;
  field.channels = k;
  ImplicitGemm<T> product(field, Pixels<const T*>{a, 0, {0, 0, lda}}, {c, 0, {0, 0, ldc}}, right.panels(), bias,
                          accumulate);
  implicit_gemm(std::span(&product, 1));
}

}  // namespace flipbook::cpu
