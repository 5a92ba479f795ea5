// SPDX-License-Identifier: MIT
#pragma once

#include <tuple>
#include <utility>

#include <flipbook/autodiff/apply.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

template <class Output, class Segment, class... In>
class RecomputeNode final : public ValueNode<typename Output::Scalar, typename Output::Backend, Output::order> {
  using Base = ValueNode<typename Output::Scalar, typename Output::Backend, Output::order>;

 public:
  RecomputeNode(Tape& tape, Segment segment, Rng rng, const Shape& shape, const In&... inputs)
      : Base(tape, shape), segment_(std::move(segment)), rng_(rng), mode_(tape.mode()), inputs_(inputs...) {}

  bool leads_to_target() const noexcept override {
    return (mode_ != Mode::frozen && this->tape().targets_parameters()) ||
           std::apply([](const In&... x) { return (leads(x) || ...); }, inputs_);
  }
  void backward(bool record, bool retain_graph) override {
    require(!freed_, "this part of the tape has been differentiated before and freed: ask with {.retain_graph = true}");
    const auto dy = this->take_gradient();
    const auto again = [&] { return this->tape().in_mode(mode_, [&] { return std::apply(segment_, inputs_); }); };
    this->tape().replay(again, rng_, dy, record);
    if (retain_graph || record) return;
    inputs_ = std::apply([](const In&... x) { return std::tuple<In...>(without_elements(x)...); }, inputs_);
    freed_ = true;
  }

 private:
  template <class A>
  static bool leads(const A& x) {
    if constexpr (is_variable<A>) return x.recorded() && x.node()->active;
    else return false;
  }
  template <class A>
  static A without_elements(const A& x) {
    if constexpr (is_variable<A>) return x.without_elements();
    else return x;
  }

  Segment segment_;
  Rng rng_;
  Mode mode_;
  std::tuple<In...> inputs_;
  bool freed_ = false;
};

}  // namespace detail

/// segment(x…) with activation checkpointing: only x is saved, and the backward pass runs the segment again, with the
/// same random numbers and in the same mode. This trades one more forward run for the memory of the activations. The
/// segment, a network or a function, may depend on recorded values only through its arguments and through watched
/// parameters; it must outlive the tape or be passed by value. Arguments that are not variables are passed on by value;
/// if none is a variable, this is segment(x…). Chen et al., 2016.
template <class Segment, class... X>
auto recompute(Segment segment, const X&... x) {
  if constexpr ((is_variable<X> || ...)) {
    Tape& tape = detail::tape_of(x...);
    const auto detached = []<class A>(const A& a) {
      if constexpr (is_variable<A>) return a.detached();
      else return a;
    };
    const auto recorded = []<class A>(const A& a) {
      if constexpr (is_variable<A>) return a.recorded();
      else return false;
    };
    const Rng rng = tape.rng();
    auto y = tape.unrecorded([&] { return segment(detached(x)...); });
    using Y = decltype(y);
    if (!tape.records_parameters() && !(recorded(x) || ...)) return y;
    auto* node =
        tape.template add<detail::RecomputeNode<Y, Segment, X...>>(tape, std::move(segment), rng, y.shape(), x...);
    return Y(tape, y.value(), node);
  } else {
    return segment(x...);
  }
}

}  // namespace flipbook
