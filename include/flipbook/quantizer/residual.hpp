// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/elementwise/straight_through.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/quantizer/quantizer.hpp>

namespace flipbook::inline FLIPBOOK_ISA::quantizer {

/// Residual quantization: each of `Depth` quantizers codes the residual of z after the previous ones, and z′ is their
/// sum. So `Depth` codes of K represent one of K^Depth vectors. Parameters and buffers are named "0.…", "1.…". Lee et
/// al., Autoregressive image generation using residual quantization, 2022.
/// @tparam Q  a quantizer that approximates z, declared by `static constexpr bool nearest = true`, such as Vector
template <Quantizer Q, int Depth>
struct Residual {
  static_assert(Depth > 0, "Residual<Q, Depth>: needs at least one quantizer");
  static_assert(
      requires { requires Q::nearest; }, "Residual<Q, Depth>: Q must approximate z, as Vector does");
  static_assert(depth_of<Q> == 1, "Residual<Q, Depth>: Q must give one code for each z");
  static constexpr int size = Q::size, codes = Q::codes, depth = Depth;
  static constexpr bool nearest = true;

  template <Real T, class B>
  struct Instance {
    using Codes = Tensor<std::int32_t, B>;
    std::array<Of<Q, T, B>, std::size_t{Depth}> each;

    explicit Instance(Rng& rng) : Instance(rng, std::make_index_sequence<std::size_t{Depth}>{}) {}
    static void fields(auto& self, auto&& field) {
      for (std::size_t i = 0; i < self.each.size(); ++i) field(std::to_string(i), self.each[i]);
    }

    template <Value X>
    Quantized<X> quantize(const X& z) const {
      Quantized<X> all = each[0].quantize(z);
      Tensor<T, B> sum = tensor_of(all.z);
      List<Codes> codes{column(all.codes)};
      for (std::size_t i = 1; i < each.size(); ++i) {
        const Quantized<X> q = each[i].quantize(z - sum);
        sum = sum + tensor_of(q.z);
        all.loss = all.loss + q.loss;
        codes.push_back(column(q.codes));
      }
      return {straight_through(sum, z), concat(z.rank() - 1, codes), all.loss};
    }
    /// @param codes  (N, …, Depth)
    /// @throws Error  if there are not `Depth` codes for each z, or one is outside 0 … codes − 1
    Tensor<T, B> decode(const Codes& codes) const {
      require(codes.rank() > 1 && codes.extent(-1) == Depth, "Residual: needs codes (N, …, ", Depth, "), got ",
              codes.shape());
      const auto of = [&](std::size_t i) {
        const auto at = static_cast<Index>(i);
        return each[i].decode(
            slice(codes, codes.rank() - 1, at, at + 1).reshape(codes.shape().part(0, codes.rank() - 1)));
      };
      Tensor<T, B> sum = of(0);
      for (std::size_t i = 1; i < each.size(); ++i) sum = sum + of(i);
      return sum;
    }

   private:
    static Codes column(const Codes& codes) {
      Shape shape = codes.shape();
      shape.push_back(1);
      return codes.reshape(shape);
    }
    template <std::size_t... I>
    Instance(Rng& rng, std::index_sequence<I...>)
        : each{(static_cast<void>(I), flipbook::detail::make_instance<Of<Q, T, B>>(rng))...} {}
  };
};

}  // namespace flipbook::quantizer
