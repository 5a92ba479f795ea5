// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <flipbook/core/error.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

/// Solvers of ordinary differential equations over tensors.
namespace flipbook::inline FLIPBOOK_ISA::flow {

/// The method that integrates dx/dt = v(x, t).
enum class Solver {
  euler,          ///< order 1: one evaluation of v per step
  heun,           ///< order 2: two evaluations per step
  dormand_prince  ///< order 5: six evaluations per step, whose size adapts to the tolerance
};

/// A solver and its accuracy.
struct Integration {
  Solver solver = Solver::heun;
  Index steps = 20;         ///< of equal size; for Dormand and Prince's method the size of the first step
  double tolerance = 1e-4;  ///< of Dormand and Prince's method: a step's error relative to 1 + |x|; 0 for equal steps
};

namespace detail {

/// An explicit Runge–Kutta method: the slopes kᵢ = v(x + h Σⱼ aᵢⱼ·kⱼ, t + cᵢ·h) give x + h Σᵢ bᵢ·kᵢ, and h Σᵢ errorᵢ·kᵢ
/// is its difference from a result of lower order.
struct RungeKutta {
  static constexpr std::size_t most = 7;
  std::size_t stages;
  std::array<std::array<double, most>, most> a;
  std::array<double, most> b, c, error;
};

inline constexpr RungeKutta euler{1, {}, {1}, {}, {}};
inline constexpr RungeKutta heun{2, {{{}, {1}}}, {0.5, 0.5}, {0, 1}, {}};
/// Dormand and Prince, A family of embedded Runge–Kutta formulae, 1980. The last slope is the next step's first.
inline constexpr RungeKutta dormand_prince{
    7,
    {{{},
      {1. / 5},
      {3. / 40, 9. / 40},
      {44. / 45, -56. / 15, 32. / 9},
      {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
      {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
      {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}}},
    {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0},
    {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1},
    {71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40}};

constexpr const RungeKutta& method_of(Solver solver) {
  return solver == Solver::euler ? euler : solver == Solver::heun ? heun : dormand_prince;
}

/// The result of a step, its difference from the result of lower order, and the slopes at both ends.
template <Value X>
struct Step {
  X x, error, first, last;
};

/// Σᵢ weightᵢ·kᵢ, without terms of weight 0; the first slope times 0 if there are no others.
template <Value X>
X combined(const std::array<double, RungeKutta::most>& weights, const std::vector<X>& slopes) {
  std::optional<X> sum;
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    if (weights[i] != 0) sum = sum ? *sum + slopes[i] * weights[i] : slopes[i] * weights[i];
  }
  return sum ? *sum : slopes.front() * 0;
}

/// One step from t = from to t = to; `first` is the slope at `from`.
template <Value X, class Time, class Velocity>
Step<X> step(const RungeKutta& method, const Velocity& v, const X& x, const Time& from, const Time& to,
             const X& first) {
  const auto h = to - from;
  std::vector<X> slopes{first};
  for (std::size_t i = 1; i < method.stages; ++i) {
    slopes.push_back(v(x + h * combined(method.a[i], slopes), from + h * method.c[i]));
  }
  return {x + h * combined(method.b, slopes), h * combined(method.error, slopes), first, slopes.back()};
}

/// Integrates in steps of adaptive size: each is chosen so that its expected error is a little less than the tolerance.
template <Value X, class Time, class Velocity>
X integrate_adaptively(const Velocity& v, X x, const Time& from, const Time& to, const Integration& how) {
  const auto at = [&](double part) { return from + (to - from) * part; };
  X first = v(x, from);
  double done = 0, length = 1.0 / static_cast<double>(how.steps);
  while (done < 1) {
    const double next = done + length > 1 - 1e-9 ? 1 : done + length;
    const auto tried = step(dormand_prince, v, x, at(done), at(next), first);
    const auto tolerated = affine(abs(tried.x), how.tolerance, how.tolerance);
    const double error = std::sqrt(static_cast<double>(mean(square(tried.error / tolerated)).item()));
    require(std::isfinite(error) && next > done, "integrate: the solution is not finite, or too steep, at ", done,
            " of the way");
    if (error <= 1) done = next, x = tried.x, first = tried.last;
    length = (next - done > 0 ? next - done : length) * std::clamp(0.9 * std::pow(error, -0.2), 0.2, 5.0);
  }
  return x;
}

}  // namespace detail

/// x(to) where dx/dt = v(x, t) and x(from) = x. Times are numbers, or tensors that broadcast to x; then each element
/// has its own times, and an element with from = to keeps its value.
/// @param v  v(x, t) → dx/dt, of the shape of x
/// @throws Error  if there are no steps, the tolerance is negative, or a solution by adaptive steps is not finite or
///                too steep
template <Value X, class Time, class Velocity>
X integrate(const Velocity& v, X x, const Time& from, const Time& to, const Integration& how = {}) {
  require(how.steps > 0 && how.tolerance >= 0, "integrate: ", how.steps, " steps and a tolerance of ", how.tolerance,
          "; needs at least one step, and a tolerance that is not negative");
  if (how.solver == Solver::dormand_prince && how.tolerance > 0) {
    return detail::integrate_adaptively(v, std::move(x), from, to, how);
  }
  const auto at = [&](Index i) {
    return from + (to - from) * (static_cast<double>(i) / static_cast<double>(how.steps));
  };
  for (Index i = 0; i < how.steps; ++i) {
    x = detail::step(detail::method_of(how.solver), v, x, at(i), at(i + 1), v(x, at(i))).x;
  }
  return x;
}

}  // namespace flipbook::flow
