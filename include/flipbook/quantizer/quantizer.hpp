// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/ops/shape/join.hpp>

/// Quantizers of encoder outputs into codes, which are integers.
namespace flipbook::inline FLIPBOOK_ISA::quantizer {

/// The result of quantizing z (N, …, size).
template <Value X>
struct Quantized {
  X z;                                              ///< (N, …, size), with a straight-through gradient for z
  Tensor<std::int32_t, typename X::Backend> codes;  ///< (N, …), each of 0 … codes − 1; or (N, …, depth)
  X loss;                                           ///< the quantizer's loss of each sample: (N)
};

/// Maps z to codes, and codes back to z: an argument of a model's type, such as FiniteScalar.
///
///     static constexpr int size, codes    channels of z; number of codes
///     static constexpr int depth          optional: codes for each z, along an additional last axis
///     Instance<T, B>                      the object that owns any parameters and buffers, with these functions:
///         Quantized<X> quantize(const X& z)                             of z (N, …, size), a tensor or a variable
///         Tensor<T, B> decode(const Tensor<std::int32_t, B>& codes)     (N, …, size): the z of quantize, to the bit
template <class Q>
concept Quantizer = requires {
  { Q::size } -> std::convertible_to<int>;
  { Q::codes } -> std::convertible_to<int>;
  typename Q::template Instance<float, Cpu>;
}
&&requires(const typename Q::template Instance<float, Cpu>& instance, const Tensor<float>& z,
           const Tensor<std::int32_t>& codes) {
  { instance.quantize(z) } -> std::same_as<Quantized<Tensor<float>>>;
  { instance.decode(codes) } -> std::same_as<Tensor<float>>;
};

/// Number of codes for each z: Q::depth, or 1 without it.
template <class Q>
inline constexpr int depth_of = 1;
template <class Q>
  requires requires { Q::depth; }
inline constexpr int depth_of<Q> = Q::depth;

namespace detail {

/// A vector of these numbers, (count), created where it is used: a device that captures a step cannot read from the
/// host.
template <Real T, class B, std::size_t count>
Tensor<T, B> row(const std::array<double, count>& numbers) {
  List<Tensor<T, B>> each;
  for (const double number : numbers) each.push_back(full<T, B>({1}, static_cast<T>(number)));
  return concat(0, each);
}

inline void require_size(const char* name, const Shape& z, int size) {
  require(z.rank() > 1 && z[-1] == size, name, ": needs z (N, …, ", size, "), got ", z);
}

}  // namespace detail
}  // namespace flipbook::quantizer
