// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <flipbook/data/annotated_clip.hpp>
#include <flipbook/loss/regression.hpp>
#include <flipbook/models/flow/path.hpp>
#include <flipbook/models/flow/pyramid.hpp>
#include <flipbook/models/flow/solver.hpp>
#include <flipbook/models/require_clips.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/elementwise/where.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace flow {
/// The settings of a Flow's sampling.
struct Sampling {
  Integration integration = {};  ///< Heun's method, 20 steps
  /// The weight w of v(x) + w·(v(x | condition) − v(x)): 1 samples the learned conditional distribution; larger weights
  /// make samples clearer and less diverse. Ho and Salimans, Classifier-free diffusion guidance, 2022.
  double guidance = 1;
  /// For rollouts with a level for each frame: the number of frames that the network receives at once, and the stages
  /// (flow::Pyramid) by which each new frame lags behind the previous one. The best window is the length of the
  /// training clips.
  Index window = 16, lag = 2;
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

/// Flow matching: a network learns the velocity of a flow that maps noise x₀ ~ N(0, I) to data x₁.
///
///     min E |v(x_t, t) − dx_t/dt|²,   x_t on the Path from x₀ to x₁;   sampling: dx/dt = v(x, t) from t = 0 to 1
///
/// Lipman et al., Flow matching for generative modeling, 2023; Liu et al., Flow straight and fast, 2023. The level t is
/// drawn from a logit-normal distribution, as in Esser et al., Scaling rectified flow transformers, 2024, or a uniform
/// one. With a level for each frame (LevelPerFrame) the flow continues clips to any length: diffusion forcing, Chen et
/// al., 2024. A network with a condition is trained on LabelledClip, whose label is the condition.
///
/// @tparam Network  x (N, …, C), levels (N), or (N, T) for LevelPerFrame, and optionally a condition (N, K) → v
///                  (N, …, C); such as FlowMlp. Its constant `condition` is K, or 0.
/// @tparam Values   the range of the data: flow::Range::unit_interval for clips, flow::Range::unbounded for codes
template <nn::Layer Network, flow::Path Path = flow::Straight, class Levels = flow::OneLevel,
          flow::Range Values = flow::Range::unit_interval>
struct Flow : detail::FlowBatch<(Network::condition > 0)> {
  static_assert(nn::channels_match<Network::in, Network::out>,
                "Flow: the network must give a velocity for each channel that it takes");
  static constexpr int in = Network::in;
  static constexpr bool unit_interval = Values == flow::Range::unit_interval;
  using Sampling = flow::Sampling;

  template <Real T, class B>
  struct Instance {
    Of<Network, T, B> network;
    double level_mean = 0;  ///< the mean of logit(t) in training
    /// The standard deviation of logit(t) in training; 0 draws t uniformly from [0, 1), the default of LevelPerFrame.
    double level_deviation = Levels::axes == 1 ? 1 : 0;
    double condition_dropout = 0.1;  ///< the probability that training sets a sample's condition to 0

    explicit Instance(Rng& rng) : network(rng) {}
    static void fields(auto& self, auto&& field) {
      field("network", self.network);
      field("level_mean", self.level_mean);
      field("level_deviation", self.level_deviation);
      field("condition_dropout", self.condition_dropout);
    }

    /// The training loss E |v − dx_t/dt|², averaged over all elements; noise and levels are drawn from the tape's
    /// stream.
    /// @param x  (N, …, C)    @param condition  (N, K), or (N, T, K) with a level for each frame; or none
    /// @throws Error  if there are no samples, or their channels are not the network's
    Variable<T, B> loss(const Variable<T, B>& x, const Variable<T, B>& condition = {}) const {
      Rng& rng = x.tape().rng();
      const Tensor<T, B> t = draw_levels(x.shape(), rng);
      const auto noise = x.tape().constant(normal<T, B>(x.shape(), rng));
      return matching_loss(x, noise, x.tape().constant(t),
                           condition.shape().rank() > 0 ? dropped(condition) : condition);
    }
    Variable<T, B> loss(const LabelledClip<Variable<T, B>>& x) const { return loss(x.clip, x.label); }

    /// The same for given noise (N, …, C) and levels (N, 1, …), or (N, T, 1, …) for LevelPerFrame.
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
    /// The guided velocity v(x, t) + w·(v(x, t | condition) − v(x, t)).
    template <Value X>
    X guided_velocity(const X& x, const X& t, const X& condition, double w) const {
      if (!tensor_of(condition) || w == 1) return velocity(x, t, condition);
      const X without = velocity(x, t);
      return without + (velocity(x, t, condition) - without) * w;
    }

    /// New data of a shape (N, …, C), all at the same level in each step; in [0, 1] for Range::unit_interval.
    /// @throws Error  if the shape has no samples, or its channels are not the network's
    Tensor<T, B> sample(const Shape& shape, Rng& rng, const flow::Sampling& how = {},
                        const Tensor<T, B>& condition = {}) const {
      detail::require_clips("Flow", shape, in);
      const auto v = [&](const Tensor<T, B>& x, const Tensor<T, B>& t) {
        return guided_velocity(x, t, condition, how.guidance);
      };
      return outside(flow::integrate(v, normal<T, B>(shape, rng), levels(shape, 0), levels(shape, 1), how.integration));
    }

    /// New data that equal `known` where the mask is set: there the flow follows the path from its noise to `known`. A
    /// network with one level is not trained for this, so the rest only tends to fit the given part.
    /// @param known  (N, …, C)    @param mask  broadcasts to the shape of `known`
    Tensor<T, B> inpaint(const Tensor<T, B>& known, const Tensor<T, B>& mask, Rng& rng, const flow::Sampling& how = {},
                         const Tensor<T, B>& condition = {}) const {
      detail::require_clips("Flow", known.shape(), in);
      const Tensor<T, B> noise = normal<T, B>(known.shape(), rng), target = inside(known);
      const auto v = [&](const Tensor<T, B>& x, const Tensor<T, B>& t) {
        return guided_velocity(where(mask, Path::at(noise, target, t), x), t, condition, how.guidance);
      };
      const auto x = flow::integrate(v, noise, levels(known.shape(), 0), levels(known.shape(), 1), how.integration);
      return where(mask, known, outside(x));
    }

    /// The next frames after a context (N, T, …, C): (N, frames, …, C). With one level, `inpaint` samples the whole
    /// clip; with a level for each frame, a flow::Pyramid samples any number of frames after a context at t = 1.
    /// @param condition  (N, K), or (N, T + frames, K); or none
    /// @throws Error  if the context has no time axis, no frame is requested, or the window is shorter than the frames
    ///                that are in progress at the same time
    Tensor<T, B> sample(const Tensor<T, B>& context, Index frames, Rng& rng, const flow::Sampling& how = {},
                        const Tensor<T, B>& condition = {}) const {
      require(context.rank() >= 3 && frames > 0, "sample: ", frames, " frames after a context ", context.shape(),
              "; needs (N, T, …, C), and at least one frame");
      const Index given = context.extent(1);
      if constexpr (Levels::axes == 1) {
        Shape each = Shape::filled(context.rank(), 1);
        each[1] = given;
        const auto all = inpaint(pad(context, 1, 0, frames), pad(ones<T, B>(each), 1, 0, frames), rng, how, condition);
        return slice(all, 1, given, given + frames);
      } else {
        return slice(rollout(context, frames, rng, how, condition), 1, given, given + frames);
      }
    }

   private:
    /// The shape of the levels of x: (N, 1, …) or (N, T, 1, …).
    static Shape level_shape(const Shape& x) {
      require(x.rank() > Levels::axes, "Flow: data of shape ", x, "; a level for each frame needs (N, T, …, C)");
      Shape shape = Shape::filled(x.rank(), 1);
      for (int axis = 0; axis < Levels::axes; ++axis) shape[axis] = x[axis];
      return shape;
    }
    static Tensor<T, B> levels(const Shape& x, double t) { return full<T, B>(level_shape(x), static_cast<T>(t)); }
    /// The levels of the window's frames in a stage: (1, T, 1, …).
    static Tensor<T, B> levels(const flow::Pyramid& pyramid, Index begin, Index stage, int rank) {
      std::vector<T> each;
      for (Index i = 0; i < pyramid.seen(); ++i) each.push_back(static_cast<T>(pyramid.level(begin + i, stage)));
      Shape shape = Shape::filled(rank, 1);
      shape[1] = pyramid.seen();
      return Tensor<T, B>(shape, each);
    }
    Tensor<T, B> draw_levels(const Shape& x, Rng& rng) const {
      if (level_deviation == 0) return uniform<T, B>(level_shape(x), rng);
      return sigmoid(affine(normal<T, B>(level_shape(x), rng), level_deviation, level_mean));
    }
    Tensor<T, B> rollout(const Tensor<T, B>& context, Index frames, Rng& rng, const flow::Sampling& how,
                         const Tensor<T, B>& condition) const {
      const flow::Pyramid pyramid{context.extent(1), frames, how.integration.steps, how.lag, how.window};
      pyramid.check();
      flow::Integration once = how.integration;
      once.steps = 1;
      Shape shape = context.shape(), first = Shape::filled(context.rank(), 0);
      shape[1] = frames;
      const Tensor<T, B> x = concat(1, inside(context), normal<T, B>(shape, rng));
      for (Index stage = 0; stage < pyramid.stages(); ++stage) {
        const Index begin = pyramid.begin(stage), end = begin + pyramid.seen();
        const bool by_frame = condition.rank() == 3 && condition.extent(1) == x.extent(1);
        const Tensor<T, B> told = by_frame ? slice(condition, 1, begin, end) : condition;
        const auto v = [&](const Tensor<T, B>& part, const Tensor<T, B>& t) {
          return guided_velocity(part, t, told, how.guidance);
        };
        first[1] = begin;
        const auto from = levels(pyramid, begin, stage, x.rank()), to = levels(pyramid, begin, stage + 1, x.rank());
        write_block(x, first, flow::integrate(v, slice(x, 1, begin, end), from, to, once));
      }
      return outside(x);
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
