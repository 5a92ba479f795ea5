// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/ops/shape/join.hpp>

/// What makes codes, whole numbers, of what an encoder gives.
namespace flipbook::inline FLIPBOOK_ISA::quantizer {

/// What a quantizer makes of z (N, …, size).
template <Value X>
struct Quantized {
  X z;                                              ///< (N, …, size), whose gradient goes straight through to z
  Tensor<std::int32_t, typename X::Backend> codes;  ///< (N, …), each of 0 … codes − 1; or (N, …, depth)
  X loss;                                           ///< what the quantizer adds to the loss of each sample: (N)
};

/// How z becomes codes, and codes become z again: an argument of a model's type, such as FiniteScalar.
///
///     static constexpr int size, codes    numbers in z; how many codes there are
///     static constexpr int depth          codes for each z along a last axis of their own, where there are several
///     Instance<T, B>                      the object that answers, with parameters and buffers, if it has any:
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

/// Codes for each z: 1 unless Q says otherwise.
template <class Q>
inline constexpr int depth_of = 1;
template <class Q>
  requires requires { Q::depth; }
inline constexpr int depth_of<Q> = Q::depth;

namespace detail {

/// Numbers in a row, (count), made where they are needed: none may come from the host while a device captures a step.
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
