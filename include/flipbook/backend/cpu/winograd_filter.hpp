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

/// Points of least rounding error, found by trial; those of F(2, 2) cost no multiplication.
template <std::size_t count>
constexpr std::array<double, count> points() {
  static_assert(count == 2 || count == 4 || count == 5 || count == 7);
  if constexpr (count == 2) return {0, 1};
  else if constexpr (count == 4) return {0.5, -0.5, 1.25, -1.25};
  else if constexpr (count == 5) return {0, 0.75, -0.75, 1.375, -1.375};
  else return {0, 0.5, -0.5, 1, -1, 2, -2};
}

template <std::size_t m, std::size_t r>
constexpr Matrices<m, r> matrices() {
  return Matrices<m, r>(points<m + r - 2>());
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

/// Whether two lines of a matrix differ in nothing but signs, as those of the points p and −p do.
template <std::size_t size>
constexpr bool mirrored(const std::array<double, size>& a, const std::array<double, size>& b) {
  for (std::size_t j = 0; j < size; ++j) {
    if (a[j] != b[j] && a[j] != -b[j]) return false;
  }
  return true;
}

/// Σ_j matrix[i][j] · x[j] over all j for which matrix[i][j] = sign · matrix[other][j]; zeros cost nothing.
template <class Of, std::size_t i, std::size_t other = i, int sign = 1, class V>
V combination(const V* x) {
  V sum(0);
  bool empty = true;
  const auto add = [&]<std::size_t j>(std::integral_constant<std::size_t, j>) {
    constexpr double c = Of::matrix[i][j];
    if constexpr (c != 0 && c == sign * Of::matrix[other][j]) {
      if constexpr (c == 1) sum = empty ? x[j] : sum + x[j];
      else if constexpr (c == -1) sum = empty ? -x[j] : sum - x[j];
      else sum = empty ? constant<V>(c) * x[j] : multiply_add(constant<V>(c), x[j], sum);
      empty = false;
    }
  };
  [&]<std::size_t... j>(std::index_sequence<j...>) {
    (add(std::integral_constant<std::size_t, j>{}), ...);
  }(std::make_index_sequence<Of::matrix[0].size()>{});
  return sum;
}

/// y[k] = Σ_j matrix[k][j] · x[j] for all k ≥ i, y's numbers `step` apart. Mirrored rows have their sums in common.
template <class Of, std::size_t i = 0, class V>
[[gnu::always_inline]] inline void multiply(const V* x, Index step, V* y) {
  constexpr auto rows = Of::matrix.size();
  if constexpr (i + 1 < rows && mirrored(Of::matrix[i], Of::matrix[std::min(i + 1, rows - 1)])) {
    const V same = combination<Of, i, i + 1, 1>(x), opposite = combination<Of, i, i + 1, -1>(x);
    y[static_cast<Index>(i) * step] = same + opposite;
    y[static_cast<Index>(i + 1) * step] = same - opposite;
    multiply<Of, i + 2>(x, step, y);
  } else if constexpr (i < rows) {
    y[static_cast<Index>(i) * step] = combination<Of, i>(x);
    multiply<Of, i + 1>(x, step, y);
  }
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
        V line[columns];
        for (std::size_t j = 0; j < columns; ++j) line[j] = x[static_cast<Index>(j) * inner + i];
        multiply<Of>(line, inner, y + i);
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

/// Vectors in the largest square or cube: 5³ numbers of F(4, 2).
inline constexpr std::size_t most_products = 125;
inline constexpr std::size_t most_points = 8;  ///< of F(4, 5)

}  // namespace flipbook::cpu::winograd
