// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <numeric>
#include <string>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::test {

/// 0, 1, 2, … in memory order.
template <class T>
Tensor<T> numbered(const Shape& shape) {
  Tensor<T> x(shape);
  std::iota(x.begin(), x.end(), T(0));
  return x;
}

template <class T>
Tensor<T> random(const Shape& shape, std::uint64_t seed = 1) {
  Rng rng{seed};
  return normal<T>(shape, rng);
}

using Indices = std::array<Index, 8>;

/// Calls body(index) for every index below the extents, in memory order.
template <class Body>
void each_index(const Shape& shape, const Body& body) {
  for (Index place = 0; place < shape.size(); ++place) {
    Indices at{};
    Index rest = place;
    for (int axis = shape.rank(); axis-- > 0; rest /= shape[axis])
      at[static_cast<std::size_t>(axis)] = rest % shape[axis];
    body(at);
  }
}

/// Where an index is in memory.
inline Index place(const Shape& shape, const Indices& index) {
  Index at = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) at = at * shape[axis] + index[static_cast<std::size_t>(axis)];
  return at;
}
/// The element at an index.
template <class T>
T at(const Tensor<T>& x, const Indices& index) {
  return x.data()[place(x.shape(), index)];
}
template <class T>
T& at(Tensor<T>& x, const Indices& index) {
  return x.data()[place(x.shape(), index)];
}

/// The tensor whose element at every index is f(index).
template <class T, class F>
Tensor<T> tabulated(const Shape& shape, const F& f) {
  Tensor<T> x(shape);
  T* out = x.data();
  each_index(shape, [&](const Indices& index) { *out++ = static_cast<T>(f(index)); });
  return x;
}

/// The shape with another extent along an axis, and an index with another place there.
inline Shape with(Shape shape, int axis, Index extent) {
  shape[axis] = extent;
  return shape;
}
inline Indices with(Indices index, int axis, Index place) {
  index[static_cast<std::size_t>(axis)] = place;
  return index;
}
/// Indices from 0 to count − 1.
inline Tensor<std::int32_t> drawn_indices(const Shape& shape, Index count) {
  Rng rng{3};
  return tabulated<std::int32_t>(shape, [&](const Indices&) { return rng.below(count); });
}

template <class T>
bool same(const Tensor<T>& a, const Tensor<T>& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

/// The largest difference, relative to the largest element or 0.1; infinite where shapes differ or a number is not
/// finite.
template <class T>
double difference(const Tensor<T>& a, const Tensor<T>& b) {
  if (a.shape() != b.shape()) return std::numeric_limits<double>::infinity();
  double largest = 0, size = 0.1;
  for (Index i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a.data()[i]), y = static_cast<double>(b.data()[i]);
    if (!std::isfinite(x) || !std::isfinite(y)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(x - y));
    size = std::max(size, std::abs(y));
  }
  return largest / size;
}

/// What rounding may cost, for results that a few dozen operations lead to.
template <class T>
inline constexpr double tolerance = std::is_same_v<T, float> ? 3e-6 : 1e-14;

/// The text of the Error that `f` throws, or nothing.
template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace flipbook::test
