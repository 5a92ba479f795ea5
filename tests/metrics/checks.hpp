// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::test {

inline void check_close(double a, double b) { CHECK(std::abs(a - b) <= 1e-12 * (1 + std::abs(b))); }
inline void check_close(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) check_close(a[i], b[i]);
}

/// The value of metrics joined is that of all in one, in any order, and of nothing there is none.
/// @param add  add(metric, first, last) adds samples [first, last) of `count`
template <class M, class Add>
void check_shards(const M& empty, Index count, const Add& add) {
  CHECK_THROWS_AS(empty.value(), Error);
  M whole = empty, joined = empty, first = empty, last = empty, reversed = empty;
  add(whole, 0, count);
  add(first, 0, 1), add(last, 1, count);
  joined.merge(first), joined.merge(empty), joined.merge(last);
  check_close(joined.value(), whole.value());
  last.merge(first);
  check_close(last.value(), whole.value());
  for (Index i = count; i-- > 0;) add(reversed, i, i + 1);
  check_close(reversed.value(), whole.value());
}
/// The same for a metric of predictions and targets, both (N, …).
template <class M, class T>
void check_shards(const M& empty, const Tensor<T>& prediction, const Tensor<T>& target) {
  check_shards(empty, target.extent(0), [&](M& metric, Index first, Index last) {
    metric.add(prediction.slice(first, last), target.slice(first, last));
  });
}

/// The text of the error that f throws.
template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

template <class T>
Tensor<T> drawn(const Shape& shape, std::uint64_t seed) {
  Rng rng{seed};
  return uniform<T>(shape, rng);
}

/// 0 and 1, the latter with the given probability.
template <class T>
Tensor<T> flips(const Shape& shape, double probability, std::uint64_t seed) {
  Tensor<T> x = drawn<T>(shape, seed);
  for (T& element : x) element = static_cast<double>(element) < probability ? T(1) : T(0);
  return x;
}

}  // namespace flipbook::test
