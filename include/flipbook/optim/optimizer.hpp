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

/// What an Optimizer steps by, such as Sgd, RmsProp, Adam and AdamW: an aggregate of its settings, `learning_rate`
/// among them, with
///
///     std::vector<const char*> state_names() const     names of what it remembers, as PyTorch calls them
///     void update(Index step, const auto& pass) const  calls pass(f) for step 1, 2, …, where f(g, p, s…), constexpr,
///                                                      changes parameter p and memories s…, F::state_count of them,
///                                                      for gradient g: numbers or vectors of them
///
/// There are at least as many names as F::state_count. What `update` passes on is seen only where it is compiled.
template <class R>
concept Rule = std::copyable<R> && requires(R& settings, const R& rule, Index step, const detail::AnyPass& pass) {
  settings.learning_rate = 1e-3;
  { rule.state_names() } -> std::same_as<std::vector<const char*>>;
  rule.update(step, pass);
};

}  // namespace optim

/// The scale of a loss in half, so that small gradients are not lost: halved where a gradient overflows, doubled after
/// `patience` steps without. Micikevicius et al., Mixed precision training, 2018.
struct LossScale {
  static constexpr float first = 1024, most = 32768;
  static constexpr int patience = 2000;
  template <class B>
  static Tensor<float, B> begin() {
    const std::array<float, 2> start{first, 0};
    return Tensor<float, B>({2}, start);
  }
};

/// An optimiser at work on one flat tensor of parameters: a rule (optim::Sgd, RmsProp, Adam, AdamW), what the
/// rule remembers of each parameter, and the number of steps taken. A step is one pass over memory.
///
///     fb::Optimizer optimizer{fb::optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5}, generator.parameters()};
///     optimizer.step(generator.parameters(), tape.gradient(loss, generator));
///
/// Of parameters in bfloat16 or half it keeps a copy in float, the one that it changes and rounds: a step may be
/// smaller than what a short number can hold. Gradients in half are expected times `loss_scale`, which adapts to them.
template <class Rule, Real T, class B = Cpu>
class Optimizer {
  static_assert(optim::Rule<Rule>, "Optimizer: what it is to step by is not an optim::Rule");

 public:
  /// The settings, which may change between steps: `optimizer.rule.learning_rate = schedule(step)`.
  Rule rule;
  /// What the rule's learning rate is multiplied by: keeps the ratio of several optimisers that follow one schedule.
  double rate_factor = 1;

  /// Remembers nothing yet of parameters (P).
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

  /// Changes the parameters, in their memory, by one step against the gradient.
  /// @param factor  of the gradient, a number in the backend's memory; the step is left out where it is not finite.
  ///                None: 1
  /// @throws Error  if there are more or fewer of either than this optimiser was made for, or if the settings
  ///                have come to need a memory that they did not need then, or the learning rate is not finite
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
  /// The same for a gradient in parts that follow one another, as tape.gradients gives it.
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

  /// Trains those parameters of a module otherwise that are chosen, from now on: see Trainer::set_group.
  /// @param module  one that holds the parameters, or part of them, which were given last
  /// @throws Error  as there
  template <class M>
  void set_group(const M& module, const ParameterChoice& chosen, const ParameterGroup& group) {
    std::vector<std::string> names;
    if (!set_group_if_any(module, chosen, group, names)) flipbook::detail::fail_unmatched("what was chosen", names);
  }
  /// The same, but where none is chosen it returns false.
  /// @param names  the names of the parameters among which is chosen are added to it
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

  /// What a loss in half is to be multiplied by before it is differentiated, a number on the device, and how many steps
  /// it has held: (2).
  const Tensor<float, B>& loss_scale() const requires std::same_as<T, half> { return memory_.back().second; }

  Index steps() const noexcept { return steps_; }

  /// From now on remembers only this rank's share of the parameters: where n train together, each needs an n-th of the
  /// memory. A step changes that share of the parameters, and the ranks then exchange theirs. All ranks call it.
  /// Rajbhandari et al., ZeRO: memory optimizations toward training trillion parameter models, 2020, stage 1.
  void shard() {
    const distributed::Communicator& ranks = distributed::world();
    if (sharded() || ranks.size() == 1) return;
    own_ = share_of_rank(shape_.size(), ranks.rank(), ranks.size());
    for (auto& [name, tensor] : memory_) {
      if (tensor.shape() == shape_) tensor = own(tensor).clone();
    }
  }
  /// Remembers all of them again. All ranks call it.
  void unshard() {
    if (!sharded()) return;
    for (auto& [name, tensor] : memory_) tensor = whole(tensor);
    own_ = {0, shape_.size()};
  }
  bool sharded() const noexcept { return own_.last - own_.first != shape_.size(); }
  /// One of the memories for all parameters, (P), of which this rank may have a share. All ranks call it.
  template <class M>
  M whole(const M& memory) const {
    if (!sharded() || memory.size() != own_.last - own_.first) return memory;
    M all(shape_);
    const std::size_t bytes = static_cast<std::size_t>(memory.size()) * sizeof(typename M::Scalar);
    B::copy(all.data() + own_.first, memory.data(), bytes);
    gather_shares(all);
    return all;
  }

  /// Calls f(name, tensor) for each memory; writing through the tensor changes it.
  template <class F>
  void visit(const F& f) const {
    for (const auto& [name, tensor] : memory_) f(name, tensor);
  }
  /// Goes on as after so many steps, once what was remembered then has been written.
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
  /// Calls f(rule, first, last) for neighbouring parameters of one group that are not frozen, and this rank's.
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
  // This rank's share of a tensor of all parameters' numbers.
  template <class X>
  X own(const X& all) const {
    return sharded() ? all.slice(own_.first, own_.last) : all;
  }
  Tensor<Wide<T>, B> master() const {
    if constexpr (Short<T>) return memory_[remembered_].second;
    else return {};
  }

  // What the rule remembers (P), then the parameters in float and the scale of the loss where there are such.
  std::vector<std::pair<const char*, Tensor<Wide<T>, B>>> memory_;
  std::vector<flipbook::detail::GroupRange> groups_;  // none: all are trained as the rule says
  Shape shape_;
  Share own_;                      // of the parameters: those that are remembered
  const T* parameters_ = nullptr;  // where those lie that are trained; of a copy, once it has taken a step
  std::size_t remembered_ = 0;
  Index steps_ = 0;
};

}  // namespace flipbook
