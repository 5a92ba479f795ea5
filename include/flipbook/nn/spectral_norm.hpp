// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/layer.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/shape/permute.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// A layer whose weight is divided by its largest singular value σ. The weight is treated as a matrix from all other
/// axes to output channels. The layer then stretches no input by a factor of more than about 1.
///
///     v ← Wᵀu / |Wᵀu|,   u ← W v / |W v|,   σ = uᵀ W v
///
/// One power iteration per training step refines u and v, which are constants in the gradient. Parameters, buffers and
/// semantics are those of torch.nn.utils.spectral_norm; a layer that runs several times in a step makes one iteration.
/// Miyato et al., 2018.
/// @tparam L  Linear, a convolution or a transposed one: a layer with a weight, and a function `of` for a given weight
template <class L>
struct SpectralNorm {
  static constexpr int in = L::in, out = L::out, dimensions = L::dimensions;

  template <Real T, class B>
  struct Instance {
    Of<L, T, B> layer;
    Buffer<T, B> u, v;  // (O), and all other axes (I·K…) in PyTorch's order

    explicit Instance(Rng& rng) : layer(rng) {
      u = {unit(normal<T, B>({u_shape().size()}, rng))};
      v = {unit(normal<T, B>({v_shape().size()}, rng))};
    }
    static void fields(auto& self, auto&& field) {
      field("weight_orig", self.layer.weight);
      field("bias", self.layer.bias);
      field("weight_u", self.u);
      field("weight_v", self.v);
    }
    template <Value X>
    X operator()(const X& x) const {
      Tensor<T, B> left = u.value.reshape(u_shape()), right = from_pytorch(v.value);
      if constexpr (training<X>) {
        if (x.tape().training()) {
          const Tensor<T, B>& w = layer.weight.value;
          right = unit(sum_to(w * left, v_shape()));
          left = unit(sum_to(w * right, u_shape()));
          const auto change = [left, right = to_pytorch(right), u = u.value, v = v.value]() mutable {
            B::copy(u.data(), left.data(), static_cast<std::size_t>(u.size()) * sizeof(T));
            B::copy(v.data(), right.data(), static_cast<std::size_t>(v.size()) * sizeof(T));
          };
          x.tape().defer(change, u, v);
        }
      }
      const X weight = lift_like(x, layer.weight), sigma = sum(weight * (left * right));
      return L::of(x, weight / sigma, layer.bias);
    }

   private:
    /// The axis of output channels, counted from the end.
    int output() const { return layer.weight.layout == WeightLayout::transposed_convolution ? -2 : -1; }
    int input() const { return -3 - output(); }

    // u and v broadcast over the weight (K…, I, O) or (K…, O, I), so that the products of its matrix with either are
    // element-wise products, summed over axes.
    Shape u_shape() const {
      Shape shape = Shape::filled(layer.weight.shape().rank(), 1);
      shape[output()] = layer.weight.shape()[output()];
      return shape;
    }
    Shape v_shape() const {
      Shape shape = layer.weight.shape();
      shape[output()] = 1;
      return shape;
    }
    // PyTorch orders input channels before kernel positions.
    Tensor<T, B> from_pytorch(const Tensor<T, B>& x) const {
      return transpose(x.reshape({layer.weight.shape()[input()], -1})).reshape(v_shape());
    }
    Tensor<T, B> to_pytorch(const Tensor<T, B>& x) const {
      return transpose(x.reshape({-1, layer.weight.shape()[input()]})).reshape({x.size()});
    }
    static Tensor<T, B> unit(const Tensor<T, B>& x) {
      return x / clamp(sqrt(sum(square(x))), 1e-12, std::numeric_limits<double>::infinity());
    }
  };
};

}  // namespace flipbook::nn
