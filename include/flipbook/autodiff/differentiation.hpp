// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <flipbook/autodiff/tape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

inline void Tape::own(std::unique_ptr<Node> node) {
  if (detail::observer != nullptr) [[unlikely]]
    detail::observer->node(*node);
  nodes_.push_back(std::move(node));
  if (detail::observer != nullptr) [[unlikely]]
    detail::observer->passed(*this, nodes_.size() - 1, false);
}

inline void Tape::mark(std::size_t first) {
  for (std::size_t i = first; i < nodes_.size(); ++i) {
    nodes_[i]->active = nodes_[i]->target || nodes_[i]->leads_to_target();
  }
}

inline void Tape::sweep(std::size_t first, std::size_t last, bool record, bool retain_graph) {
  for (std::size_t i = last; i-- > first;) {
    Node& node = *nodes_[i];
    if (node.active && node.has_gradient() && !node.target) {
      if (detail::observer != nullptr) [[unlikely]]
        detail::observer->backward(node);
      node.backward(record, retain_graph);
      if (detail::observer != nullptr) [[unlikely]]
        detail::observer->passed(*this, i, true);
    }
    if (watcher_ != nullptr) watcher_->swept(i);
  }
}

template <class T, class B, Order order>
void Tape::differentiate(const Variable<T, B, order>& y, bool record, bool retain_graph) {
  require(y.size() == 1, "gradient: only a single number can be differentiated, got shape ", y.shape());
  if (!y.recorded()) return;
  mark(0);
  if (!y.node()->active) return;  // y depends on no target
  const std::size_t last = nodes_.size();
  try {
    y.node()->receive(full<T, B>(y.shape(), T(1)));
    sweep(0, last, record, retain_graph);
  } catch (...) {  // reset the state of the differentiation
    for (const auto& node : nodes_) {
      node->target = false;
      node->drop_gradient();
    }
    throw;
  }
}

template <class T, class B, Order y_order, class U, Order x_order>
Tensor<U, B> Tape::gradient(const Variable<T, B, y_order>& y, const Variable<U, B, x_order>& x, Differentiation how) {
  require(x.recorded(), "gradient: with respect to a constant; make it with tape.variable(...)");
  x.node()->target = true;
  differentiate(y, false, how.retain_graph);
  x.node()->target = false;
  return x.node()->has_gradient() ? x.node()->take_tensor() : zeros<U, B>(x.shape());
}

template <class T, class B, class U>
Variable<U, B, Order::higher> Tape::recorded_gradient(const Variable<T, B, Order::higher>& y,
                                                      const Variable<U, B, Order::higher>& x) {
  auto* const node = dynamic_cast<ValueNode<U, B, Order::higher>*>(x.node());
  require(node != nullptr,
          "recorded_gradient: with respect to what was not made for it; "
          "make it with tape.variable<Order::higher>(...)");
  node->target = true;
  differentiate(y, true, true);
  node->target = false;
  if (!node->has_gradient()) return {*this, zeros<U, B>(x.shape())};
  return node->take_gradient();
}

template <class T, class B, Order order>
void Tape::gradients(const Variable<T, B, order>& y, Targets<T, B> targets, Differentiation how,
                     GradientTaker<T, B>& to) {
  struct Complete final : Watcher {
    Targets<T, B>& left;  // the first to be complete is at the end
    GradientTaker<T, B>& to;
    Complete(Targets<T, B>& targets, GradientTaker<T, B>& taker) : left(targets), to(taker) {}
    void swept(std::size_t node) override {
      while (!left.empty() && left.back().first_use >= node) take_last();
    }
    void take_last() {
      const Target<T, B> target = left.back();
      left.pop_back();
      target.node->target = false;
      const bool reached = target.node->has_gradient();
      Tensor<T, B> gradient = reached ? target.node->take_gradient() : zeros<T, B>(target.node->shape());
      if (detail::observer != nullptr) [[unlikely]]
        detail::observer->parameter(*target.value, gradient);
      to.take(target.number, std::move(gradient));
    }
  };
  struct Heard {
    Watcher*& at;
    ~Heard() { at = nullptr; }
  };
  std::ranges::sort(targets, [](const Target<T, B>& a, const Target<T, B>& b) {
    return a.first_use != b.first_use ? a.first_use < b.first_use : a.number > b.number;
  });
  for (const Target<T, B>& target : targets) target.node->target = true;
  Complete complete(targets, to);
  {
    watcher_ = &complete;
    const Heard heard{watcher_};
    differentiate(y, false, how.retain_graph);
  }
  while (!targets.empty()) complete.take_last();
}

template <class T, class B, Order order, class M>
  requires(HasFields<M>)
std::vector<Tensor<T, B>, PoolAllocator<Tensor<T, B>>> Tape::gradients(const Variable<T, B, order>& y, const M& module,
                                                                       Differentiation how) {
  return gradients(y, targets<T, B>(module), how);
}
template <class T, class B, Order order>
std::vector<Tensor<T, B>, PoolAllocator<Tensor<T, B>>> Tape::gradients(const Variable<T, B, order>& y,
                                                                       Targets<T, B> targets, Differentiation how) {
  struct Kept final : GradientTaker<T, B> {
    std::vector<Tensor<T, B>, PoolAllocator<Tensor<T, B>>> parts;
    void take(std::size_t number, Tensor<T, B> gradient) override {
      parts[number] = gradient.unique() ? std::move(gradient) : gradient.clone();
    }
  };
  Kept kept;
  kept.parts.resize(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i].number = i;
  gradients(y, std::move(targets), how, kept);
  return std::move(kept.parts);
}

template <class T, class B, Order order, class M>
  requires(HasFields<M>)
Tensor<T, B> Tape::gradient(const Variable<T, B, order>& y, const M& module, Differentiation how) {
  using Tensors = std::vector<Tensor<T, B>, PoolAllocator<Tensor<T, B>>>;
  const Targets<T, B> all = targets<T, B>(module);
  Tensors first, second;  // first terms of all gradients, and second terms of the targets `of_second`
  std::vector<std::size_t> of_second;
  if (detail::observer != nullptr) [[unlikely]] {  // the observer receives each when it is complete
    first = gradients(y, all, how);
  } else {
    for (const Target<T, B>& target : all) target.node->target = true;
    differentiate(y, false, how.retain_graph);
    for (const Target<T, B>& target : all) {
      target.node->target = false;
      if (auto more = target.node->take_second()) {
        second.push_back(*std::move(more));
        of_second.push_back(target.number);
      }
      const bool reached = target.node->has_gradient();
      first.push_back(reached ? target.node->take_gradient() : zeros<T, B>(target.node->shape()));
    }
  }
  Index size = 0;
  for (const auto& part : first) size += part.size();
  Tensor<T, B> flat({size});
  Tensors places;
  std::vector<CopyPiece> pieces;
  Index end = 0;
  for (const auto& part : std::as_const(first)) {
    const Index begin = std::exchange(end, end + part.size());
    places.push_back(flat.slice(begin, end).reshape(part.shape()));
    pieces.push_back({places.back().data(), part.data(), static_cast<std::size_t>(part.size()) * sizeof(T)});
  }
  B::copy(pieces);
  if constexpr (!std::same_as<B, Cpu>) {
    Tensors sums;
    for (const std::size_t number : of_second) sums.push_back(places[number]);
    if (!sums.empty()) add_each_onto(sums, second);
  }
  return flat;
}

template <class Segment, class Gradient>
void Tape::replay(const Segment& segment, Rng rng, const Gradient& dy, bool record) {
  const Rng now = std::exchange(rng_, rng);
  const bool outer = std::exchange(replaying_, true);
  const std::size_t first = nodes_.size();
  const auto y = segment();
  rng_ = now;
  replaying_ = outer;
  if (!y.recorded()) return;
  mark(first);
  const std::size_t last = nodes_.size();
  y.node()->receive(dy);
  sweep(first, last, record, false);
  if (!record) nodes_.resize(first);
}

FLIPBOOK_TEMPLATE(void Tape::differentiate(const Variable<float>&, bool, bool));
FLIPBOOK_TEMPLATE(void Tape::gradients(const Variable<float>&, Tape::Targets<float, Cpu>, Differentiation,
                                       Tape::GradientTaker<float, Cpu>&));

}  // namespace flipbook
