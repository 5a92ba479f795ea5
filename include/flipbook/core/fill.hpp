#pragma once

#include <algorithm>
#include <cmath>

#include <flipbook/core/parallel.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook {

/// Sets every element of a tensor, which may be a view, to `value`.
template <Element T>
void fill(Tensor<T, Cpu>& x, T value) {
  std::fill(x.begin(), x.end(), value);
}

/// A tensor whose elements are all `value`.
template <Element T, class B = Cpu>
Tensor<T, B> full(const Shape& shape, T value) {
  Tensor<T, B> filled(shape);
  fill(filled, value);
  return filled;
}

template <Element T, class B = Cpu>
Tensor<T, B> zeros(const Shape& shape) {
  return full<T, B>(shape, T(0));
}

template <Element T, class B = Cpu>
Tensor<T, B> ones(const Shape& shape) {
  return full<T, B>(shape, T(1));
}

namespace detail {

// Each block of the stream gives two numbers: elements 2i and 2i + 1.
template <Real T, class Pair>
Tensor<T, Cpu> drawn(const Shape& shape, Rng& rng, const Pair& pair) {
  Tensor<T, Cpu> x(shape);
  const Index size = x.size(), blocks = (size + 1) / 2;
  const Rng stream = rng.take(static_cast<std::uint64_t>(blocks));
  parallel_for(blocks, 1024, [&, out = x.data()](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      const auto [a, b] = pair(stream.block(static_cast<std::uint64_t>(i)));
      out[2 * i] = static_cast<T>(a);
      if (2 * i + 1 < size) out[2 * i + 1] = static_cast<T>(b);
    }
  });
  return x;
}

}  // namespace detail

/// Independent standard normal numbers: a function of the stream's position alone, not of the number
/// of threads.
template <Real T, class B = Cpu>
  requires std::same_as<B, Cpu>
Tensor<T, B> normal(const Shape& shape, Rng& rng) {
  return detail::drawn<T>(shape, rng, [](const auto& words) { return Rng::normal_pair(words); });
}

/// Independent numbers, uniform on [low, high).
template <Real T, class B = Cpu>
  requires std::same_as<B, Cpu>
Tensor<T, B> uniform(const Shape& shape, Rng& rng, double low = 0, double high = 1) {
  const double last = std::nextafter(static_cast<T>(high), static_cast<T>(low));  // rounding to T must not reach `high`
  return detail::drawn<T>(shape, rng, [=](const auto& words) {
    auto pair = Rng::unit_pair(words);
    for (double& u : pair) u = std::min(low + (high - low) * u, last);
    return pair;
  });
}

/// The same elements as another type, each converted as static_cast does.
template <Element To, Element From>
Tensor<To, Cpu> cast(const Tensor<From, Cpu>& x) {
  if constexpr (std::same_as<To, From>) {
    return x;
  } else {
    Tensor<To, Cpu> converted(x.shape());
    const auto convert = [](From value) {
      if constexpr (std::same_as<From, bfloat16> || std::same_as<To, bfloat16>) {
        return static_cast<To>(static_cast<float>(value));
      } else {
        return static_cast<To>(value);
      }
    };
    parallel_for(x.size(), 1 << 14, [&, out = converted.data(), in = x.data()](Index first, Index last) {
      std::transform(in + first, in + last, out + first, convert);
    });
    return converted;
  }
}

}  // namespace flipbook
