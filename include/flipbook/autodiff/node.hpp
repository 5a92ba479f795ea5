// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <flipbook/autodiff/variable.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// One step of a recorded computation, owned by its tape.
class Node {
 public:
  virtual ~Node() = default;

  /// Hands the gradient that has arrived here on to the inputs that lead to a target.
  virtual void backward(bool record, bool retain_graph) = 0;
  virtual bool leads_to_target() const noexcept = 0;
  virtual bool has_gradient() const noexcept = 0;
  virtual void drop_gradient() noexcept = 0;

  bool target = false;  ///< its gradient is asked for
  bool active = false;  ///< on the way to a target

  static void* operator new(std::size_t bytes) { return HostPool::instance().allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept { HostPool::instance().release(block, bytes); }
};

/// A node whose value is a tensor of T.
template <Real T, class B>
class GradientSink : public Node {
 public:
  explicit GradientSink(const Shape& shape) : shape_(shape) {}
  virtual void receive(Tensor<T, B> gradient) = 0;
  virtual void receive(Variable<T, B, Order::higher> gradient) = 0;
  virtual Tensor<T, B> take_tensor() = 0;  ///< what has arrived
  const Shape& shape() const noexcept { return shape_; }

 private:
  Shape shape_;
};

/// A node that gathers the gradients of everything that was computed from its value: tensors, or variables where
/// they may be differentiated in their turn.
template <Real T, class B, Order order>
class ValueNode : public GradientSink<T, B> {
 public:
  using Gradient = std::conditional_t<order == Order::first, Tensor<T, B>, Variable<T, B, Order::higher>>;

  ValueNode(Tape& tape, const Shape& shape) : GradientSink<T, B>(shape), tape_(tape) {}

  void receive(Tensor<T, B> gradient) override {
    if constexpr (order == Order::first) add(std::move(gradient));
    else add(Gradient(tape_, std::move(gradient)));
  }
  void receive(Variable<T, B, Order::higher> gradient) override {
    if constexpr (order == Order::first) add(gradient.value());
    else add(std::move(gradient));
  }
  Gradient take_gradient() {
    Gradient taken = std::move(*gradient_);
    gradient_.reset();
    return taken;
  }
  Tensor<T, B> take_tensor() override {
    if constexpr (order == Order::first) return take_gradient();
    else return take_gradient().value();
  }
  bool has_gradient() const noexcept override { return gradient_.has_value(); }
  void drop_gradient() noexcept override { gradient_.reset(); }

 protected:
  Tape& tape() const noexcept { return tape_; }

 private:
  void add(Gradient gradient) {
    require(gradient.shape() == this->shape(), "a gradient of shape ", gradient.shape(), " for a value of shape ",
            this->shape());
    if (!gradient_) {
      gradient_.emplace(std::move(gradient));
      return;
    }
    if constexpr (order == Order::first) {
      add_onto(*gradient_, gradient);
    } else if (gradient_->recorded() || gradient.recorded()) {
      gradient_.emplace(*gradient_ + gradient);
    } else {
      Tensor<T, B> sum = take_gradient().value();
      add_onto(sum, gradient.value());
      gradient_.emplace(tape_, std::move(sum));
    }
  }

  Tape& tape_;
  std::optional<Gradient> gradient_;
};

/// What an operation kept for its gradient: its inputs and its output, in the order of its call. Those
/// that its `saves` does not name still have their shape, but no elements.
template <class Output, class... Inputs>
struct Saved {
  std::tuple<Inputs...> inputs;
  Output output;
};

/// Bits that name what an operation's gradient reads.
namespace save {
inline constexpr unsigned none = 0, output = 1U << 31, all_inputs = output - 1;
constexpr unsigned input(unsigned i) { return 1U << i; }
}  // namespace save

namespace detail {

/// What others are differentiated with respect to.
template <Real T, class B, Order order = Order::first>
class LeafNode final : public ValueNode<T, B, order> {
 public:
  using ValueNode<T, B, order>::ValueNode;
  void backward(bool, bool) override {}
  bool leads_to_target() const noexcept override { return false; }
};

/// The operation's own tensors are enough for a gradient that is not recorded; one that is needs to know where
/// they come from.
template <class V>
using Handle = std::conditional_t<V::order == Order::first, Tensor<typename V::Scalar, typename V::Backend>, V>;

template <class V>
const auto& kept(const V& x) {
  if constexpr (V::order == Order::first) return x.value();
  else return x;
}

template <class Output, class Op, class... In>
class OpNode final : public ValueNode<typename Output::Scalar, typename Output::Backend, Output::order> {
  using Base = ValueNode<typename Output::Scalar, typename Output::Backend, Output::order>;
  using Saved = flipbook::Saved<Handle<Output>, Handle<In>...>;

 public:
  OpNode(Op op, Tape& tape, const Tensor<typename Output::Scalar, typename Output::Backend>& value, const In&... inputs)
      : Base(tape, value.shape()),
        nodes_(inputs.node()...),
        kept_(Kept{std::move(op), keep(std::index_sequence_for<In...>{}, Output(tape, value, this), inputs...)}) {}

  bool leads_to_target() const noexcept override {
    return std::apply([](auto*... node) { return ((node != nullptr && node->active) || ...); }, nodes_);
  }

  void backward(bool record, bool retain_graph) override {
    require(kept_.has_value(),
            "this part of the tape has been differentiated before and freed: ask with {.retain_graph = true}");
    const auto dy = this->take_gradient();
    if constexpr (requires { Op::no_gradient; }) {
      fail(Op::no_gradient);
    } else {
      const auto& [op, saved] = *kept_;
      if constexpr (Output::order == Order::first) {
        send(op.vjp(saved, dy), std::index_sequence_for<In...>{});
      } else {
        send(op.vjp(record ? saved : detached(saved), dy), std::index_sequence_for<In...>{});
      }
    }
    if (!retain_graph && !record) kept_.reset();
  }

 private:
  template <std::size_t... I>
  static Saved keep(std::index_sequence<I...>, const Output& output, const In&... inputs) {
    return {{kept(Op::saves & save::input(I) ? inputs : inputs.without_elements())...},
            kept(Op::saves & save::output ? output : output.without_elements())};
  }
  static Saved detached(const Saved& saved) {
    return {std::apply([](const In&... inputs) { return std::tuple<In...>(inputs.detached()...); }, saved.inputs),
            saved.output.detached()};
  }
  template <class Gradients, std::size_t... I>
  void send(Gradients gradients, std::index_sequence<I...>) {
    static_assert(std::tuple_size_v<Gradients> == sizeof...(In), "a vjp gives one gradient for each input");
    const auto one = [](auto& gradient, auto* node) {
      if (node == nullptr || !node->active) return;
      if constexpr (std::is_invocable_v<decltype(gradient)>) node->receive(gradient());
      else node->receive(std::move(gradient));
    };
    (one(std::get<I>(gradients), std::get<I>(nodes_)), ...);
  }

  struct Kept {
    Op op;
    Saved saved;
  };

  std::tuple<GradientSink<typename In::Scalar, typename In::Backend>*...> nodes_;
  std::optional<Kept> kept_;
};

}  // namespace detail

}  // namespace flipbook
