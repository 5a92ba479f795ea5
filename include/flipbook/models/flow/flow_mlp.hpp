// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <utility>

#include <flipbook/models/flow/flow.hpp>
#include <flipbook/nn/conditioning.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/residual.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// h + W₂·SiLU(W₁·(norm(h)·(1 + scale) + shift)), with scale and shift by FiLM. Parameters: modulation, mlp.0, mlp.2.
template <int Width, int Level>
struct ModulatedPerceptron {
  static constexpr int in = Width, out = Width, dimensions = nn::any;

  template <Real T, class B>
  struct Instance {
    Of<nn::LayerNorm<Width, nn::NormOptions{.affine = false}>, T, B> norm;
    Of<nn::Modulation<Level, Width>, T, B> modulation;
    Of<nn::Sequential<nn::Linear<Width, Width>, nn::SiLU, nn::Linear<Width, Width>>, T, B> mlp;

    explicit Instance(Rng& rng) : modulation(rng), mlp(rng) {}
    static void fields(auto& self, auto&& field) {
      field("modulation", self.modulation);
      field("mlp", self.mlp);
    }
    template <Value X>
    X operator()(const X& h, const X& condition) const {
      const auto film = modulation(condition);
      return h + mlp(nn::modulate(norm(h), film[0], film[1]));
    }
  };
};

}  // namespace detail

/// A residual MLP over codes, the network of a Flow: x (N, …, Dim), the noise level (N), and optionally a condition
/// (N, Condition) → (N, …, Dim). The last layer is initialised to 0. Parameters: conditioning, in, blocks, out.
/// @tparam Level  width of the embedding of the level and the condition
template <int Dim, int Width = 256, int Blocks = 3, int Condition = 0, int Level = 64>
struct FlowMlp {
  static constexpr int in = Dim, out = Dim, dimensions = nn::any, condition = Condition;

  template <Real T, class B>
  struct Instance {
    Of<nn::Conditioning<Level, Condition>, T, B> conditioning;
    Of<nn::Linear<Dim, Width>, T, B> first;
    Of<nn::Repeat<Blocks, detail::ModulatedPerceptron<Width, Level>>, T, B> blocks;
    Of<nn::Sequential<nn::LayerNorm<Width>, nn::SiLU, nn::Linear<Width, Dim>>, T, B> last;

    explicit Instance(Rng& rng) : conditioning(rng), first(rng), blocks(rng), last(rng) {
      init::zero(get<2>(last.layers));
    }
    static void fields(auto& self, auto&& field) {
      field("conditioning", self.conditioning);
      field("in", self.first);
      field("blocks", self.blocks);
      field("out", self.last);
    }
    template <Value X>
    X operator()(const X& x, const X& level, const X& condition = {}) const {
      return last(blocks(first(x), conditioning(level, condition)));
    }
  };
};

/// A flow over codes (N, Dim) of any range: a learned prior, such as of the latents of an autoencoder.
///
///     loss = … + prior.loss(stop_gradient(z));          // z (N, Dim)
///     decoder(prior.sample({n, Dim}, rng));
template <int Dim, int Width = 256, int Blocks = 3, int Condition = 0>
using CodeFlow = Flow<FlowMlp<Dim, Width, Blocks, Condition>, flow::Straight, flow::OneLevel, flow::Range::unbounded>;

}  // namespace flipbook
