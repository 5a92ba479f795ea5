// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <type_traits>

#include <flipbook/backend/cuda/reduce/columns.hpp>
#include <flipbook/backend/cuda/reduce/rows.hpp>
#include <flipbook/kernels/norm/geometry.hpp>

/// Normalisation, as in backend/cpu/norm/normalize.hpp. Sets of a single row are computed by rows. Sets of more rows
/// are computed by columns: each piece of rows is summed by a block, and the pieces are merged in double, in order. A
/// function may follow, as after(v), and after(dy, v) for the gradient with respect to v: the gradient's kernels then
/// recompute v = x̂·w + b.
namespace flipbook::inline FLIPBOOK_ISA::cuda {

namespace detail {
/// 1 / √(variance + ε)
template <class A>
__device__ A inverse_deviation(A variance, double epsilon) {
  return A(1) / std::sqrt(variance + static_cast<A>(epsilon));
}

/// The gradient of the function that follows, for a thread with N columns.
template <class A, int N, class After>
struct ColumnFunction {
  After after;
  A weight[N], bias[N];  ///< v = weight·(x − mean) + bias; if sets are rows, x − mean is divided by √(variance + ε)

  template <class T>
  __device__ ColumnFunction(const After& f, const T* w, const T* b, bool inside) : after(f) {
    for (int k = 0; k < N; ++k) {
      weight[k] = inside ? static_cast<A>(w[k]) : A(0), bias[k] = inside ? static_cast<A>(b[k]) : A(0);
    }
  }
  __device__ void scale(int k, A by) { weight[k] *= by; }
  /// The gradient with respect to v.
  __device__ A gradient(A dy, A difference, int k) const { return after(dy, weight[k] * difference + bias[k]); }
};
template <class A, int N>
struct ColumnFunction<A, N, NoFunction> {
  template <class T>
  __device__ ColumnFunction(NoFunction, const T*, const T*, bool) {}
  __device__ void scale(int, A) {}
  __device__ A gradient(A dy, A, int) const { return dy; }
};
}  // namespace detail

/// Normalises sets of a single row: statistics and result while the row is in the cache. Unless `centred`, the mean is
/// taken as 0.
template <class T, int N, class After>
__global__ void __launch_bounds__(RowPlan::most_threads)
    normalize_rows(RowPlan plan, Index groups, double epsilon, bool centred, const T* __restrict__ x,
                   const T* __restrict__ w, const T* __restrict__ b, After after, T* __restrict__ y,
                   Wide<T>* __restrict__ mean, Wide<T>* __restrict__ variance) {
  using A = Wide<T>;
  const RowThread<N> at(plan);
  x += at.row * plan.n, y += at.row * plan.n;
  w += at.row % groups * plan.n, b += at.row % groups * plan.n;
  const A count = static_cast<A>(plan.n);
  const auto sum_of = [&](const auto& f) {
    return at.template sum_of<A>([&](Index i) {
      const auto v = load<N>(x + i);
      A sum = 0;
#pragma unroll
      for (int k = 0; k < N; ++k) sum += f(static_cast<A>(v.lane[k]));
      return sum;
    });
  };
  const A m = centred ? sum_of([](A v) { return v; }) / count : A(0);
  const A own_variance = sum_of([=](A v) { return (v - m) * (v - m); }) / count;
  if (at.inside && at.lane == 0) mean[at.row] = m, variance[at.row] = own_variance;
  const A r = detail::inverse_deviation(own_variance, epsilon);
  at.each([&](Index i) {
    const auto v = load<N>(x + i), scale = load<N>(w + i), shift = load<N>(b + i);
    store_each<N>(y + i, [&](int k) {
      return after((static_cast<A>(v.lane[k]) - m) * r * static_cast<A>(scale.lane[k]) + static_cast<A>(shift.lane[k]));
    });
  });
}

/// dx = onto + r·(w·dy − mean(w·dy) − x̂·mean(w·dy·x̂)) for sets of a single row, x̂ = (x − mean)·r; a null onto is 0.
template <class T, int N, class After>
__global__ void __launch_bounds__(RowPlan::most_threads)
    row_gradient(RowPlan plan, Index groups, double epsilon, bool centred, const T* __restrict__ x,
                 const Wide<T>* __restrict__ mean, const Wide<T>* __restrict__ variance, const T* __restrict__ w,
                 const T* __restrict__ b, After after, const T* __restrict__ dy, const T* __restrict__ onto,
                 T* __restrict__ dx) {
  using A = Wide<T>;
  const RowThread<N> at(plan);
  if (onto != nullptr) onto += at.row * plan.n;
  const Index channel = at.row % groups * plan.n;
  x += at.row * plan.n, dy += at.row * plan.n, dx += at.row * plan.n, w += channel;
  const A m = at.inside ? mean[at.row] : A(0), count = static_cast<A>(plan.n);
  const A r = detail::inverse_deviation(at.inside ? variance[at.row] : A(1), epsilon);
  const auto weighted_at = [&](Index i, const Pack<T, N>& v) {  // w·dy, with the gradient dy before the function
    const auto d = load<N>(dy + i), scale = load<N>(w + i);
    Pack<A, N> weighted;
#pragma unroll
    for (int k = 0; k < N; ++k) {
      A before = static_cast<A>(d.lane[k]);
      if constexpr (!std::is_same_v<After, NoFunction>) {
        const A normal = (static_cast<A>(v.lane[k]) - m) * r;
        before = after(before, normal * static_cast<A>(scale.lane[k]) + static_cast<A>(b[channel + i + k]));
      }
      weighted.lane[k] = before * static_cast<A>(scale.lane[k]);
    }
    return weighted;
  };
  A sum = 0, product = 0;  // of w·dy and w·dy·(x − mean)
  at.each([&](Index i) {
    const auto v = load<N>(x + i);
    const auto weighted = weighted_at(i, v);
#pragma unroll
    for (int k = 0; k < N; ++k) {
      sum += weighted.lane[k], product += weighted.lane[k] * (static_cast<A>(v.lane[k]) - m);
    }
  });
  sum = centred ? at.sum(sum) / count : A(0);
  product = at.sum(product) / count * r * r;
  at.each([&](Index i) {
    const auto v = load<N>(x + i);
    const auto weighted = weighted_at(i, v);
    const Pack<T, N> before = onto == nullptr ? Pack<T, N>{} : load<N>(onto + i);
    store_each<N>(dx + i, [&](int k) {
      return static_cast<A>(before.lane[k]) + r * (weighted.lane[k] - sum - (static_cast<A>(v.lane[k]) - m) * product);
    });
  });
}

/// Two sums of each piece of rows for each column, (outer, columns, 2, pieces). If every result depends on one column
/// only, the last block of a strip computes the results; `tickets` counts the blocks.
struct ColumnSums {
  double* first;
  Index pieces;
  unsigned* tickets;

  __device__ double* of(Index column) const { return first + column * 2 * pieces; }
};

/// Mean and Σ (x − mean)² of each column of every piece. A thread uses Welford's recurrence (1962) over its rows; the
/// threads of a column are merged in pairs (Chan et al., 1983).
template <class T, int N>
__global__ void column_moments(ColumnPlan plan, const T* __restrict__ x, ColumnSums sums, Wide<T>* __restrict__ mean_of,
                               Wide<T>* __restrict__ variance_of) {
  using A = Wide<T>;
  __shared__ A means[ColumnPlan::threads * N], all_squares[ColumnPlan::threads * N];
  __shared__ int counts[ColumnPlan::threads];
  const ColumnThread<N> at(plan);
  A mean[N] = {}, squares[N] = {};
  int count = 0;
  at.each([&](Index, Index place) {
    const auto v = load<N>(x + place);
    const A inverse = A(1) / static_cast<A>(++count);
#pragma unroll
    for (int k = 0; k < N; ++k) {
      const A d = static_cast<A>(v.lane[k]) - mean[k];
      mean[k] += d * inverse;
      squares[k] += d * (static_cast<A>(v.lane[k]) - mean[k]);
    }
  });
  const int across = static_cast<int>(blockDim.x), me = at.place_in_block();
  for (int k = 0; k < N; ++k) {
    means[k * ColumnPlan::threads + me] = mean[k], all_squares[k * ColumnPlan::threads + me] = squares[k];
  }
  counts[me] = count;
  for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.y >= half) continue;
    const int other = me + static_cast<int>(half) * across;
    const int mine = counts[me], both = mine + counts[other];
    const A part = both == 0 ? A(0) : static_cast<A>(counts[other]) / static_cast<A>(both);
    for (int k = 0; k < N; ++k) {
      A *const m = means + k * ColumnPlan::threads, *const s = all_squares + k * ColumnPlan::threads;
      const A d = m[other] - m[me];
      m[me] += d * part;
      s[me] += s[other] + d * d * static_cast<A>(mine) * part;
    }
    counts[me] = both;
  }
  const bool writes = threadIdx.y == 0 && at.inside;
  for (int k = 0; writes && k < N; ++k) {
    double* const to = sums.of(at.outer * at.columns + at.column + k) + at.piece;
    to[0] = static_cast<double>(means[k * ColumnPlan::threads + me]);
    to[sums.pieces] = static_cast<double>(all_squares[k * ColumnPlan::threads + me]);
  }
  if (sums.tickets == nullptr || !last_block(sums.tickets + at.ticket, plan.pieces)) return;
  const auto total = [&](const auto& term, double(&sum)[N]) {
    for (int k = 0; k < N; ++k) sum[k] = 0;
    at.each_piece(plan, [&](Index piece) {
      const double rows = static_cast<double>(plan.rows_of(piece));
      for (int k = 0; k < N; ++k) {
        const double* const column = sums.of(at.outer * at.columns + at.column + k) + piece;
        sum[k] += term(rows, __ldcg(column), __ldcg(column + sums.pieces), k);
      }
    });
    at.sum_below(sum);
    for (int k = 0; k < N; ++k) sum[k] /= static_cast<double>(plan.rows);
  };
  double centre[N], own_variance[N];
  total([](double rows, double m, double, int) { return rows * m; }, centre);
  total([&](double rows, double m, double s, int k) { return s + rows * (m - centre[k]) * (m - centre[k]); },
        own_variance);
  for (int k = 0; writes && k < N; ++k) {
    const Index set = at.outer * at.columns + at.column + k;
    mean_of[set] = static_cast<A>(centre[k]), variance_of[set] = static_cast<A>(own_variance[k]);
  }
}

/// Mean and variance of every set from the moments of its columns' pieces.
template <class A>
__global__ void __launch_bounds__(RowPlan::most_threads)
    merge_moments(RowPlan plan, NormGeometry g, ColumnPlan columns, ColumnSums sums, A* __restrict__ mean,
                  A* __restrict__ variance) {
  const RowThread<1> at(plan);  // a row: the pieces of all columns of a set
  const double* const own = sums.of(at.row * g.width);
  const double count = static_cast<double>(g.set_size());
  const auto total = [&](const auto& term) {
    return at.template sum_of<double>([&](Index i) {
      const Index piece = i % sums.pieces, rows = columns.rows_of(piece);
      const double* const column = own + i / sums.pieces * 2 * sums.pieces + piece;
      return term(static_cast<double>(rows), column[0], column[sums.pieces]);
    }) / count;
  };
  const double centre = total([](double rows, double m, double) { return rows * m; });
  const double own_variance =
      total([=](double rows, double m, double s) { return s + rows * (m - centre) * (m - centre); });
  if (at.inside && at.lane == 0) mean[at.row] = static_cast<A>(centre), variance[at.row] = static_cast<A>(own_variance);
}

/// y = after((x − mean) / √(variance + ε) · w + b), with the statistics of every set.
template <class T, int N, class After>
__global__ void normalize_columns(ColumnPlan plan, NormGeometry g, double epsilon, const T* __restrict__ x,
                                  const Wide<T>* __restrict__ mean, const Wide<T>* __restrict__ variance,
                                  const T* __restrict__ w, const T* __restrict__ b, After after, T* __restrict__ y) {
  using A = Wide<T>;
  const ColumnThread<N> at(plan);
  if (!at.inside) return;
  A centre[N], scale[N], shift[N];
#pragma unroll
  for (int k = 0; k < N; ++k) {
    const Index set = at.outer * g.groups + (at.column + k) / g.width;
    centre[k] = mean[set], shift[k] = static_cast<A>(b[at.column + k]);
    scale[k] = static_cast<A>(w[at.column + k]) * detail::inverse_deviation(variance[set], epsilon);
  }
  at.each([&](Index, Index place) {
    const auto v = load<N>(x + place);
    store_each<N>(y + place,
                  [&](int k) { return after((static_cast<A>(v.lane[k]) - centre[k]) * scale[k] + shift[k]); });
  });
}

/// The destination of the gradients of w and b, and of the means of w·dy and w·dy·x̂·r over every set, in pairs.
template <class T>
struct AffineGradient {
  T *w, *b;
  double* means;

  /// Writes the gradients of a channel from its sums; r multiplies `product`.
  __device__ void put(Index channel, double sum, double product, double r) const {
    w[channel] = static_cast<T>(static_cast<Wide<T>>(product * r)),
    b[channel] = static_cast<T>(static_cast<Wide<T>>(sum));
  }
  /// Writes the means of a set from its weighted sums.
  __device__ void put_means(Index set, double sum, double product, double r, double count) const {
    means[2 * set] = sum / count, means[2 * set + 1] = product * r * r / count;
  }
};

/// Σ dy and Σ dy·(x − mean) of each column of every piece, with the gradient dy before the function. If `of_rows`, each
/// row has its own mean, and x − mean is multiplied by the row's 1 / √(variance + ε).
template <bool of_rows, class T, int N, class After>
__global__ void column_products(ColumnPlan plan, NormGeometry g, double epsilon, const T* __restrict__ x,
                                const Wide<T>* __restrict__ mean, const Wide<T>* __restrict__ variance,
                                const T* __restrict__ w, const T* __restrict__ b, After after, const T* __restrict__ dy,
                                ColumnSums sums, AffineGradient<T> gradient) {
  using A = Wide<T>;
  const ColumnThread<N> at(plan);
  detail::ColumnFunction<A, N, After> function(after, w + at.column, b + at.column, at.inside);
  A sum[N] = {}, product[N] = {}, centre[N] = {}, scale[N];
  Index group[N];
  for (int k = 0; k < N; ++k) group[k] = (at.column + k) / g.width;
  const bool one_group = group[0] == group[N - 1];
  const auto statistics = [&](Index place) {
#pragma unroll
    for (int k = 0; k < N; ++k) {
      if (k > 0 && one_group) {
        centre[k] = centre[0], scale[k] = scale[0];
        continue;
      }
      const Index set = place * g.groups + group[k];
      centre[k] = mean[set];
      scale[k] = of_rows ? detail::inverse_deviation(variance[set], epsilon) : A(1);
    }
  };
  if (!of_rows && at.inside) {
    statistics(at.outer);
    for (int k = 0; k < N; ++k)
      function.scale(k, detail::inverse_deviation(variance[at.outer * g.groups + group[k]], epsilon));
  }
  at.each([&](Index row, Index place) {
    const auto v = load<N>(x + place), d = load<N>(dy + place);
    if constexpr (of_rows) statistics(row);
#pragma unroll
    for (int k = 0; k < N; ++k) {
      const A difference = (static_cast<A>(v.lane[k]) - centre[k]) * scale[k];
      const A before = function.gradient(static_cast<A>(d.lane[k]), difference, k);
      sum[k] += before;
      product[k] += before * difference;
    }
  });
  at.sum_below(sum), at.sum_below(product);
  const bool writes = threadIdx.y == 0 && at.inside;
  const auto own = [&](int k) { return sums.of(at.outer * at.columns + at.column + k); };
  for (int k = 0; writes && k < N; ++k) {
    own(k)[at.piece] = static_cast<double>(sum[k]), own(k)[sums.pieces + at.piece] = static_cast<double>(product[k]);
  }
  if (sums.tickets == nullptr || !last_block(sums.tickets + at.ticket, plan.pieces)) return;
  double total[N] = {}, total_product[N] = {};
  at.each_piece(plan, [&](Index piece) {
    for (int k = 0; k < N; ++k) {
      total[k] += __ldcg(own(k) + piece), total_product[k] += __ldcg(own(k) + sums.pieces + piece);
    }
  });
  at.sum_below(total), at.sum_below(total_product);
  for (int k = 0; writes && k < N; ++k) {
    const Index channel = at.column + k;
    const double r = of_rows ? 1.0 : detail::inverse_deviation(static_cast<double>(variance[channel]), epsilon);
    gradient.put(channel, total[k], total_product[k], r);
    if (of_rows) continue;
    const double weight = static_cast<double>(w[channel]);
    gradient.put_means(channel, weight * total[k], weight * total_product[k], r, static_cast<double>(g.set_size()));
  }
}

/// Reduces the sums of column_products if sets have more than one column, or channels more than one set.
template <class T>
__global__ void __launch_bounds__(RowPlan::most_threads)
    finish_products(RowPlan plan, NormGeometry g, double epsilon, bool of_rows, ColumnSums sums,
                    const Wide<T>* __restrict__ variance, const T* __restrict__ w, AffineGradient<T> gradient) {
  RowThread<1> at(plan);  // a row: the pieces of a channel over all of `outer`, or of all columns of a set
  const Index channels = g.channels(), set = at.row - channels, outer = of_rows ? 1 : g.outer;
  const bool of_set = at.row >= channels;
  const auto inverse = [&](Index number) {
    return detail::inverse_deviation(static_cast<double>(variance[number]), epsilon);
  };
  if (at.inside) at.n = (of_set ? g.width : outer) * sums.pieces;
  double sum = 0, product = 0;
  at.each([&](Index i) {
    const Index part = i / sums.pieces;
    const double* const own = sums.of(of_set ? set * g.width + part : part * channels + at.row) + i % sums.pieces;
    const double scale = of_set ? static_cast<double>(w[set % g.groups * g.width + part]) : 1.0;
    sum += scale * own[0];
    product += (of_set || of_rows ? scale : inverse(part * g.groups + at.row / g.width)) * own[sums.pieces];
  });
  sum = at.sum(sum), product = at.sum(product);
  if (!at.inside || at.lane > 0) return;
  if (of_set) gradient.put_means(set, sum, product, inverse(set), static_cast<double>(g.set_size()));
  else gradient.put(at.row, sum, product, 1);
}

/// dx = r·(w·dy − mean_set(w·dy) − x̂·mean_set(w·dy·x̂)) for sets of more than one row.
template <class T, int N, class After>
__global__ void column_gradient(ColumnPlan plan, NormGeometry g, double epsilon, const T* __restrict__ x,
                                const Wide<T>* __restrict__ mean, const Wide<T>* __restrict__ variance,
                                const T* __restrict__ w, const T* __restrict__ b, After after,
                                const double* __restrict__ means, const T* __restrict__ dy, T* __restrict__ dx) {
  using A = Wide<T>;
  const ColumnThread<N> at(plan);
  if (!at.inside) return;
  detail::ColumnFunction<A, N, After> function(after, w + at.column, b + at.column, true);
  A centre[N], scale[N], slope[N], shift[N];  // dx = scale·dy + slope·(x − mean) + shift
#pragma unroll
  for (int k = 0; k < N; ++k) {
    const Index set = at.outer * g.groups + (at.column + k) / g.width;
    const A r = detail::inverse_deviation(variance[set], epsilon);
    centre[k] = mean[set], scale[k] = r * static_cast<A>(w[at.column + k]);
    slope[k] = -r * static_cast<A>(means[2 * set + 1]), shift[k] = -r * static_cast<A>(means[2 * set]);
    function.scale(k, r);
  }
  at.each([&](Index, Index place) {
    const auto v = load<N>(x + place), d = load<N>(dy + place);
    store_each<N>(dx + place, [&](int k) {
      const A difference = static_cast<A>(v.lane[k]) - centre[k];
      return scale[k] * function.gradient(static_cast<A>(d.lane[k]), difference, k) +
             (slope[k] * difference + shift[k]);
    });
  });
}

}  // namespace flipbook::cuda
