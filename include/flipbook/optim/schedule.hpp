// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <functional>
#include <numbers>

#include <flipbook/core/error.hpp>
#include <flipbook/core/scalar.hpp>

/// Learning rates as functions of the step, counted from 0. A schedule is any callable; these compose:
///
///     const auto rate = schedule::warm_up(500, schedule::cosine(3e-4, 20'000));
///     optimizer.rule.learning_rate = rate(optimizer.steps());
namespace flipbook::inline FLIPBOOK_ISA::schedule {

/// A learning rate as a function of the step, counted from 0.
template <class S>
concept Schedule = std::invocable<const S&, Index>;

/// Any schedule, type-erased.
using Any = std::function<double(Index step)>;

/// A learning rate as a function of the progress of training, from 0 to 1: the same shape for any number of steps or
/// minutes.
using OfShare = std::function<double(double share)>;

/// Rises linearly to `rate` over the first `rise` of training, stays constant, and falls linearly from 1 − `fall` on to
/// `last`. Zhai et al., Scaling vision transformers, 2022 (a cooldown after a constant rate).
inline auto trapezoid(double rate, double rise = 0.03, double fall = 0.5, double last = 0) {
  require(rise >= 0 && fall >= 0 && rise + fall <= 1, "schedule::trapezoid: a rise of ", rise, " and a fall of ", fall,
          "; needs parts of training, at most 1 together");
  return [=](double share) {
    if (share < rise) return rate * share / rise;
    return share <= 1 - fall ? rate : last + (rate - last) * std::max(0.0, 1 - share) / fall;
  };
}

namespace detail {
// From `first` at 0 to `last` at 1, along half a cosine.
inline double eased(double first, double last, double part) {
  return last + (first - last) * (1 + std::cos(std::numbers::pi * std::clamp(part, 0.0, 1.0))) / 2;
}
}  // namespace detail

/// The same rate at every step.
inline auto constant(double rate) {
  return [=](Index) { return rate; };
}

/// Falls from `rate` at step 0 to `last` at step `steps` and after, along half a cosine. Loshchilov and Hutter, 2017,
/// without restarts.
inline auto cosine(double rate, Index steps, double last = 0) {
  require(steps > 0, "schedule::cosine: needs a positive number of steps, got ", steps);
  return [=](Index step) { return detail::eased(rate, last, static_cast<double>(step) / static_cast<double>(steps)); };
}

/// Rises to `rate` and falls again within `steps` steps, along half a cosine each. `rise` is the fraction of rising
/// steps, which begin at rate / start_factor; the fall ends at that / end_factor. Smith and Topin, 2018; equals
/// PyTorch's OneCycleLR at each step.
inline auto one_cycle(double rate, Index steps, double rise = 0.3, double start_factor = 25, double end_factor = 1e4) {
  require(steps > 0 && rise > 0 && rise < 1,
          "schedule::one_cycle: needs a positive number of steps and a rise within (0, 1), got ", steps, " and ", rise);
  const double start = rate / start_factor, end = start / end_factor;
  const double last = static_cast<double>(steps) - 1, peak = rise * static_cast<double>(steps) - 1;
  return [=](Index step) {
    const auto at = static_cast<double>(step);
    return at < peak ? detail::eased(start, rate, at / peak) : detail::eased(rate, end, (at - peak) / (last - peak));
  };
}

/// The schedule multiplied by (step + 1) / steps during the first steps.
template <Schedule S>
auto warm_up(Index steps, S schedule) {
  require(steps > 0, "schedule::warm_up: needs a positive number of steps, got ", steps);
  return [steps, schedule = std::move(schedule)](Index step) {
    return schedule(step) * std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(steps));
  };
}

/// `first` for the given number of steps, then `second`, which counts its own steps from 0.
template <Schedule S, Schedule U>
auto then(Index steps, S first, U second) {
  return [steps, first = std::move(first), second = std::move(second)](Index step) {
    return step < steps ? first(step) : second(step - steps);
  };
}

}  // namespace flipbook::schedule
