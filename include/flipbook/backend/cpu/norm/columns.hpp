// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <type_traits>

#include <flipbook/backend/cpu/elementwise/map.hpp>
#include <flipbook/backend/cpu/reduce/columns.hpp>
#include <flipbook/backend/cpu/reduce/reduce.hpp>
#include <flipbook/backend/cpu/runtime/scratch.hpp>
#include <flipbook/kernels/norm/geometry.hpp>

/// Normalisation over sets of several rows, such as batch normalisation: its statistics are sums of columns.
namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

template <class T, class V>
void store_wide(const V& v, double* to) {
  if constexpr (std::is_arithmetic_v<V>) {
    *to = static_cast<double>(v);
  } else {
    alignas(V) std::array<T, V::size> lane;
    v.store_aligned(lane.data());
    for (std::size_t i = 0; i < V::size; ++i) to[i] = static_cast<double>(lane[i]);
  }
}

/// Mean and Σ (x − mean)² of each column of a block of rows; the second pass finds the block in the cache.
template <Real T>
void column_moments(const T* x, Index rows, Index columns, double* mean, double* deviations) {
  each_strip<T>(columns, [&]<class V, std::size_t K>(Index j) {
    const auto at = [&](Index i, std::size_t k) { return load<V>(x + i * columns + j + column<V>(k)); };
    std::array<V, K> sum, square;
    sum.fill(V(T(0))), square.fill(V(T(0)));
    for (Index i = 0; i < rows; ++i)
      for (std::size_t k = 0; k < K; ++k) sum[k] += at(i, k);
    for (V& s : sum) s = s * V(T(1) / static_cast<T>(rows));
    for (Index i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < K; ++k) {
        const V d = at(i, k) - sum[k];
        square[k] += d * d;
      }
    }
    for (std::size_t k = 0; k < K; ++k) {
      const Index c = j + column<V>(k);
      store_wide<T>(sum[k], mean + c);
      store_wide<T>(square[k], deviations + c);
    }
  });
}

/// The gradient with respect to w·x̂ + b, the argument of a function `after`, from the gradient dy of its result.
/// `centred` is x − mean, `affine` is w/deviation and b, or nothing without a function.
template <class After, class V, class... Affine>
V before(const After& after, const V& dy, const V& centred, const Affine&... affine) {
  if constexpr (sizeof...(Affine) == 0) return dy;
  else return [&](const V& scale, const V& shift) { return after(dy, centred * scale + shift); }(affine...);
}

/// Σ dy and Σ dy·(x − mean) of each column of a block of rows; if there are tables, with `before` applied to dy.
template <Real T, class After, class... Table>
void column_products(const T* x, const T* dy, const T* mean, Index rows, Index columns, double* sum, double* product,
                     const After& after, const Table*... affine) {
  each_strip<T>(columns, [&]<class V, std::size_t K>(Index j) {
    std::array<V, K> s, p, m;
    s.fill(V(T(0))), p.fill(V(T(0)));
    for (std::size_t k = 0; k < K; ++k) m[k] = load<V>(mean + j + column<V>(k));
    for (Index i = 0; i < rows; ++i) {
      for (std::size_t k = 0; k < K; ++k) {
        const Index place = i * columns + j + column<V>(k);
        const V centred = load<V>(x + place) - m[k];
        const V d = before(after, load<V>(dy + place), centred, load<V>(affine + j + column<V>(k))...);
        s[k] += d;
        p[k] += d * centred;
      }
    }
    for (std::size_t k = 0; k < K; ++k) {
      const Index c = j + column<V>(k);
      store_wide<T>(s[k], sum + c);
      store_wide<T>(p[k], product + c);
    }
  });
}

/// Blocks of the rows of an outer index: a thread sums whole blocks, which do not depend on the number of threads.
struct RowBlocks {
  Index rows, block, count;
  RowBlocks(const NormGeometry& g)
      : rows(g.rows),
        block(std::clamp<Index>(4 * map_grain / g.channels(), 64, 256)),
        count((rows + block - 1) / block) {}
  Index height(Index i) const { return std::min(block, rows - i * block); }
};

/// out = f(in…, table…) for rows of `columns` numbers, with the same tables for every row. If `columns` is not a
/// multiple of the vector width, tables are repeated until they fill whole vectors.
template <Real T, std::size_t Tables, class F, class... In>
void map_rows(const F& f, Index rows, Index columns, const std::array<const T*, Tables>& tables, T* out,
              const In*... in) {
  const Index repeat = rows < 4 * lanes<T> ? 1 : lanes<T> / std::gcd(lanes<T>, columns), width = repeat * columns;
  Scratch<T> repeated(static_cast<Index>(Tables) * width);
  std::array<const T*, Tables> table{};
  for (std::size_t k = 0; k < Tables; ++k) {
    T* const to = repeated + static_cast<Index>(k) * width;
    for (Index i = 0; i < repeat; ++i) std::copy_n(tables[k], columns, to + i * columns);
    table[k] = to;
  }
  const auto run = [&]<std::size_t... K>(std::index_sequence<K...>, Index place, Index count) {
    map_serial(f, 0, count, out + place, (in + place)..., table[K]...);
  };
  const Index whole = rows / repeat;
  parallel_for(whole, std::max<Index>(1, map_grain / width), [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) run(std::make_index_sequence<Tables>{}, i * width, width);
  });
  run(std::make_index_sequence<Tables>{}, whole * width, (rows - whole * repeat) * columns);
}

}  // namespace detail

/// 1 / √(variance + ε), rounded alike in all kernels.
inline double inverse_deviation(double variance, double epsilon) { return 1 / std::sqrt(variance + epsilon); }

namespace detail {
/// For each channel at outer index n: the mean of its set, and w / √(variance + ε).
template <Real T>
void scales(const NormGeometry& g, Index n, double epsilon, const T* mean, const T* variance, const T* w, T* centre,
            T* scale) {
  for (Index c = 0; c < g.channels(); ++c) {
    const Index set = n * g.groups + c / g.width;
    centre[c] = mean[set];
    scale[c] =
        static_cast<T>(static_cast<double>(w[c]) * inverse_deviation(static_cast<double>(variance[set]), epsilon));
  }
}
}  // namespace detail

/// Mean and variance of every set of more than one row. Blocks of rows are summed in T, their means and squared
/// differences combined in double: mean = Σ n·mean / Σ n, and variance = Σ (deviations + n·(mean_block − mean)²) / Σ n,
/// which does not lose precision for a large mean.
template <Real T>
void column_statistics(const NormGeometry& g, const T* x, T* mean, T* variance) {
  const detail::RowBlocks blocks(g);
  const Index channels = g.channels();
  const Scratch<double> part(g.outer * blocks.count * 2 * channels);
  parallel_for(g.outer * blocks.count, 1, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      const Index n = i / blocks.count, b = i % blocks.count;
      detail::column_moments(x + (n * g.rows + b * blocks.block) * channels, blocks.height(b), channels,
                             part + i * 2 * channels, part + (i * 2 + 1) * channels);
    }
  });
  const Scratch<double> sums(g.outer * channels), centres(g.outer * channels);
  // Σ term(rows, mean, deviations, centre) over blocks for each channel, then over the channels of a set.
  const auto sum_blocks = [&](const auto& term) {
    std::fill_n(sums.data(), g.outer * channels, 0.0);
    parallel_for(channels, 64, [&](Index first, Index last) {
      for (Index i = 0; i < g.outer * blocks.count; ++i) {
        const Index n = i / blocks.count;
        const double *const block = part + i * 2 * channels, *const sum = sums + n * channels;
        const Simd<double> height(static_cast<double>(blocks.height(i % blocks.count)));
        const auto add = [&](const auto& s, const auto&... each) { return s + term(height, each...); };
        map_serial(add, first, last, sums + n * channels, sum, block, block + channels, centres + n * channels);
      }
    });
  };
  const auto of_set = [&](Index set) {
    return std::accumulate(sums + set * g.width, sums + (set + 1) * g.width, 0.0) / static_cast<double>(g.set_size());
  };
  std::fill_n(centres.data(), g.outer * channels, 0.0);
  sum_blocks([](const auto& rows, const auto& m, const auto&, const auto&) { return rows * m; });
  for (Index set = 0; set < g.sets(); ++set) {
    const double centre = of_set(set);
    mean[set] = static_cast<T>(centre);
    std::fill_n(centres + set * g.width, g.width, centre);
  }
  sum_blocks([](const auto& rows, const auto& m, const auto& deviations, const auto& centre) {
    return deviations + rows * (m - centre) * (m - centre);
  });
  for (Index set = 0; set < g.sets(); ++set) variance[set] = static_cast<T>(of_set(set));
}

/// y = after((x − mean) / √(variance + ε) · w + b), with the statistics of every set.
template <Real T, class After = NoFunction>
void normalize_by(const NormGeometry& g, double epsilon, const T* x, const T* mean, const T* variance, const T* w,
                  const T* b, T* y, const After& after = {}) {
  const Index channels = g.channels();
  const Scratch<T> centre(channels), scale(channels);
  for (Index n = 0; n < g.outer; ++n) {
    detail::scales(g, n, epsilon, mean, variance, w, centre.data(), scale.data());
    const std::array<const T*, 3> tables{centre.data(), scale.data(), b};
    const Index place = n * g.rows * channels;
    detail::map_rows(
        [&after](const auto& v, const auto& m, const auto& s, const auto& t) { return after((v - m) * s + t); }, g.rows,
        channels, tables, y + place, x + place);
  }
}

namespace detail {

/// Whether a function follows the normalisation.
template <class After>
inline constexpr bool followed = !std::is_same_v<After, NoFunction>;

/// Σ dy and Σ dy·(x − mean) over the rows, for each outer index and channel, to sums (outer, 2, channels), with
/// `before` applied to dy. The means and scales (outer, channels) are those of `detail::scales`.
template <Real T, class After>
void sum_column_products(const NormGeometry& g, const T* x, const T* dy, const T* means, const T* scales, const T* b,
                         const After& after, double* sums) {
  const RowBlocks blocks(g);
  const Index channels = g.channels();
  const Scratch<double> part(g.outer * blocks.count * 2 * channels);
  parallel_for(g.outer * blocks.count, 1, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      const Index n = i / blocks.count, row = n * g.rows + i % blocks.count * blocks.block;
      const auto products = [&](const auto*... affine) {
        column_products(x + row * channels, dy + row * channels, means + n * channels, blocks.height(i % blocks.count),
                        channels, part + i * 2 * channels, part + (i * 2 + 1) * channels, after, affine...);
      };
      if constexpr (followed<After>) products(scales + n * channels, b);
      else products();
    }
  });
  sum_middle(g.outer, blocks.count, 2 * channels, static_cast<const double*>(part.data()), sums);
}

/// dw = Σ dy·x̂ and db = Σ dy over all outer indices, from `sum_column_products`.
template <Real T>
void affine_gradients(const NormGeometry& g, double epsilon, const T* variance, const double* sums, T* dw, T* db) {
  const Index channels = g.channels();
  for (Index c = 0; c < channels; ++c) {
    double product = 0, sum = 0;
    for (Index n = 0; n < g.outer; ++n) {
      const double r = inverse_deviation(static_cast<double>(variance[n * g.groups + c / g.width]), epsilon);
      sum += sums[n * 2 * channels + c];
      product += sums[(n * 2 + 1) * channels + c] * r;
    }
    dw[c] = static_cast<T>(product), db[c] = static_cast<T>(sum);
  }
}

/// At outer index n,  dx = a·dy + s·(x − mean) + t,  with three numbers for each channel: with r = 1 / √(variance + ε),
///
///     a = r·w,   s = −r²·mean_set(w·dy·x̂),   t = −r·mean_set(w·dy)
template <Real T>
void column_coefficients(const NormGeometry& g, Index n, double epsilon, const T* variance, const T* w,
                         const double* sums, T* a, T* s, T* t) {
  const Index channels = g.channels();
  const double count = static_cast<double>(g.set_size());
  const double *const sum = sums + n * 2 * channels, *const product = sum + channels;
  for (Index first = 0; first < channels; first += g.width) {
    const double r = inverse_deviation(static_cast<double>(variance[n * g.groups + first / g.width]), epsilon);
    double mean_sum = 0, mean_product = 0;  // of w·dy and of w·dy·x̂ over the set
    for (Index c = first; c < first + g.width; ++c) {
      mean_sum += static_cast<double>(w[c]) * sum[c] / count;
      mean_product += static_cast<double>(w[c]) * product[c] * r / count;
    }
    for (Index c = first; c < first + g.width; ++c) {
      a[c] = static_cast<T>(r * static_cast<double>(w[c]));
      s[c] = static_cast<T>(-r * r * mean_product);
      t[c] = static_cast<T>(-r * mean_sum);
    }
  }
}

}  // namespace detail

/// The gradients of the normalisation of sets of more than one row, where x̂ = (x − mean)·r:
///
///     dx = r·(w·dy − mean_set(w·dy) − x̂·mean_set(w·dy·x̂)),   dw = Σ dy·x̂,   db = Σ dy
///
/// If a function `after` follows, dy is the gradient of its result times its slope at w·x̂ + b, which requires b.
template <Real T, class After = NoFunction>
void column_gradient(const NormGeometry& g, double epsilon, const T* x, const T* mean, const T* variance, const T* w,
                     const T* dy, T* dx, T* dw, T* db, const After& after = {}, const T* b = nullptr) {
  const Index channels = g.channels();
  const Scratch<T> means(g.outer * channels), scales(g.outer * channels);
  for (Index n = 0; n < g.outer; ++n) {
    detail::scales(g, n, epsilon, mean, variance, w, means + n * channels, scales + n * channels);
  }
  const Scratch<double> sums(g.outer * 2 * channels);
  detail::sum_column_products<T>(g, x, dy, means.data(), scales.data(), b, after, sums.data());
  detail::affine_gradients(g, epsilon, variance, sums.data(), dw, db);

  const Scratch<T> a(channels), s(channels), t(channels);
  for (Index n = 0; n < g.outer; ++n) {
    detail::column_coefficients(g, n, epsilon, variance, w, sums.data(), a.data(), s.data(), t.data());
    const Index place = n * g.rows * channels;
    const auto map = [&](const auto*... affine) {
      const std::array<const T*, 4 + sizeof...(affine)> tables{means + n * channels, a.data(), s.data(), t.data(),
                                                               affine...};
      detail::map_rows(
          [&after](const auto& d, const auto& v, const auto& m, const auto& p, const auto& q, const auto& o,
                   const auto&... affine_of) {
            const auto centred = v - m;
            return p * detail::before(after, d, centred, affine_of...) + (q * centred + o);
          },
          g.rows, channels, tables, dx + place, dy + place, x + place);
    };
    if constexpr (detail::followed<After>) map(static_cast<const T*>(scales + n * channels), b);
    else map();
  }
}

}  // namespace flipbook::cpu
