// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <flipbook/core/compiled.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/core/philox.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/backend/cuda/elementwise/fill.hpp>
#endif

namespace flipbook::inline FLIPBOOK_ISA {

/// Sets every element of a tensor to `value`, also through a view.
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

/// A tensor of the given shape whose elements are all 0.
template <Element T, class B = Cpu>
Tensor<T, B> zeros(const Shape& shape) {
  return full<T, B>(shape, T(0));
}

/// A tensor of the given shape whose elements are all 1.
template <Element T, class B = Cpu>
Tensor<T, B> ones(const Shape& shape) {
  return full<T, B>(shape, T(1));
}

namespace detail {

// The number of T next to `high` in the direction of `low`.
template <Real T>
double last_below(double high, double low) {
  if constexpr (Short<T>) {
    const T top(static_cast<float>(high));
    const float rounded = top;
    if (static_cast<double>(rounded) < high) return rounded;
    T last = top;  // adjacent 16-bit numbers have adjacent bit patterns
    if (rounded == 0) last.bits = low < high ? 0x8001 : 0x0001;
    else last.bits = static_cast<std::uint16_t>(last.bits + ((low < high) == (rounded > 0) ? -1 : 1));
    return static_cast<float>(last);
  } else {
    return std::nextafter(static_cast<T>(high), static_cast<T>(low));
  }
}

// Functors that convert one block of a stream to two numbers.
struct NormalPair {
  constexpr std::array<double, 2> operator()(const std::array<std::uint32_t, 4>& words) const {
    return Rng::normal_pair(words);
  }
};
struct UniformPair {
  double low, high, last;
  constexpr std::array<double, 2> operator()(const std::array<std::uint32_t, 4>& words) const {
    const auto [u, v] = Rng::unit_pair(words);
    return {std::min(low + (high - low) * u, last), std::min(low + (high - low) * v, last)};
  }
};

template <>
inline constexpr bool of_library<NormalPair> = true;
template <>
inline constexpr bool of_library<UniformPair> = true;

// Block i of the stream gives elements 2i and 2i + 1.
template <Real T, class Pair>
void draw(Tensor<T, Cpu>& x, const Rng& stream, const Pair& pair) {
  if constexpr (kernel::compiled<T, Pair>) {
    kernel::from_library<"draw">(draw<T, Pair>)(x, stream, pair);
  } else {
    const Index size = x.size();
    parallel_for((size + 1) / 2, 1024, [&, out = x.data()](Index first, Index last) {
      Index i = first;
      if constexpr (philox_in_vectors) {
        constexpr std::size_t run = 16;
        for (; i + Index{run} <= std::min(last, size / 2); i += run) {
          const auto words = philox_blocks<run>(stream, static_cast<std::uint64_t>(i));
          for (std::size_t k = 0; k < run; ++k) {
            const auto [a, b] = pair(std::array{words[0][k], words[1][k], words[2][k], words[3][k]});
            T* const to = out + 2 * (i + static_cast<Index>(k));
            to[0] = static_cast<T>(a), to[1] = static_cast<T>(b);
          }
        }
      }
      for (; i < last; ++i) {
        const auto [a, b] = pair(stream.block(static_cast<std::uint64_t>(i)));
        out[2 * i] = static_cast<T>(a);
        if (2 * i + 1 < size) out[2 * i + 1] = static_cast<T>(b);
      }
    });
  }
}
template <Real T, class B, class Pair>
Tensor<T, B> drawn(const Shape& shape, Rng& rng, const Pair& pair) {
  Tensor<T, B> x(shape);
  draw(x, rng.take(static_cast<std::uint64_t>((x.size() + 1) / 2)), pair);
  return x;
}

// Like static_cast, but through float if one of the types has 16 bits.
template <Element To>
struct Converted {
  template <Element From>
  constexpr To operator()(const From& value) const {
    if constexpr (Short<From> || Short<To>) return static_cast<To>(static_cast<float>(value));
    else return static_cast<To>(value);
  }
};
template <Element To, Element From>
void convert(Tensor<To, Cpu>& to, const Tensor<From, Cpu>& from) {
  parallel_for(from.size(), 1 << 14, [out = to.data(), in = from.data()](Index first, Index last) {
    std::transform(in + first, in + last, out + first, Converted<To>{});
  });
}

}  // namespace detail

/// Independent standard normal numbers, which depend on the stream's position, not on the number of threads.
template <Real T, class B = Cpu>
Tensor<T, B> normal(const Shape& shape, Rng& rng) {
  return detail::drawn<T, B>(shape, rng, detail::NormalPair{});
}

/// Independent numbers, uniform on [low, high).
template <Real T, class B = Cpu>
Tensor<T, B> uniform(const Shape& shape, Rng& rng, double low = 0, double high = 1) {
  // A number rounded to T must not be `high`.
  return detail::drawn<T, B>(shape, rng, detail::UniformPair{low, high, detail::last_below<T>(high, low)});
}

/// The elements converted to another type, as by static_cast.
template <Element To, Element From, class B>
Tensor<To, B> cast(const Tensor<From, B>& x) {
  if constexpr (std::same_as<To, From>) {
    return x;
  } else {
    Tensor<To, B> converted(x.shape());
    detail::convert(converted, x);
    return converted;
  }
}

}  // namespace flipbook
