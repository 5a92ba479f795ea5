#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include <flipbook/backend/cpu/simd.hpp>
#include <flipbook/backend/cpu/tile.hpp>

namespace flipbook::cpu::winograd {

template <std::size_t rows, std::size_t columns>
using Matrix = std::array<std::array<double, columns>, rows>;

template <std::size_t rows, std::size_t columns>
constexpr Matrix<columns, rows> transposed(const Matrix<rows, columns>& matrix) {
  Matrix<columns, rows> result{};
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) result[j][i] = matrix[i][j];
  }
  return result;
}

/// The three matrices of F(m, r), the correlation of n = m + r − 1 numbers d with r numbers g by n multiplications,
///
///     y = Aᵀ [(G g) ⊙ (Bᵀ d)],
///
/// by evaluation at n − 1 points and at infinity (Toom and Cook).
template <std::size_t m, std::size_t r>
struct Matrices {
  static constexpr std::size_t n = m + r - 1;
  Matrix<m, n> a{};  ///< Aᵀ
  Matrix<n, r> g{};  ///< G
  Matrix<n, n> b{};  ///< Bᵀ

  constexpr explicit Matrices(const std::array<double, n - 1>& points) {
    for (std::size_t j = 0; j + 1 < n; ++j) {
      double scale = 1, power = 1;
      for (std::size_t l = 0; l + 1 < n; ++l) scale *= l == j ? 1 : points[j] - points[l];
      for (std::size_t i = 0; i < std::max(m, r); ++i, power *= points[j]) {
        if (i < m) a[i][j] = power;
        if (i < r) g[j][i] = power / scale;
      }
      b[j] = product(points, j);
    }
    a[m - 1][n - 1] = g[n - 1][r - 1] = 1;
    b[n - 1] = product(points, n);
  }

 private:
  /// The coefficients of Π (x − points[l]) over all l but one.
  static constexpr std::array<double, n> product(const std::array<double, n - 1>& points, std::size_t without) {
    std::array<double, n> c{1};
    for (std::size_t l = 0; l + 1 < n; ++l) {
      if (l == without) continue;
      for (std::size_t k = n; k-- > 0;) c[k] = (k > 0 ? c[k - 1] : 0) - points[l] * c[k];
    }
    return c;
  }
};

/// Points of small size whose products stay small: on them the rounding error depends.
template <std::size_t m, std::size_t r>
constexpr Matrices<m, r> matrices() {
  constexpr double points[] = {0, 1, -1, 0.5, -2};
  std::array<double, m + r - 2> some{};
  std::copy_n(points, some.size(), some.begin());
  return Matrices<m, r>(some);
}

// Names of the matrices, for templates: a matrix itself as an argument would be spelt out in every symbol.
template <std::size_t m, std::size_t r>
struct Input {
  static constexpr auto matrix = matrices<m, r>().b;
};
template <std::size_t m, std::size_t r>
struct Output {
  static constexpr auto matrix = matrices<m, r>().a;
};
template <std::size_t m, std::size_t r>
struct Weights {
  static constexpr auto matrix = matrices<m, r>().g;
};
template <class Of>
struct Adjoint {
  static constexpr auto matrix = transposed(Of::matrix);
};

/// Σ_j matrix[i][j] · x[j · step]; zeros cost nothing.
template <class Of, std::size_t i, class V>
V combination(const V* x, Index step) {
  V sum(0);
  bool empty = true;
  const auto add = [&]<std::size_t j>(std::integral_constant<std::size_t, j>) {
    constexpr double c = Of::matrix[i][j];
    if constexpr (c != 0) {
      const V& v = x[static_cast<Index>(j) * step];
      if constexpr (c == 1) sum = empty ? v : sum + v;
      else if constexpr (c == -1) sum = empty ? -v : sum - v;
      else sum = empty ? constant<V>(c) * v : multiply_add(constant<V>(c), v, sum);
      empty = false;
    }
  };
  [&]<std::size_t... j>(std::index_sequence<j...>) {
    (add(std::integral_constant<std::size_t, j>{}), ...);
  }(std::make_index_sequence<Of::matrix[0].size()>{});
  return sum;
}

/// A matrix that can be applied to every axis of a square or cube of vectors.
template <class V>
struct Transform {
  Index rows, columns;
  void (*along)(const V*, Index, Index, V*);

  template <class Of>
  static constexpr Transform by() {
    return {static_cast<Index>(Of::matrix.size()), static_cast<Index>(Of::matrix[0].size()), &apply_along<Of>};
  }

  /// The result is in x or in spare, both of room for the larger of the two: returns where.
  V* operator()(int axes, V* x, V* spare) const {
    Index outer = 1, inner = 1;
    for (int axis = 1; axis < axes; ++axis) inner *= columns;
    for (int axis = 0; axis < axes; ++axis, outer *= rows, inner /= columns) {
      along(x, outer, inner, spare);
      std::swap(x, spare);
    }
    return x;
  }

 private:
  /// y = matrix · x along the middle axis of x (outer, columns, inner).
  template <class Of>
  static void apply_along(const V* x, Index outer, Index inner, V* y) {
    constexpr auto rows = Of::matrix.size(), columns = Of::matrix[0].size();
    for (Index o = 0; o < outer; ++o, x += static_cast<Index>(columns) * inner, y += static_cast<Index>(rows) * inner) {
      for (Index i = 0; i < inner; ++i) {
        [&]<std::size_t... k>(std::index_sequence<k...>) {
          ((y[static_cast<Index>(k) * inner + i] = combination<Of, k>(x + i, inner)), ...);
        }(std::make_index_sequence<rows>{});
      }
    }
  }
};

/// F(m, r) along every axis that it is applied to, and what its adjoints need.
template <Real T>
struct Filter {
  Index outputs, taps, points;  ///< m, r, n
  Transform<Simd<T>> input, output, weights, from_output, from_products;  ///< Bᵀ, Aᵀ, G, A, Gᵀ

  template <std::size_t m, std::size_t r>
  static constexpr Filter of() {
    using By = Transform<Simd<T>>;
    return {static_cast<Index>(m),
            static_cast<Index>(r),
            static_cast<Index>(m + r - 1),
            By::template by<Input<m, r>>(),
            By::template by<Output<m, r>>(),
            By::template by<Weights<m, r>>(),
            By::template by<Adjoint<Output<m, r>>>(),
            By::template by<Adjoint<Weights<m, r>>>()};
  }
};

template <Real T, std::size_t m, std::size_t r>
inline constexpr Filter<T> filter = Filter<T>::template of<m, r>();

/// Vectors in the largest square or cube: 6² numbers of F(2, 5) and F(4, 3), 3³ of F(2, 2).
inline constexpr std::size_t most_products = 36;

}  // namespace flipbook::cpu::winograd
