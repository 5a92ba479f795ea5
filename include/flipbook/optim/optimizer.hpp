// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <functional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <flipbook/autodiff/parameter.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/distributed/collectives.hpp>
#include <flipbook/kernels/update.hpp>
#include <flipbook/optim/group.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace optim {

namespace detail {
struct AnyPass {
  template <class F>
  void operator()(const F&) const;
};
}  // namespace detail

/// The rule of an Optimizer, such as Sgd, RmsProp, Adam and AdamW: an aggregate of its settings, including
/// `learning_rate`, with
///
///     std::vector<const char*> state_names() const     PyTorch's names of the state tensors
///     void update(Index step, const auto& pass) const  calls pass(f) for step 1, 2, …, where f(g, p, s…), constexpr,
///                                                      changes parameter p and state s…, F::state_count of them,
///                                                      for gradient g: numbers or vectors of them
///
/// There are at least F::state_count names. The argument of `pass` is checked only where `update` is compiled.
template <class R>
concept Rule = std::copyable<R> && requires(R& settings, const R& rule, Index step, const detail::AnyPass& pass) {
  settings.learning_rate = 1e-3;
  { rule.state_names() } -> std::same_as<std::vector<const char*>>;
  rule.update(step, pass);
};

}  // namespace optim

/// The scale of a loss in half, which prevents small gradients from underflowing: halved when a gradient overflows,
/// doubled after `patience` steps without overflow. Micikevicius et al., Mixed precision training, 2018.
struct LossScale {
  static constexpr float first = 1024, most = 32768;
  static constexpr int patience = 2000;
  template <class B>
  static Tensor<float, B> begin() {
    const std::array<float, 2> start{first, 0};
    return Tensor<float, B>({2}, start);
  }
};

/// An optimiser of one flat tensor of parameters: a rule (optim::Sgd, RmsProp, Adam, AdamW), the rule's state for each
/// parameter, and the number of steps taken. A step is one pass over memory.
///
///     fb::Optimizer optimizer{fb::optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5}, generator.parameters()};
///     optimizer.step(generator.parameters(), tape.gradient(loss, generator));
///
/// For parameters in bfloat16 or half it keeps a copy in float, which it updates and rounds: a step may be too small
/// for the narrow type. Gradients in half must be multiplied by `loss_scale`, which adapts to them.
template <class Rule, Real T, class B = Cpu>
class Optimizer {
  static_assert(optim::Rule<Rule>, "Optimizer: what it is to step by is not an optim::Rule");

 public:
  /// The settings, which may change between steps: `optimizer.rule.learning_rate = schedule(step)`.
  Rule rule;
  /// Multiplies the rule's learning rate: keeps the ratio of several optimisers that follow one schedule.
  double rate_factor = 1;

  /// An optimiser of parameters (P) without state.
  Optimizer(Rule settings, const Tensor<T, B>& parameters)
      : rule(std::move(settings)),
        shape_(parameters.shape()),
        own_{0, parameters.size()},
        parameters_(parameters.data()) {
    for (const char* name : rule.state_names()) memory_.push_back({name, zeros<Wide<T>, B>(shape_)});
    remembered_ = memory_.size();
    if constexpr (Short<T>) memory_.push_back({"master", cast<float>(parameters)});
    if constexpr (std::same_as<T, half>) memory_.push_back({"loss_scale", LossScale::begin<B>()});
  }
  Optimizer(const Optimizer& other)
      : rule(other.rule),
        rate_factor(other.rate_factor),
        groups_(other.groups_),
        shape_(other.shape_),
        own_(other.own_),
        remembered_(other.remembered_),
        steps_(other.steps_) {
    for (const auto& [name, tensor] : other.memory_) memory_.push_back({name, tensor.clone()});
  }
  Optimizer(Optimizer&&) noexcept = default;
  Optimizer& operator=(Optimizer other) noexcept {
    rule = std::move(other.rule);
    rate_factor = other.rate_factor;
    groups_ = std::move(other.groups_);
    parameters_ = other.parameters_;
    shape_ = other.shape_;
    own_ = other.own_;
    remembered_ = other.remembered_;
    steps_ = other.steps_;
    memory_ = std::move(other.memory_);
    return *this;
  }

  /// Updates the parameters in place by one step against the gradient.
  /// @param factor  multiplies the gradient, a number in the backend's memory; the step is skipped if it is not finite.
  ///                None: 1
  /// @throws Error  if the number of parameters or gradients is not that of the constructor, if changed settings need
  ///                state that they did not need then, or the learning rate is not finite
  void step(Tensor<T, B> parameters, const Tensor<T, B>& gradient,
            const Tensor<Wide<T>, B>& factor = {}) requires(!std::same_as<B, Cpu>) {
    check(parameters, gradient.size());
    update(parameters, gradient, factor);
    if (sharded()) gather_shares(parameters);
    B::at_replay([this, parameters, gradient, factor] {
      check(parameters, gradient.size());
      update(parameters, gradient, factor);
    });
  }
  void step(const Tensor<T, B>& parameters, const Tensor<T, B>& gradient) requires std::same_as<B, Cpu> {
    step(parameters, std::span(&gradient, 1));
  }
  /// The same for a gradient in consecutive parts, as returned by tape.gradients.
  void step(const Tensor<T, B>& parameters, std::span<const Tensor<T, B>> gradient) requires std::same_as<B, Cpu> {
    Index size = 0;
    for (const auto& part : gradient) size += part.size();
    check(parameters, size);
    each_group([&](const Rule& settings, Index own_first, Index own_last) {
      settings.update(steps_ + 1, [&]<class F>(const F& f) {
        Index begin = 0;  // of the part
        for (const auto& part : gradient) {
          const Index first = std::max(begin, own_first), last = std::min(begin + part.size(), own_last);
          if (first < last) {
            const Tensor<T, B> g =
                last - first == part.size() ? part : part.reshape({-1}).slice(first - begin, last - begin);
            const auto memory = [&](const Tensor<T, B>& all) {
              return all.slice(first - own_.first, last - own_.first);
            };
            [&]<std::size_t... I>(std::index_sequence<I...>) {
              kernel::update(B{}, f, g, parameters.slice(first, last), memory(memory_[I].second)...);
            }
            (std::make_index_sequence<F::state_count>{});
          }
          begin += part.size();
        }
      });
    });
    if (sharded()) gather_shares(parameters);
    ++steps_;
  }

  /// Changes the settings of the chosen parameters of a module from now on: see Trainer::set_group.
  /// @param module  contains all or some of the parameters that were last given
  /// @throws Error  as there
  template <class M>
  void set_group(const M& module, const ParameterChoice& chosen, const ParameterGroup& group) {
    std::vector<std::string> names;
    if (!set_group_if_any(module, chosen, group, names)) flipbook::detail::fail_unmatched("what was chosen", names);
  }
  /// The same, but returns false if no parameter is chosen.
  /// @param names  receives the names of the parameters to choose from
  template <class M>
  bool set_group_if_any(const M& module, const ParameterChoice& chosen, const ParameterGroup& group,
                        std::vector<std::string>& names) {
    flipbook::detail::check_group(group);
    if constexpr (!requires { rule.weight_decay; }) {
      require(!group.weight_decay, "set_group: the optimiser's rule has no weight decay");
    }
    bool any = false;
    for_each_parameter(module, [&](const std::string& name, const Parameter<T, B>& p) {
      const std::less<> before;
      if (before(p.value.data(), parameters_) || !before(p.value.data(), parameters_ + shape_.size())) return;
      names.push_back(name);
      if (!chosen(name, p.shape())) return;
      any = true;
      if (groups_.empty()) groups_.push_back({0, shape_.size(), {}});
      const Index first = p.value.data() - parameters_;
      flipbook::detail::set_range(groups_, first, first + p.value.size(), group);
    });
    return any;
  }

  /// The factor of a loss in half before differentiation, a number on the device, and the number of steps since it
  /// changed: (2).
  const Tensor<float, B>& loss_scale() const requires std::same_as<T, half> { return memory_.back().second; }

  Index steps() const noexcept { return steps_; }

  /// Keeps the state of only this rank's share of the parameters from now on: of n ranks that train together, each
  /// needs an n-th of the memory. A step changes that share of the parameters, and the ranks then exchange their
  /// shares. All ranks call it. Rajbhandari et al., ZeRO: memory optimizations toward training trillion parameter
  /// models, 2020, stage 1.
  void shard() {
    const distributed::Communicator& ranks = distributed::world();
    if (sharded() || ranks.size() == 1) return;
    own_ = share_of_rank(shape_.size(), ranks.rank(), ranks.size());
    for (auto& [name, tensor] : memory_) {
      if (tensor.shape() == shape_) tensor = own(tensor).clone();
    }
  }
  /// Keeps the state of all parameters again. All ranks call it.
  void unshard() {
    if (!sharded()) return;
    for (auto& [name, tensor] : memory_) tensor = whole(tensor);
    own_ = {0, shape_.size()};
  }
  bool sharded() const noexcept { return own_.last - own_.first != shape_.size(); }
  /// One state tensor for all parameters, (P), of which this rank may keep a share. All ranks call it.
  template <class M>
  M whole(const M& memory) const {
    if (!sharded() || memory.size() != own_.last - own_.first) return memory;
    M all(shape_);
    const std::size_t bytes = static_cast<std::size_t>(memory.size()) * sizeof(typename M::Scalar);
    B::copy(all.data() + own_.first, memory.data(), bytes);
    gather_shares(all);
    return all;
  }

  /// Calls f(name, tensor) for each state tensor; writing through the tensor changes the state.
  template <class F>
  void visit(const F& f) const {
    for (const auto& [name, tensor] : memory_) f(name, tensor);
  }
  /// Continues after `steps` steps, once the state of that step has been written.
  void resume(Index steps) {
    require(steps >= 0, "optimizer: cannot go on after ", steps, " steps");
    steps_ = steps;
  }

 private:
  void check(const Tensor<T, B>& parameters, Index gradient) {
    require(parameters.shape() == shape_ && gradient == shape_.size(), "optimizer: made for parameters of shape ",
            shape_, ", got parameters ", parameters.shape(), " and a gradient of ", gradient);
    require(remembered_ == rule.state_names().size(),
            "optimizer: its settings have changed in what they remember; make another");
    const auto rate = scaled().learning_rate;
    require(std::isfinite(static_cast<Wide<T>>(rate)), "optimizer: a learning rate of ", rate);
    parameters_ = parameters.data();
  }
  void update(const Tensor<T, B>& parameters, const Tensor<T, B>& gradient, const Tensor<Wide<T>, B>& factor) {
    each_group([&](const Rule& settings, Index first, Index last) {
      const auto of = [&]<class W>(const Tensor<W, B>& all, Index before) {
        return last - first == all.size() || all.rank() == 0 ? all : all.slice(first - before, last - before);
      };
      settings.update(steps_ + 1, [&]<class F>(const F& f) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
          Tensor<T, B> p = of(parameters, 0);
          auto memories = std::tuple{of(memory_[I].second, own_.first)...};
          kernel::update(B{}, f, factor, of(gradient, 0), p, of(master(), own_.first), std::get<I>(memories)...);
        }
        (std::make_index_sequence<F::state_count>{});
      });
    });
    ++steps_;
  }
  /// Calls f(rule, first, last) for each range of neighbouring parameters of one group in this rank's share, except
  /// frozen ones.
  template <class F>
  void each_group(const F& f) const {
    const Rule settings = scaled();
    if (groups_.empty()) return f(settings, own_.first, own_.last);
    for (const auto& [first, last, group] : groups_) {
      if (group.rate_factor == 0.0) continue;
      Rule own = settings;
      own.learning_rate *= group.rate_factor.value_or(1);
      if constexpr (requires { own.weight_decay; }) {
        if (group.weight_decay) own.weight_decay = *group.weight_decay;
      }
      const Index from = std::max(first, own_.first), to = std::min(last, own_.last);
      if (from < to) f(own, from, to);
    }
  }
  Rule scaled() const {
    Rule settings = rule;
    settings.learning_rate *= rate_factor;
    return settings;
  }
  // This rank's share of a tensor (P).
  template <class X>
  X own(const X& all) const {
    return sharded() ? all.slice(own_.first, own_.last) : all;
  }
  Tensor<Wide<T>, B> master() const {
    if constexpr (Short<T>) return memory_[remembered_].second;
    else return {};
  }

  // The rule's state (P), then the parameters in float and the scale of the loss, if there are any.
  std::vector<std::pair<const char*, Tensor<Wide<T>, B>>> memory_;
  std::vector<flipbook::detail::GroupRange> groups_;  // empty: all parameters use the rule's settings
  Shape shape_;
  Share own_;                      // of the parameters: those whose state is kept
  const T* parameters_ = nullptr;  // memory of the trained parameters; a copy sets it in its first step
  std::size_t remembered_ = 0;
  Index steps_ = 0;
};

}  // namespace flipbook
