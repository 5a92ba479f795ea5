// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include <flipbook/backend/cpu/gemm/tile.hpp>
#include <flipbook/backend/cpu/simd/simd.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu::winograd {

/// Vectors in the largest square or cube: 5³ numbers of F(4, 2).
inline constexpr std::size_t most_products = 125;
inline constexpr std::size_t most_points = 8;  ///< of F(4, 5)

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

/// Whether two rows of a matrix differ only in signs, as those of the points p and −p do.
template <std::size_t size>
constexpr bool mirrored(const std::array<double, size>& a, const std::array<double, size>& b) {
  for (std::size_t j = 0; j < size; ++j) {
    if (a[j] != b[j] && a[j] != -b[j]) return false;
  }
  return true;
}

/// Σ_j matrix[i][j] · x[j] over all j for which matrix[i][j] = sign · matrix[other][j]; zeros cost nothing.
template <class Of, std::size_t i, std::size_t other = i, int sign = 1, class V>
[[gnu::always_inline]] inline V combination(const V* x) {
  V sum(0);
  bool empty = true;
  const auto add = [&]<std::size_t j>(std::integral_constant<std::size_t, j>) __attribute__((always_inline)) {
    constexpr double c = Of::matrix[i][j];
    if constexpr (c != 0 && c == sign * Of::matrix[other][j]) {
      if constexpr (c == 1) sum = empty ? x[j] : sum + x[j];
      else if constexpr (c == -1) sum = empty ? -x[j] : sum - x[j];
      else sum = empty ? constant<V>(c) * x[j] : multiply_add(constant<V>(c), x[j], sum);
      empty = false;
    }
  };
  [&]<std::size_t... j>(std::index_sequence<j...>) __attribute__((always_inline)) {
    (add(std::integral_constant<std::size_t, j>{}), ...);
  }
  (std::make_index_sequence<Of::matrix[0].size()>{});
  return sum;
}

/// y[k] = Σ_j matrix[k][j] · x[j] for all k ≥ i, with a distance of `step` between y's numbers. Mirrored rows share
/// their sums.
template <class Of, std::size_t i = 0, class V>
[[gnu::always_inline]] inline void multiply(const V* x, V* y, Index step) {
  constexpr auto rows = Of::matrix.size();
  if constexpr (i + 1 < rows && mirrored(Of::matrix[i], Of::matrix[std::min(i + 1, rows - 1)])) {
    const V same = combination<Of, i, i + 1, 1>(x), opposite = combination<Of, i, i + 1, -1>(x);
    y[static_cast<Index>(i) * step] = same + opposite;
    y[static_cast<Index>(i + 1) * step] = same - opposite;
    multiply<Of, i + 2>(x, y, step);
  } else if constexpr (i < rows) {
    y[static_cast<Index>(i) * step] = combination<Of, i>(x);
    multiply<Of, i + 1>(x, y, step);
  }
}

/// The locations of the vectors of a line, square or cube. Scattered: vector i is at from[i] + place, or at from[i] if
/// it does not move. Spaced: vector i is at from + i · pitch.
template <Real T>
struct Scattered {
  const T* const* from;
  const Index* moves;  ///< all bits set, or none if the vector does not move
  Index place, next;   ///< next: distance to the vectors to prefetch
  Simd<T> load(Index i) const {
    const T* const at = from[i] + (place & moves[i]);
    __builtin_prefetch(at + (next & moves[i]));
    return Simd<T>::load_unaligned(at);
  }
};
template <Real T>
struct Spaced {
  const T* from;
  Index pitch;
  Simd<T> load(Index i) const { return Simd<T>::load_unaligned(from + i * pitch); }
};

/// A matrix that can be applied to a line, or to every axis of a square or cube, of vectors at the locations From.
template <Real T, template <class> class From>
class Transform {
 public:
  Index rows, columns;

  /// @tparam cubes  whether it can be applied to cubes too
  template <class Of, bool cubes>
  static constexpr Transform by() {
    Transform result;
    result.rows = static_cast<Index>(Of::matrix.size()), result.columns = static_cast<Index>(Of::matrix[0].size());
    result.first_ = &along_last_axis<Of>, result.last_ = &along_first_axis<Of, T>;
    if constexpr (cubes) result.middle_ = &along_middle_axis<Of>;
    if constexpr (into_pairs) {
      result.last_in_pairs_ = &along_first_axis<Of, BfloatPair>, result.last_paired_ = &along_first_axis<Of>;
    }
    return result;
  }

  /// Writes vector i of the result to to[i · pitch], as factors. The last axis is transformed first, so that numbers
  /// are read in memory order.
  template <Multiplicand F>
  void operator()(int axes, const From<T>& x, F* to, Index pitch) const {
    by_axes(axes, x, [&](const V* all_but_one, Index inner) {
      if constexpr (std::same_as<F, T>) last_(all_but_one, inner, to, pitch);
      else last_in_pairs_(all_but_one, inner, to, pitch);
    });
  }
  /// Transforms two inputs, and writes pairs of their numbers.
  void operator()(int axes, const From<T>& x, const From<T>& other, BfloatPair* to, Index pitch) const {
    std::array<V, most_products> numbers;
    (*this)(axes, x, reinterpret_cast<T*>(numbers.data()), lanes<T>);
    by_axes(axes, other,
            [&](const V* all_but_one, Index inner) { last_paired_(all_but_one, inner, numbers.data(), to, pitch); });
  }

 private:
  using V = Simd<T>;
  static constexpr bool into_pairs = multiplies_pairs && std::same_as<T, float> && std::same_as<From<T>, Scattered<T>>;

  /// Transforms all axes but the first, which `last` transforms.
  template <class Last>
  void by_axes(int axes, const From<T>& x, const Last& last) const {
    std::array<V, most_products> partial, spare;
    if (axes == 1) {
      for (Index j = 0; j < columns; ++j) partial[static_cast<std::size_t>(j)] = x.load(j);
      return last(partial.data(), Index{1});
    }
    first_(x, axes == 2 ? columns : columns * columns, partial.data());
    if (axes == 3) middle_(partial.data(), spare.data());
    last(axes == 2 ? partial.data() : spare.data(), axes == 2 ? rows : rows * rows);
  }

  /// y = matrix · x along the last axis of x (outer, columns).
  template <class Of>
  static void along_last_axis(const From<T>& x, Index outer, V* y) {
    constexpr auto rows = Of::matrix.size(), columns = Of::matrix[0].size();
    for (Index i = 0; i < outer * static_cast<Index>(columns); y += rows) {
      V line[columns];
      FLIPBOOK_UNROLL
      for (std::size_t j = 0; j < columns; ++j) line[j] = x.load(i++);
      multiply<Of>(line, y, Index{1});
    }
  }
  /// y = matrix · x along the middle axis of x (columns, columns, rows).
  template <class Of>
  static void along_middle_axis(const V* x, V* y) {
    constexpr auto rows = Of::matrix.size(), columns = Of::matrix[0].size();
    for (std::size_t o = 0; o < columns; ++o, x += columns * rows, y += rows * rows) {
      for (std::size_t i = 0; i < rows; ++i) {
        V line[columns];
        FLIPBOOK_UNROLL
        for (std::size_t j = 0; j < columns; ++j) line[j] = x[j * rows + i];
        multiply<Of>(line, y + i, static_cast<Index>(rows));
      }
    }
  }
  /// Calls write(i, vector i of matrix · x), with the product along the first axis of x (columns, inner).
  template <class Of, class Write>
  [[gnu::always_inline]] static void along_first_axis_of(const V* x, Index inner, const Write& write) {
    constexpr auto rows = Of::matrix.size(), columns = Of::matrix[0].size();
    for (Index i = 0; i < inner; ++i) {
      V line[columns], y[rows];
      FLIPBOOK_UNROLL
      for (std::size_t j = 0; j < columns; ++j) line[j] = x[static_cast<Index>(j) * inner + i];
      multiply<Of>(line, y, Index{1});
      FLIPBOOK_UNROLL
      for (std::size_t k = 0; k < rows; ++k) write(static_cast<Index>(k) * inner + i, y[k]);
    }
  }
  template <class Of, Multiplicand F>
  static void along_first_axis(const V* x, Index inner, F* to, Index pitch) {
    along_first_axis_of<Of>(x, inner, [&](Index i, const V& y) { store_factors(y, to + i * pitch); });
  }
  /// `along_first_axis` with each number paired with one of `before`.
  template <class Of>
  static void along_first_axis(const V* x, Index inner, const V* before, BfloatPair* to, Index pitch) {
    along_first_axis_of<Of>(x, inner,
                            [&](Index i, const V& y) { paired(before[i], y).store_unaligned(&to[i * pitch].bits); });
  }

  void (*first_)(const From<T>&, Index, V*);
  void (*middle_)(const V*, V*) = nullptr;
  void (*last_)(const V*, Index, T*, Index);
  void (*last_in_pairs_)(const V*, Index, BfloatPair*, Index) = nullptr;
  void (*last_paired_)(const V*, Index, const V*, BfloatPair*, Index) = nullptr;
};

/// F(m, r) along every filtered axis, and the transforms of its adjoints.
template <Real T>
struct Filter {
  Index outputs, taps, points;                          ///< m, r, n
  Transform<T, Scattered> input, weights, from_output;  ///< Bᵀ, G, A
  Transform<T, Spaced> output, from_products;           ///< Aᵀ, Gᵀ

  template <std::size_t m, std::size_t r>
  static constexpr Filter of() {
    constexpr bool cubes = r == 2;  // the parts of 4³
    using Pixels = Transform<T, Scattered>;
    using Products = Transform<T, Spaced>;
    return {static_cast<Index>(m),
            static_cast<Index>(r),
            static_cast<Index>(m + r - 1),
            Pixels::template by<Input<m, r>, cubes>(),
            Pixels::template by<Weights<m, r>, cubes>(),
            Pixels::template by<Adjoint<Output<m, r>>, cubes>(),
            Products::template by<Output<m, r>, cubes>(),
            Products::template by<Adjoint<Weights<m, r>>, cubes>()};
  }
};

template <Real T, std::size_t m, std::size_t r>
inline constexpr Filter<T> filter = Filter<T>::template of<m, r>();

}  // namespace flipbook::cpu::winograd
