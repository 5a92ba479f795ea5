// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/norm.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/reduce/over_ranks.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Mean and (biased) variance of each normalised set, in the precision of their computation.
template <class T, class B>
struct Statistics {
  Tensor<Wide<T>, B> mean, variance;

  /// Replaces them by those of the union of all ranks' sets, which have equal sizes: the variance is the mean of the
  /// ranks' variances plus the variance of their means.
  [[gnu::cold]] void take_mean_over_ranks() {
    const Tensor<Wide<T>, B> of_all = mean_over_ranks(mean);
    const Tensor<Wide<T>, B> squares = mean_over_ranks(variance + square(mean - of_all));
    B::copy(mean.data(), of_all.data(), static_cast<std::size_t>(mean.size()) * sizeof(Wide<T>));
    B::copy(variance.data(), squares.data(), static_cast<std::size_t>(mean.size()) * sizeof(Wide<T>));
  }
};

namespace detail {

template <class V>
struct NormGradients {
  V x, w, b;
};

/// The gradients of x̂·w + b, given its gradient d, if the statistics are those of all ranks' rows. The gradients of w
/// and b are this rank's.
template <class T, class B>
[[gnu::cold]] NormGradients<Tensor<T, B>> through_statistics_of_all_ranks(const Tensor<T, B>& d,
                                                                          const Tensor<T, B>& normal,
                                                                          const Tensor<T, B>& w,
                                                                          const Tensor<T, B>& variance,
                                                                          double epsilon) {
  const double rows = static_cast<double>(d.size() / w.size());
  const Tensor<T, B> dw = sum_to(d * normal, w.shape()), db = sum_to(d, w.shape());  // (C)
  const Tensor<T, B> along = normal * (mean_over_ranks(dw) / rows) + mean_over_ranks(db) / rows;
  return {(d - along) * (w / sqrt(variance + epsilon)), dw, db};
}

}  // namespace detail

/// Normalisation over sets of elements: the common part of batch, layer, group, instance and root-mean-square
/// normalisation. x is viewed as (outer, rows, groups, width). Each of the outer × groups sets is normalised to mean 0
/// and variance 1, then each channel (group, width) is scaled and shifted:
///
///     x̂ = (x − mean) / √(variance + ε),   y = after(x̂ · w + b)
///
/// where `after` is Epilogue<F> for a function F, or NoFunction. Along rows, a set has one row.
template <Along Direction, class T, class B, class After>
struct Normalize {
  static constexpr unsigned saves = save::all_inputs;
  static constexpr bool adds_onto = Direction == Along::rows && !std::is_same_v<B, Cpu>;
  kernel::NormGeometry geometry;
  double epsilon;
  bool centred;                 ///< whether the mean is subtracted; otherwise it is taken as 0
  Statistics<T, B> statistics;  ///< (outer · groups) each, written by the operation
  After after;
  bool over_ranks = false;  ///< sets span all ranks, which have the same number of rows; outer = 1

  template <class... Affine>
  Tensor<T, B> operator()(const Tensor<T, B>& x, const Affine&... affine) {
    Tensor<T, B> y(x.shape());
    const auto [w, b] = weight_and_bias(affine...);
    kernel::normalize<Direction>(B{}, geometry, epsilon, centred, x, w, b, y, statistics.mean, statistics.variance,
                                 after);
    if constexpr (Direction == Along::columns) {
      if (over_ranks) {
        statistics.take_mean_over_ranks();
        kernel::normalize_by(B{}, geometry, epsilon, x, statistics.mean, statistics.variance, w, b, y, after);
      }
    }
    return y;
  }

  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy, [[maybe_unused]] const Tensor<T, B>& onto = {}) const {
    return std::apply(
        [&](const V& x, const auto&... affine) {
          auto [dx, dw, db] = [&] {
            if constexpr (is_variable<V>) {
              if (recorded(x, dy, affine...)) return composed(dy, x, affine...);
            }
            return fused(onto, dy, x, affine...);
          }();
          if constexpr (sizeof...(affine) == 0) return gradients(dx);
          else if constexpr (sizeof...(affine) == 1) return gradients(dx, dw);
          else return gradients(dx, dw, db);
        },
        saved.inputs);
  }

 private:
  template <class V>
  using Gradients = detail::NormGradients<V>;

  Index channels() const { return geometry.groups * geometry.width; }
  // 1 and 0 if the layer has no weight or bias.
  struct Affine {
    Tensor<T, B> w, b;
  };
  Affine weight_and_bias() const { return weight_and_bias(ones<T, B>({channels()})); }
  Affine weight_and_bias(const Tensor<T, B>& w) const { return {w, zeros<T, B>({channels()})}; }
  Affine weight_and_bias(const Tensor<T, B>& w, const Tensor<T, B>& b) const { return {w, b}; }

  template <class V, class... Rest>
  Gradients<V> fused([[maybe_unused]] const Tensor<T, B>& onto, const V& dy, const V& x, const Rest&... affine) const {
    const auto [w, b] = weight_and_bias(tensor_of(affine)...);
    if constexpr (Direction == Along::columns) {
      if (over_ranks) {
        const auto [dx, dw, db] = fused_over_ranks(tensor_of(dy), tensor_of(x), w, b);
        return {lift_like(dy, dx), lift_like(dy, dw), lift_like(dy, db)};
      }
    }
    Tensor<T, B> dx(x.shape()), sums({2, channels()});
    const auto run = [&](const auto&... more) {
      kernel::normalize_gradient<Direction>(B{}, geometry, epsilon, centred, tensor_of(x), statistics.mean,
                                            statistics.variance, w, tensor_of(dy), dx, sums, after, b, more...);
    };
    if constexpr (adds_onto) run(onto);
    else run();
    return {lift_like(dy, dx), lift_like(dy, sums[0]), lift_like(dy, sums[1])};
  }

  [[gnu::cold]] Gradients<Tensor<T, B>> fused_over_ranks(const Tensor<T, B>& dy, const Tensor<T, B>& x,
                                                         const Tensor<T, B>& w, const Tensor<T, B>& b) const {
    Tensor<T, B> normal(x.shape()), d = dy;
    kernel::normalize_by(B{}, geometry, epsilon, x, statistics.mean, statistics.variance, ones<T, B>({channels()}),
                         zeros<T, B>({channels()}), normal, NoFunction{});
    if constexpr (!std::is_same_v<After, NoFunction>) d = after.unfused(dy, Tensor<T, B>(normal * w + b));
    return detail::through_statistics_of_all_ranks(d, normal, w, cast<T>(statistics.variance), epsilon);
  }
  /// The same gradients composed of operations that can be differentiated again.
  template <class V, class... Rest>
  Gradients<V> composed(const V& dy, const V& x, const Rest&... affine) const {
    const auto& g = geometry;
    const Shape view{g.outer, g.rows, g.groups, g.width};
    const V seen = reshape(x, view);
    const auto mean_of_sets = [this](const V& v) {
      const V m = mean(v, {1, 3});
      return over_ranks ? V(mean_over_ranks(m)) : m;
    };
    const V difference = centred ? seen - mean_of_sets(seen) : seen;
    const V deviation = sqrt(mean_of_sets(square(difference)) + epsilon);  // (outer, 1, groups, 1)
    const V normal = difference / deviation;
    const V d = before(reshape(dy, view), normal, affine...);
    const V weighted = [&]() -> V {
      if constexpr (sizeof...(affine) == 0) return d;
      else return d * reshape(std::get<0>(std::tie(affine...)), {g.groups, g.width});
    }();
    const V along = weighted - normal * mean_of_sets(weighted * normal);
    const V dx = (centred ? along - mean_of_sets(weighted) : along) / deviation;
    return {reshape(dx, x.shape()), reshape(sum(d * normal, {0, 1}), {channels()}),
            reshape(sum(d, {0, 1}), {channels()})};
  }
  /// The gradient of x̂·w + b.
  template <class V, class... Rest>
  V before(const V& dy, const V& normal, const Rest&... affine) const {
    if constexpr (std::is_same_v<After, NoFunction>) {
      return dy;
    } else {
      const auto by_channel = [&](const V& p) { return reshape(p, {geometry.groups, geometry.width}); };
      if constexpr (sizeof...(affine) == 0) {
        return after.unfused(dy, normal);
      } else {
        const auto& all = std::tie(affine...);
        const V scaled = normal * by_channel(std::get<0>(all));
        if constexpr (sizeof...(affine) == 1) return after.unfused(dy, scaled);
        else return after.unfused(dy, V(scaled + by_channel(std::get<1>(all))));
      }
    }
  }
};

/// Normalisation along columns by given, constant statistics: y = (x − mean) / √(variance + ε) · w + b.
template <class T, class B>
struct NormalizeBy {
  static constexpr unsigned saves = save::all_inputs;
  double epsilon;
  Statistics<T, B> statistics;  // (C) each

  Tensor<T, B> operator()(const Tensor<T, B>& x, const Tensor<T, B>& w, const Tensor<T, B>& b) const {
    return carried_out(x, w, b, NoFunction{});
  }
  /// after(y)
  template <class After>
  Tensor<T, B> carried_out(const Tensor<T, B>& x, const Tensor<T, B>& w, const Tensor<T, B>& b,
                           const After& after) const {
    Tensor<T, B> y(x.shape());
    const kernel::NormGeometry geometry{1, x.size() / x.extent(-1), x.extent(-1), 1};
    kernel::normalize_by(B{}, geometry, epsilon, x, statistics.mean, statistics.variance, w, b, y, after);
    return y;
  }

  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    const V& x = std::get<0>(saved.inputs);
    const V& w = std::get<1>(saved.inputs);
    const Shape& channels = w.shape();
    const auto normal = [=, *this] { return apply(*this, x, ones<T, B>(channels), zeros<T, B>(channels)); };
    const NormalizeBy scaling{epsilon, {zeros<Wide<T>, B>(channels), statistics.variance}};
    return gradients([=] { return V(apply(scaling, dy, w, zeros<T, B>(channels))); },
                     [=] { return sum_to(V(dy * normal()), channels); }, [=] { return sum_to(dy, channels); });
  }
};

namespace detail {

template <Along Direction, Operand X, class W, class Bias, class After>
auto normalize(const char* name, const kernel::NormGeometry& geometry, double epsilon, bool centred, const X& x,
               const W& w, const Bias& b, const Statistics<typename X::Scalar, typename X::Backend>& statistics,
               const After& after, bool over_ranks = false) {
  const Shape channels{geometry.groups * geometry.width};
  const auto check = [&](const char* what, const auto& p) {
    if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(p)>, None>) {
      require(p.shape() == channels, name, ": ", what, " of shape ", p.shape(), " for ", channels[0], " channels");
    }
  };
  check("weight", w);
  check("bias", b);
  using Op = Normalize<Direction, typename X::Scalar, typename X::Backend, After>;
  const Op op{geometry, epsilon, centred, statistics, after, over_ranks};
  if constexpr (std::is_same_v<W, None>) return apply(op, x);
  else if constexpr (std::is_same_v<Bias, None>) return apply(op, x, w);
  else return apply(op, x, w, b);
}

template <Operand X>
Statistics<typename X::Scalar, typename X::Backend> statistics_for(const X&, const kernel::NormGeometry& g) {
  using Numbers = Tensor<Wide<typename X::Scalar>, typename X::Backend>;
  return {Numbers(Shape{g.sets()}), Numbers(Shape{g.sets()})};
}

inline void require_channels(const char* name, const Shape& shape, int rank) {
  require(shape.rank() >= rank && shape[-1] > 0, name, ": needs at least ", rank,
          " axes, the last of them channels, got shape ", shape);
}

inline kernel::NormGeometry batch_geometry(const Shape& x) { return {1, x.size() / x[-1], x[-1], 1}; }

}  // namespace detail

/// The number of ranks over which batch statistics are taken.
inline Index ranks_in_batch_norm() {
  const distributed::Communicator& ranks = distributed::world();
  return ranks.synchronise_batch_norm ? ranks.size() : 1;
}

// In each, `after` may be Epilogue{f}: f is applied to the result in the same pass.

/// Batch normalisation: each channel over all other axes of x (N, …, C). w and b are (C) or None. Ioffe and Szegedy,
/// 2015. The statistics of the batch, (C) each, are written to `statistics`. If several ranks train together, they are
/// taken over all ranks' batches, unless `synchronise_batch_norm` of the communicator is false.
/// @throws Error  if there is only one element per channel, or a shape does not fit
template <Operand X, class W, class Bias, class After = NoFunction>
auto batch_norm(const X& x, const W& w, const Bias& b, double epsilon,
                const Statistics<typename X::Scalar, typename X::Backend>& statistics, const After& after = {}) {
  detail::require_channels("batch_norm", x.shape(), 2);
  const auto g = detail::batch_geometry(x.shape());
  const Index sharing = ranks_in_batch_norm();
  require(g.rows * sharing > 1, "batch_norm: needs more than one element for each channel, got shape ", x.shape());
  return detail::normalize<Along::columns>("batch_norm", g, epsilon, true, x, w, b, statistics, after, sharing > 1);
}
template <Operand X, class W, class Bias>
auto batch_norm(const X& x, const W& w, const Bias& b, double epsilon = 1e-5) {
  const Index channels = x.shape().rank() > 0 ? x.shape()[-1] : 1;
  return batch_norm(x, w, b, epsilon, detail::statistics_for(x, {1, 1, channels, 1}));
}

/// Layer normalisation: all channels of each position of x (…, C). w and b are (C) or None. Ba et al., 2016.
/// @throws Error  if a shape does not fit
template <Operand X, class W, class Bias, class After = NoFunction>
auto layer_norm(const X& x, const W& w, const Bias& b, double epsilon = 1e-5, const After& after = {}) {
  detail::require_channels("layer_norm", x.shape(), 1);
  const kernel::NormGeometry g{x.shape().size() / x.shape()[-1], 1, 1, x.shape()[-1]};
  return detail::normalize<Along::rows>("layer_norm", g, epsilon, true, x, w, b, detail::statistics_for(x, g), after);
}

/// x / √(mean(x²) + ε) · w over all channels of each position of x (…, C). Zhang and Sennrich, 2019.
/// @throws Error  if a shape does not fit
template <Operand X, class W, class After = NoFunction>
auto rms_norm(const X& x, const W& w, double epsilon = 1e-6, const After& after = {}) {
  detail::require_channels("rms_norm", x.shape(), 1);
  const kernel::NormGeometry g{x.shape().size() / x.shape()[-1], 1, 1, x.shape()[-1]};
  return detail::normalize<Along::rows>("rms_norm", g, epsilon, false, x, w, None{}, detail::statistics_for(x, g),
                                        after);
}

/// Group normalisation: groups of adjacent channels over all positions of each sample of x (N, …, C). Wu and He, 2018.
/// @throws Error  if `groups` does not divide the channels, or a shape does not fit
template <Operand X, class W, class Bias, class After = NoFunction>
auto group_norm(const X& x, Index groups, const W& w, const Bias& b, double epsilon = 1e-5, const After& after = {}) {
  const Shape& shape = x.shape();
  detail::require_channels("group_norm", shape, 2);
  require(groups > 0 && shape[-1] % groups == 0, "group_norm: ", groups, " groups do not divide the channels of ",
          shape);
  const Index rows = shape.part(1, shape.rank() - 1).size();
  const kernel::NormGeometry g{shape[0], rows, groups, shape[-1] / groups};
  const auto normalized = [&]<Along Direction>() {
    return detail::normalize<Direction>("group_norm", g, epsilon, true, x, w, b, detail::statistics_for(x, g), after);
  };
  return rows == 1 ? normalized.template operator()<Along::rows>() : normalized.template operator()<Along::columns>();
}

/// Instance normalisation: each channel over all positions of each sample of x (N, …, C). Ulyanov et al., 2016.
/// @throws Error  if there is only one position, or a shape does not fit
template <Operand X, class W, class Bias, class After = NoFunction>
auto instance_norm(const X& x, const W& w, const Bias& b, double epsilon = 1e-5, const After& after = {}) {
  const Shape& shape = x.shape();
  detail::require_channels("instance_norm", shape, 2);
  const kernel::NormGeometry g{shape[0], shape.part(1, shape.rank() - 1).size(), shape[-1], 1};
  require(g.rows > 1, "instance_norm: needs more than one place, got shape ", shape);
  return detail::normalize<Along::columns>("instance_norm", g, epsilon, true, x, w, b, detail::statistics_for(x, g),
                                           after);
}

/// Batch normalisation of x (…, C) with given, constant statistics (C), such as running statistics in inference.
/// @throws Error  if a shape does not fit
template <Operand X, class W, class Bias, class After = NoFunction>
auto normalize_by(const X& x, const Statistics<typename X::Scalar, typename X::Backend>& statistics, const W& w,
                  const Bias& b, double epsilon = 1e-5, const After& after = {}) {
  using T = typename X::Scalar;
  using B = typename X::Backend;
  detail::require_channels("batch_norm", x.shape(), 1);
  const Shape channels{x.shape()[-1]};
  const auto check = [&](const Shape& shape) {
    require(shape == channels, "batch_norm: ", channels[0], " channels for parameters of shape ", shape);
  };
  const auto or_else = [&](const auto& p, T number) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(p)>, None>) {
      return full<T, B>(channels, number);
    } else {
      check(p.shape());
      return p;
    }
  };
  check(statistics.mean.shape());
  check(statistics.variance.shape());
  const NormalizeBy<T, B> by{epsilon, statistics};
  const auto scale = or_else(w, T(1)), shift = or_else(b, T(0));
  if constexpr (!(is_variable<X> || is_variable<W> || is_variable<Bias>)) {
    return by.carried_out(tensor_of(x), tensor_of(scale), tensor_of(shift), after);
  } else if constexpr (std::is_same_v<After, NoFunction>) {
    return apply(by, x, scale, shift);
  } else {
    return after.unfused(apply(by, x, scale, shift));
  }
}

FLIPBOOK_RECORDED_3(NormalizeBy<float, Cpu>);

FLIPBOOK_RECORDED_3(Normalize<Along::rows, float, Cpu, NoFunction>);
FLIPBOOK_RECORDED_3(Normalize<Along::columns, float, Cpu, NoFunction>);
FLIPBOOK_RECORDED_3(Normalize<Along::rows, float, Cpu, Epilogue<function::Silu>>);
FLIPBOOK_RECORDED_3(Normalize<Along::columns, float, Cpu, Epilogue<function::Silu>>);
FLIPBOOK_RECORDED_3(Normalize<Along::columns, float, Cpu, Epilogue<function::Relu>>);
FLIPBOOK_RECORDED_3(Normalize<Along::columns, float, Cpu, Epilogue<function::LeakyRelu>>);

}  // namespace flipbook
