// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include <flipbook/autodiff/add_onto.hpp>
#include <flipbook/autodiff/observer.hpp>
#include <flipbook/autodiff/row_products.hpp>
#include <flipbook/autodiff/variable.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A node of a recorded computation, owned by its tape.
class Node {
 public:
  virtual ~Node() = default;

  /// Propagates the accumulated gradient to the inputs that lead to a target.
  virtual void backward(bool record, bool retain_graph) = 0;
  virtual bool leads_to_target() const noexcept = 0;
  virtual bool has_gradient() const noexcept = 0;
  virtual void drop_gradient() noexcept = 0;
  /// Whether the gradients that arrive here are only read after a call of B::settle().
  virtual bool settles() const noexcept { return false; }
  /// Bytes of the accumulated gradient that is not yet propagated.
  virtual std::size_t gradient_bytes() const noexcept { return 0; }

  bool target = false;  ///< its gradient is requested
  bool active = false;  ///< on the way to a target

  static void* operator new(std::size_t bytes) { return HostPool::instance().allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept { HostPool::instance().release(block, bytes); }
};

/// How a gradient is received, for callables of a VJP that take it as an argument.
struct Arrival {
  bool later = false;  ///< it is only read after a call of B::settle()
};

/// A node whose value is a tensor of T, as a receiver of gradients.
template <Real T, class B>
class GradientSink : public Node {
 public:
  explicit GradientSink(const Shape& shape) : shape_(shape) {}
  virtual void receive(Tensor<T, B> gradient) = 0;
  virtual void receive(Variable<T, B, Order::higher> gradient) = 0;
  virtual void receive(RowProduct<T, B> gradient) { receive(gradient.multiply(gradient.a, gradient.b)); }
  /// Whether a gradient that is a product over this number of rows is better received as its factors.
  virtual bool gathers(Index) const noexcept { return false; }
  virtual Tensor<T, B> take_tensor() = 0;  ///< removes and returns the accumulated gradient
  const Shape& shape() const noexcept { return shape_; }

 private:
  Shape shape_;
};

/// A node that accumulates the gradients from all uses of its value: as tensors, or as variables if they may be
/// differentiated again.
template <Real T, class B, Order order>
class ValueNode : public GradientSink<T, B> {
 public:
  using Gradient = std::conditional_t<order == Order::first, Tensor<T, B>, Variable<T, B, Order::higher>>;

  ValueNode(Tape& tape, const Shape& shape) : GradientSink<T, B>(shape), tape_(tape) {}

  using GradientSink<T, B>::receive;
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
  std::size_t gradient_bytes() const noexcept override {
    return has_gradient() ? static_cast<std::size_t>(this->shape().size()) * sizeof(T) : 0;
  }

 protected:
  Tape& tape() const noexcept { return tape_; }

 private:
  void add(Gradient gradient) {
    require(gradient.shape() == this->shape(), "a gradient of shape ", gradient.shape(), " for a value of shape ",
            this->shape());
    if (detail::observer != nullptr) [[unlikely]]
      detail::observer->gradient(tensor_of(gradient));
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

/// The inputs and the output that an operation saved for its gradient, in the order of its arguments. Those that
/// `saves` does not name have only their shape.
template <class Output, class Input, std::size_t count>
struct Saved {
  std::array<Input, count> inputs;
  Output output;
};

/// Bits that name the inputs and outputs which an operation's gradient reads.
namespace save {
inline constexpr unsigned none = 0, output = 1U << 31, all_inputs = output - 1;
constexpr unsigned input(unsigned i) { return 1U << i; }
}  // namespace save

namespace detail {

/// A variable or parameter whose gradient can be requested. On a device it holds two separate terms of its gradient, so
/// that those of all parameters are added in one launch; pending work on them is also done together (`settles`). On the
/// CPU it collects products of few rows.
template <Real T, class B, Order order = Order::first>
class LeafNode final : public ValueNode<T, B, order> {
  using Base = ValueNode<T, B, order>;

 public:
  using Base::Base;
  using Base::receive;
  void backward(bool, bool) override {}
  bool leads_to_target() const noexcept override { return false; }
  bool settles() const noexcept override { return apart && observer == nullptr; }

  void receive(Tensor<T, B> gradient) override {
    if constexpr (apart) {
      if (Base::has_gradient() && !second_ && gradient.shape() == this->shape()) {
        if (observer != nullptr) [[unlikely]]
          observer->gradient(gradient);
        second_.emplace(std::move(gradient));
        return;
      }
      if (Base::has_gradient()) B::settle();
    }
    Base::receive(std::move(gradient));
  }
  bool gathers(Index rows) const noexcept override {
    return !apart && order == Order::first && observer == nullptr && 4 * rows <= products_.most_rows(this->shape());
  }
  void receive(RowProduct<T, B> gradient) override {
    const bool full = products_.rows() + gradient.a.extent(0) > products_.most_rows(this->shape());
    if (full) Base::receive(products_.take());
    products_.add(std::move(gradient));
  }
  bool has_gradient() const noexcept override { return Base::has_gradient() || !products_.empty(); }
  typename Base::Gradient take_gradient() {
    if (!products_.empty()) Base::receive(products_.take());
    typename Base::Gradient sum = Base::take_gradient();
    if constexpr (apart) {
      B::settle();
      if (second_) add_onto(sum, *second_);
      second_.reset();
    }
    return sum;
  }
  Tensor<T, B> take_tensor() override { return tensor_of(take_gradient()); }
  void drop_gradient() noexcept override {
    Base::drop_gradient();
    second_.reset();
    products_.clear();
  }
  std::size_t gradient_bytes() const noexcept override { return Base::gradient_bytes() * (second_ ? 2 : 1); }
  /// Removes and returns the second term, if any; take_gradient() then returns the first alone.
  std::optional<Tensor<T, B>> take_second() {
    if constexpr (apart) B::settle();
    return std::exchange(second_, std::nullopt);
  }

 private:
  static constexpr bool apart = order == Order::first && !std::same_as<B, Cpu>;
  std::optional<Tensor<T, B>> second_;
  RowProducts<T, B> products_;
};

/// A gradient that is not recorded needs only the operation's tensors; a recorded one needs the variables with their
/// nodes.
template <class V>
using Handle = std::conditional_t<V::order == Order::first, Tensor<typename V::Scalar, typename V::Backend>, V>;

template <class V>
const auto& kept(const V& x) {
  if constexpr (V::order == Order::first) return x.value();
  else return x;
}

/// The part of a recorded operation that does not depend on its type: compiled once for each number of inputs.
template <class Output, class In, std::size_t count>
class OperationNode : public ValueNode<typename Output::Scalar, typename Output::Backend, Output::order> {
  using Base = ValueNode<typename Output::Scalar, typename Output::Backend, Output::order>;
  using Value = Tensor<typename Output::Scalar, typename Output::Backend>;

 public:
  using Saved = flipbook::Saved<Handle<Output>, Handle<In>, count>;
  using typename Base::Gradient;

  bool leads_to_target() const noexcept final {
    return std::ranges::any_of(nodes_, [](const auto* node) { return node != nullptr && node->active; });
  }
  void backward(bool record, bool retain_graph) final {
    require(saved_.has_value(),
            "this part of the tape has been differentiated before and freed: ask with {.retain_graph = true}");
    const bool last = !retain_graph && !record;
    const Gradient dy = this->take_gradient();
    if constexpr (Output::order == Order::first) send(*saved_, dy, last);
    else send(record ? *saved_ : detached(*saved_), dy, last);
    if (last) saved_.reset();
  }

 protected:
  OperationNode(Tape& tape, const Value& value, const std::array<const In*, count>& inputs, unsigned saves)
      : Base(tape, value.shape()) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      nodes_ = {inputs[I]->node()...};
      const auto input = [&](const In& x, unsigned i) {
        return Handle<In>(kept(saves & save::input(i) ? x : x.without_elements()));
      };
      const Output output(tape, value, this);
      saved_.emplace(Saved{{input(*inputs[I], I)...}, kept(saves & save::output ? output : output.without_elements())});
    }
    (std::make_index_sequence<count>{});
  }
  /// Propagates the operation's gradients, given dy, to its inputs. `last`: the operation is not called again.
  virtual void send(const Saved& saved, const Gradient& dy, bool last) = 0;

  std::array<GradientSink<typename In::Scalar, typename In::Backend>*, count> nodes_;

 private:
  static Saved detached(const Saved& saved) requires(Output::order == Order::higher) {
    return {std::apply([](const auto&... x) { return std::array{x.detached()...}; }, saved.inputs),
            saved.output.detached()};
  }

  std::optional<Saved> saved_;
};

template <class Output, class Op, class In, std::size_t count>
class OpNode final : public OperationNode<Output, In, count> {
  using Base = OperationNode<Output, In, count>;

 public:
  OpNode(Op op, Tape& tape, const Tensor<typename Output::Scalar, typename Output::Backend>& value,
         const std::array<const In*, count>& inputs)
      : Base(tape, value, inputs, Op::saves), op_(std::move(op)) {}

 private:
  void send(const typename Base::Saved& saved, const typename Base::Gradient& dy, bool last) override {
    if constexpr (requires { Op::no_gradient; }) {
      fail(Op::no_gradient);
    } else {
      auto gradients = [&] {
        if constexpr (requires { requires Op::adds_onto; }) return op_->vjp(saved, dy, taken());
        else return op_->vjp(saved, dy);
      }();
      static_assert(std::tuple_size_v<decltype(gradients)> == count, "a vjp gives one gradient for each input");
      [&]<std::size_t... I>(std::index_sequence<I...>) { (hand_on(std::get<I>(gradients), this->nodes_[I]), ...); }
      (std::make_index_sequence<count>{});
    }
    if (last) op_.reset();
  }
  /// The gradient accumulated at the first input, if the operation can add its own to it (`adds_onto`); otherwise an
  /// empty tensor.
  auto taken() {
    auto* const node = this->nodes_[0];
    const bool takes = Output::order == Order::first && node != nullptr && node->active && !node->target &&
                       node->has_gradient() && observer == nullptr;
    return takes ? node->take_tensor() : Tensor<typename In::Scalar, typename In::Backend>{};
  }
  static void hand_on(auto& gradient, auto* node) {
    if (node == nullptr || !node->active) return;
    if constexpr (requires { gradient.product(); }) {
      if (gradient.rows() > 0 && node->gathers(gradient.rows())) node->receive(gradient.product());
      else node->receive(gradient());
    } else if constexpr (requires { *gradient(); }) {  // an optional: an empty one is propagated elsewhere
      if (auto made = gradient()) node->receive(*std::move(made));
    } else if constexpr (std::is_invocable_v<decltype(gradient), Arrival>) {
      constexpr bool read_here = Output::order != Order::first;  // variables are read on arrival
      node->receive(gradient(Arrival{!read_here && node->settles()}));
    } else if constexpr (std::is_invocable_v<decltype(gradient)>) {
      node->receive(gradient());
    } else {
      node->receive(std::move(gradient));
    }
  }

  std::optional<Op> op_;
};

}  // namespace detail

FLIPBOOK_TEMPLATE(class ValueNode<float, Cpu, Order::first>);
FLIPBOOK_TEMPLATE(class detail::LeafNode<float, Cpu, Order::first>);
FLIPBOOK_TEMPLATE(class detail::OperationNode<Variable<float>, Variable<float>, 1>);
FLIPBOOK_TEMPLATE(class detail::OperationNode<Variable<float>, Variable<float>, 2>);
FLIPBOOK_TEMPLATE(class detail::OperationNode<Variable<float>, Variable<float>, 3>);

}  // namespace flipbook
