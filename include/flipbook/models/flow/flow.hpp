// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/data/annotated_clip.hpp>
#include <flipbook/loss/regression.hpp>
#include <flipbook/models/flow/path.hpp>
#include <flipbook/models/flow/solver.hpp>
#include <flipbook/models/require_clips.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/elementwise/where.hpp>
#include <flipbook/ops/shape/crop.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace flow {
/// How a Flow makes new data.
struct Sampling {
  Integration integration;  ///< Heun's method, 20 steps
  /// The weight w of v(x) + w·(v(x | condition) − v(x)): 1 is the condition as it was learned, more is clearer and less
  /// various. Ho and Salimans, Classifier-free diffusion guidance, 2022.
  double guidance = 1;
};
}  // namespace flow

namespace detail {
template <bool Conditional>
struct FlowBatch {};
template <>
struct FlowBatch<true> {
  template <class V>
  using Batch = LabelledClip<V>;
};
}  // namespace detail

/// Flow matching: a network learns the velocity of a flow that carries noise x₀ ~ N(0, I) to data x₁.
///
///     min E |v(x_t, t) − dx_t/dt|²,   x_t on the Path from x₀ to x₁;   sampling: dx/dt = v(x, t) from t = 0 to 1
///
/// Lipman et al., Flow matching for generative modeling, 2023; Liu et al., Flow straight and fast, 2023. The level t is
/// drawn logit-normal, as Esser et al., Scaling rectified flow transformers, 2024, or uniform. A network that takes a
/// condition is trained on LabelledClip, whose label is that condition.
///
/// @tparam Network  x (N, …, C) and levels (N), or (N, T) for LevelPerFrame, and perhaps a condition (N, K) → v
///                  (N, …, C); such as FlowMlp. It names `condition`, which is K, or 0.
/// @tparam Values   what the data are: flow::Range::unit_interval for clips, flow::Range::unbounded for codes
template <nn::Layer Network, flow::Path Path = flow::Straight, class Levels = flow::OneLevel,
          flow::Range Values = flow::Range::unit_interval>
struct Flow : detail::FlowBatch<(Network::condition > 0)> {
  static_assert(nn::channels_match<Network::in, Network::out>,
                "Flow: the network must give a velocity for each channel that it takes");
  static constexpr int in = Network::in;
  static constexpr bool unit_interval = Values == flow::Range::unit_interval;

  template <Real T, class B>
  struct Instance {
    Of<Network, T, B> network;
    double level_mean = 0;           ///< of logit(t) in training
    double level_deviation = 1;      ///< of logit(t) in training; 0 draws t uniform on [0, 1)
    double condition_dropout = 0.1;  ///< how often training leaves a sample's condition out

    explicit Instance(Rng& rng) : network(rng) {}
    static void fields(auto& self, auto&& field) {
      field("network", self.network);
      field("level_mean", self.level_mean);
      field("level_deviation", self.level_deviation);
      field("condition_dropout", self.condition_dropout);
    }

    /// What training minimises: E |v − dx_t/dt|², averaged over all elements, with noise and levels of the tape's stream.
    /// @param x  (N, …, C)    @param condition  (N, K), or (N, T, K) beside a level for each frame; or none
    /// @throws Error  if there are no samples, or they have other channels than the network takes
    Variable<T, B> loss(const Variable<T, B>& x, const Variable<T, B>& condition = {}) const {
      Rng& rng = x.tape().rng();
      const Tensor<T, B> t = draw_levels(x.shape(), rng);
      const auto noise = x.tape().constant(normal<T, B>(x.shape(), rng));
      return matching_loss(x, noise, x.tape().constant(t),
                           condition.shape().rank() > 0 ? dropped(condition) : condition);
    }
    Variable<T, B> loss(const LabelledClip<Variable<T, B>>& x) const { return loss(x.clip, x.label); }

    /// The same for noise (N, …, C) and levels (N, 1, …), or (N, T, 1, …) for LevelPerFrame, that are given.
    template <Value X>
    X matching_loss(const X& x, const X& noise, const X& t, const X& condition = {}) const {
      detail::require_clips("Flow", x.shape(), in);
      const X x1 = inside(x);
      return flipbook::loss::mse(velocity(Path::at(noise, x1, t), t, condition), Path::velocity(noise, x1, t));
    }

    /// v(x, t | condition), in the network's range: (N, …, C).
    /// @param t  (N, 1, …), or (N, T, 1, …) for LevelPerFrame, where N may be 1
    template <Value X>
    X velocity(const X& x, const X& t, const X& condition = {}) const {
      return network(x, reshape(t, t.shape().part(0, Levels::axes)), condition);
    }
    /// With guidance: v(x, t) + w·(v(x, t | condition) − v(x, t)).
    template <Value X>
    X guided_velocity(const X& x, const X& t, const X& condition, double w) const {
      if (!tensor_of(condition) || w == 1) return velocity(x, t, condition);
      const X without = velocity(x, t);
      return without + (velocity(x, t, condition) - without) * w;
    }

    /// New data of a shape (N, …, C), all of it at one level at a time.
    Tensor<T, B> sample(const Shape& shape, Rng& rng, const flow::Sampling& how = {},
                        const Tensor<T, B>& condition = {}) const {
      detail::require_clips("Flow", shape, in);
      const auto v = [&](const Tensor<T, B>& x, const Tensor<T, B>& t) {
        return guided_velocity(x, t, condition, how.guidance);
      };
      return outside(flow::integrate(v, normal<T, B>(shape, rng), levels(shape, 0), levels(shape, 1), how.integration));
    }

   private:
    /// Where one level holds for all of `axes`: (N, 1, …) or (N, T, 1, …).
    static Shape level_shape(const Shape& x) {
      require(x.rank() > Levels::axes, "Flow: data of shape ", x, "; a level for each frame needs (N, T, …, C)");
      Shape shape = Shape::filled(x.rank(), 1);
      for (int axis = 0; axis < Levels::axes; ++axis) shape[axis] = x[axis];
      return shape;
    }
    static Tensor<T, B> levels(const Shape& x, double t) { return full<T, B>(level_shape(x), static_cast<T>(t)); }
    Tensor<T, B> draw_levels(const Shape& x, Rng& rng) const {
      if (level_deviation == 0) return uniform<T, B>(level_shape(x), rng);
      return sigmoid(affine(normal<T, B>(level_shape(x), rng), level_deviation, level_mean));
    }
    Variable<T, B> dropped(const Variable<T, B>& condition) const {
      Shape each = Shape::filled(condition.rank(), 1);
      each[0] = condition.extent(0);
      return condition * greater_equal(uniform<T, B>(each, condition.tape().rng()), condition_dropout);
    }
    template <Value X>
    static X inside(const X& x) {
      return unit_interval ? affine(x, 2, -1) : x;
    }
    static Tensor<T, B> outside(const Tensor<T, B>& x) { return unit_interval ? clamp(affine(x, 0.5, 0.5), 0, 1) : x; }
  };
};

}  // namespace flipbook
