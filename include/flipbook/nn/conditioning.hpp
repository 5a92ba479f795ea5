// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/ops/shape/reshape.hpp>

/// Conditioning of networks on a noise level, a class or actions.
namespace flipbook::inline FLIPBOOK_ISA {

namespace init {

/// Sets all parameters to 0: a residual branch that ends in such a layer adds nothing initially.
template <class M>
void zero(M& module) {
  for_each_parameter(module, []<class T, class B>(const FieldName&, Parameter<T, B>& p) { fill(p.value, T(0)); });
}

}  // namespace init

namespace nn {

/// Sines and cosines of a number in [0, 1]: (…) → (…, Width), the first half sin(ωⱼ·t), the second cos(ωⱼ·t). The
/// frequencies ωⱼ are a geometric series from π/2, which distinguishes all of [0, 1], to 500π.
template <int Width>
struct FourierFeatures {
  static_assert(Width >= 4 && Width % 2 == 0, "FourierFeatures<Width>: needs an even width of at least 4");
  static constexpr int in = any, out = Width, dimensions = any;

  template <Real T, class B>
  struct Instance {
    Tensor<T, B> frequencies = geometric();  // (Width / 2)

    template <Value X>
    X operator()(const X& t) const {
      Shape column = t.shape();
      column.push_back(1);
      const X angles = reshape(t, column) * frequencies;  // (…, Width / 2)
      return concat(-1, sin(angles), cos(angles));
    }

   private:
    static Tensor<T, B> geometric() {
      std::vector<T> each;
      constexpr int count = Width / 2;
      for (int i = 0; i < count; ++i) {
        each.push_back(static_cast<T>(std::numbers::pi / 2 * std::pow(1000.0, i / (count - 1.0))));
      }
      return Tensor<T, B>({Width / 2}, each);
    }
  };
};

/// An embedding of a noise level, one per sample or one per frame, and optionally of `Condition` numbers, such as a
/// class (one-hot) or actions:
///
///     e = W₂·SiLU(W₁·features(level)) + E·condition
///
/// Without a condition the second term is omitted, which equals a condition of zeros: dropping it in training also
/// trains the unconditional model. Parameters: level.0, level.2, condition.
template <int Width, int Condition = 0>
struct Conditioning {
  static_assert(Condition >= 0, "Conditioning<Width, Condition>: the condition cannot have fewer than no numbers");
  static constexpr int in = any, out = Width, dimensions = any, condition = Condition;

  template <Real T, class B>
  struct Instance {
    FourierFeatures<Width>::template Instance<T, B> features;
    Of<Sequential<Linear<Width, Width>, SiLU, Linear<Width, Width>>, T, B> mlp;
    std::conditional_t<(Condition > 0), Of<Linear<std::max(Condition, 1), Width, false>, T, B>, None> embedding;

    explicit Instance(Rng& rng) : mlp(rng), embedding(flipbook::detail::make_instance<decltype(embedding)>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("level", self.mlp);
      if constexpr (Condition > 0) field("condition", self.embedding);
    }

    /// @param level      (N) or (N, T), in [0, 1]; N may be 1 for a level that all samples share
    /// @param condition  (N, Condition), or (N, T, Condition) with a level for each frame; or none
    /// @return           (N, Width) or (N, T, Width)
    /// @throws Error     if the shape of the condition does not fit, or the type has no condition
    template <Value X>
    X operator()(const X& level, const X& condition = {}) const {
      const X e = mlp(features(level));
      if (!tensor_of(condition)) return e;
      if constexpr (Condition > 0) {
        const Shape& shape = condition.shape();
        require(shape.rank() >= 2 && shape[-1] == Condition && shape.rank() <= e.shape().rank(),
                "Conditioning: a condition of shape ", shape, " beside levels ", level.shape(), "; needs (N, ",
                Condition, "), or (N, T, ", Condition, ") beside levels (N, T)");
        const X said = embedding(condition);
        return e + (shape.rank() < e.shape().rank() ? reshape(said, {shape[0], 1, Width}) : said);
      } else {
        fail("Conditioning: a condition of shape ", condition.shape(), "; this network takes none");
      }
    }
  };
};

/// Vectors of samples (N, C) or frames (N, T, C) reshaped to broadcast over x: (N, 1, …, C), (N, T, 1, …, C).
/// @throws Error  if the vectors have more axes than x
template <Value X>
X broadcast_over_positions(const X& vectors, const Shape& x) {
  const Shape& from = vectors.shape();
  require(from.rank() <= x.rank(), "broadcast_over_positions: vectors ", from, " for places of ", x);
  Shape shape = from.part(0, from.rank() - 1);
  while (shape.rank() < x.rank() - 1) shape.push_back(1);
  shape.push_back(from.back());
  return reshape(vectors, shape);
}

/// x·(1 + scale) + shift, with vectors for each sample (N, C) or each frame (N, T, C) of x (N, …, C).
template <Value X>
X modulate(const X& x, const X& scale, const X& shift) {
  return x * broadcast_over_positions(scale + 1, x.shape()) + broadcast_over_positions(shift, x.shape());
}

/// `Count` vectors W·SiLU(e) + b of a condition e (N, [T,] Width), which modulate a layer of `Channels` channels.
/// Examples are the scale and shift of FiLM (Perez et al., 2018) and, with gates and all 0 initially (`Zero`), those
/// of adaLN-zero (Peebles and Xie, 2023).
template <int Width, int Channels, int Count = 2, bool Zero = false>
struct Modulation {
  static_assert(Count > 0, "Modulation<Width, Channels, Count>: needs at least one vector");
  static constexpr int in = Width, out = Count * Channels, dimensions = any;

  template <Real T, class B>
  struct Instance : Of<Linear<Width, Count * Channels>, T, B> {
    explicit Instance(Rng& rng) : Of<Linear<Width, Count * Channels>, T, B>(rng) {
      if constexpr (Zero) init::zero(*this);
    }
    /// @return  a list of `Count` vectors (N, [T,] Channels)
    template <Value X>
    auto operator()(const X& condition) const {
      return split(Of<Linear<Width, Count * Channels>, T, B>::operator()(silu(condition)), -1, Count);
    }
  };
};

}  // namespace nn
}  // namespace flipbook
