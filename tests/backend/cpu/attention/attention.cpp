// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/attention/gradient.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "reference/drawn.hpp"

using namespace flipbook;
using reference::drawn;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Tensors (N, L, H, D) of one attention, each token's numbers further apart than they are many.
template <class T>
struct Problem {
  AttentionGeometry g;
  Index all_keys, token;
  bool masked;
  std::vector<T> q, k, v, dy, mask;

  explicit Problem(Rng& rng) {
    g.batch = 1 + rng.below(2), g.heads = 1 + rng.below(3);
    g.queries = 1 + rng.below(rng.below(4) == 0 ? 3 : 90), g.keys = 1 + rng.below(150), g.width = 1 + rng.below(40);
    if (rng.below(3) == 0) g.width = 16 * (1 + rng.below(3));
    g.causal_block = rng.below(3) == 0 ? 0 : 1 + rng.below(9), g.scale = 0.2 + rng.uniform();
    all_keys = g.keys + rng.below(3), token = g.heads * g.width + rng.below(5);
    masked = rng.below(3) == 0;
    q = drawn<T>(g.batch * g.queries * token, rng), dy = drawn<T>(g.batch * g.queries * token, rng);
    k = drawn<T>(g.batch * all_keys * token, rng), v = drawn<T>(g.batch * all_keys * token, rng);
    if (masked) mask = drawn<T>(g.queries * g.keys, rng);  // for all samples and heads
    for (T& added : mask) added = rng.below(4) == 0 ? -std::numeric_limits<T>::infinity() : added;
  }
  template <class P>
  HeadRows<P> rows(P* data, Index length) const {
    return {data, length * token, token, g.width};
  }
  ScoreMask<T> score_mask() const { return {masked ? mask.data() : nullptr, 0, g.keys, 0}; }
};

/// Output and gradients; what no one writes stays 7.
template <class T>
struct Results {
  std::vector<T> y, log_sums, dq, dk, dv;
  template <class P>
  explicit Results(const Problem<P>& x)
      : y(x.q.size(), T(7)),
        log_sums(static_cast<std::size_t>(x.g.batch * x.g.heads * x.g.queries)),
        dq(y),
        dk(x.k.size(), T(7)),
        dv(dk) {}
  bool operator==(const Results&) const = default;
};

template <class T>
Results<T> computed(const Problem<T>& x) {
  Results<T> r(x);
  const Index queries = x.g.queries, keys = x.all_keys;
  const AttentionRows<const T> in{x.rows(x.q.data(), queries), x.rows(x.k.data(), keys), x.rows(x.v.data(), keys)};
  cpu::attention<T>(x.g, in.q, in.k, in.v, x.score_mask(), x.rows(r.y.data(), queries), r.log_sums.data());
  const AttentionRows<T> out{x.rows(r.dq.data(), queries), x.rows(r.dk.data(), keys), x.rows(r.dv.data(), keys)};
  const T* const y = r.y.data();
  cpu::attention_gradient<T>(x.g, in, x.score_mask(), x.rows(y, queries), x.rows(x.dy.data(), queries),
                             r.log_sums.data(), out, keys);
  return r;
}

template <class A, class B>
double dot(const A* a, const B* b, Index n) {
  double sum = 0;
  for (Index d = 0; d < n; ++d) sum += double(a[d]) * double(b[d]);
  return sum;
}
void add(double* to, double factor, const auto* x, Index n) {
  for (Index d = 0; d < n; ++d) to[d] += factor * double(x[d]);
}

/// Query i of a head, by the definition, in double: P, then y, then what it adds to the gradients.
template <class T>
void define_query(const Problem<T>& x, Index n, Index h, Index i, Results<double>& r) {
  const auto& g = x.g;
  const auto k = x.rows(x.k.data(), x.all_keys).of(n, h), v = x.rows(x.v.data(), x.all_keys).of(n, h);
  const T *const q = x.rows(x.q.data(), g.queries).of(n, h)(i), *const dy = x.rows(x.dy.data(), g.queries).of(n, h)(i);
  std::vector<double> weight(static_cast<std::size_t>(g.keys), 0.0);
  double total = 0;
  for (Index j = 0; j < g.visible(i); ++j) {
    const double added = x.masked ? double(x.mask[static_cast<std::size_t>(i * g.keys + j)]) : 0;
    total += weight[static_cast<std::size_t>(j)] = std::exp(g.scale * dot(q, k(j), g.width) + added);
  }
  double* const y = x.rows(r.y.data(), g.queries).of(n, h)(i);
  double* const dq = x.rows(r.dq.data(), g.queries).of(n, h)(i);
  std::fill_n(y, g.width, 0.0), std::fill_n(dq, g.width, 0.0);
  r.log_sums[static_cast<std::size_t>((n * g.heads + h) * g.queries + i)] = total == 0 ? infinity : std::log(total);
  if (total == 0) return;
  for (double& w : weight) w /= total;
  for (Index j = 0; j < g.keys; ++j) add(y, weight[static_cast<std::size_t>(j)], v(j), g.width);
  const double inner = dot(dy, y, g.width);
  for (Index j = 0; j < g.keys; ++j) {
    const double p = weight[static_cast<std::size_t>(j)], ds = g.scale * p * (dot(dy, v(j), g.width) - inner);
    add(dq, ds, k(j), g.width);
    add(x.rows(r.dk.data(), x.all_keys).of(n, h)(j), ds, q, g.width);
    add(x.rows(r.dv.data(), x.all_keys).of(n, h)(j), p, dy, g.width);
  }
}

template <class T>
Results<double> defined(const Problem<T>& x) {
  Results<double> r(x);
  for (Index n = 0; n < x.g.batch; ++n) {
    for (Index h = 0; h < x.g.heads; ++h) {
      for (Index j = 0; j < x.all_keys; ++j) {
        std::fill_n(x.rows(r.dk.data(), x.all_keys).of(n, h)(j), x.g.width, 0.0);
        std::fill_n(x.rows(r.dv.data(), x.all_keys).of(n, h)(j), x.g.width, 0.0);
      }
      for (Index i = 0; i < x.g.queries; ++i) define_query(x, n, h, i, r);
    }
  }
  return r;
}

/// The largest difference, of numbers that are about 1 or of the largest.
template <class T>
double error(const std::vector<T>& got, const std::vector<double>& wanted) {
  double largest = 1, difference = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (double(got[i]) == wanted[i]) continue;  // ∞ too
    largest = std::max(largest, std::abs(wanted[i]));
    const double far = std::abs(double(got[i]) - wanted[i]);
    difference = std::isnan(far) ? infinity : std::max(difference, far);
  }
  return difference / largest;
}

}  // namespace

TEST_CASE_TEMPLATE("attention and its gradients are those of the definition, whatever the extents", T, float, double) {
  const double tolerance = std::is_same_v<T, float> ? 2e-5 : 1e-13;
  Rng rng{1};
  for (int i = 0; i < 200; ++i) {
    const Problem<T> x(rng);
    CAPTURE(x.g.queries);
    CAPTURE(x.g.keys);
    CAPTURE(x.g.width);
    CAPTURE(x.g.causal_block);
    CAPTURE(x.masked);
    const Results<T> got = computed(x);
    const Results<double> wanted = defined(x);
    CHECK(error(got.y, wanted.y) < tolerance);
    CHECK(error(got.log_sums, wanted.log_sums) < tolerance);
    CHECK(error(got.dq, wanted.dq) < tolerance);
    CHECK(error(got.dk, wanted.dk) < tolerance);
    CHECK(error(got.dv, wanted.dv) < tolerance);
  }
}

TEST_CASE_TEMPLATE("attention of any extents gives the same bits on any number of threads", T, float, double) {
  const int before = threads();
  Rng rng{2};
  for (int i = 0; i < 30; ++i) {
    const Problem<T> x(rng);
    set_threads(1);
    const Results<T> alone = computed(x);
    for (const int count : {2, 3}) {
      set_threads(count);
      CHECK((computed(x) == alone));
    }
  }
  set_threads(before);
}
