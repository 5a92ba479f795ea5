#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include <flipbook/autodiff/parameter.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook {

class Tape;

/// How often what is computed from a value can be differentiated.
enum class Order : bool {
  once,  ///< gradients are tensors: all that training needs, and the least to compile
  any    ///< gradients may be recorded, and differentiated in their turn, as penalties on a slope need it
};

/// One step of a recorded computation, owned by its tape.
class Node {
 public:
  virtual ~Node() = default;

  /// Hands the gradient that has arrived here on to the inputs that lead to a target.
  virtual void backward(bool record, bool keep) = 0;
  virtual bool leads_to_target() const noexcept = 0;
  virtual bool has_gradient() const noexcept = 0;
  virtual void drop_gradient() noexcept = 0;

  bool target = false;  ///< its gradient is asked for
  bool active = false;  ///< on the way to a target

  static void* operator new(std::size_t bytes) { return HostPool::instance().allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept { HostPool::instance().release(block, bytes); }
};

template <Real T, class B, Order order>
class Variable;

/// A node whose value is a tensor of T.
template <Real T, class B>
class Receiver : public Node {
 public:
  explicit Receiver(const Shape& shape) : shape_(shape) {}
  virtual void receive(Tensor<T, B> gradient) = 0;
  virtual void receive(Variable<T, B, Order::any> gradient) = 0;
  virtual Tensor<T, B> take_tensor() = 0;  ///< what has arrived
  const Shape& shape() const noexcept { return shape_; }

 private:
  Shape shape_;
};

/// A tensor that takes part in a recorded computation. One without a node is a constant: it depends on
/// nothing whose gradient can be asked for. Variables are handles; they must not outlive their tape.
template <Real T, class B = Cpu, Order order_ = Order::once>
class Variable {
 public:
  using Scalar = T;
  using Backend = B;
  static constexpr Order order = order_;

  Variable(Tape& tape, Tensor<T, B> value, Receiver<T, B>* node = nullptr)
      : tape_(&tape), value_(std::move(value)), node_(node) {}
  /// What can be differentiated once is, beside what can be differentiated again, as good as it.
  template <Order before>
    requires(before < order_)
  Variable(const Variable<T, B, before>& x) : Variable(x.tape(), x.value(), x.node()) {}

  const Tensor<T, B>& value() const noexcept { return value_; }
  const Shape& shape() const noexcept { return value_.shape(); }
  int rank() const noexcept { return value_.rank(); }
  Index size() const noexcept { return value_.size(); }
  Index extent(int axis) const { return value_.extent(axis); }
  T item() const { return value_.item(); }

  Tape& tape() const noexcept { return *tape_; }
  Receiver<T, B>* node() const noexcept { return node_; }
  bool recorded() const noexcept { return node_ != nullptr; }

  /// The same value, with or without its past.
  Variable detached() const { return Variable(*tape_, value_); }
  Variable without_elements() const { return Variable(*tape_, value_.without_elements(), node_); }

 private:
  Tape* tape_;
  Tensor<T, B> value_;
  Receiver<T, B>* node_;
};

/// A node that gathers the gradients of everything that was computed from its value: tensors, or variables where
/// they may be differentiated in their turn.
template <Real T, class B, Order order>
class ValueNode : public Receiver<T, B> {
 public:
  using Gradient = std::conditional_t<order == Order::once, Tensor<T, B>, Variable<T, B, Order::any>>;

  ValueNode(Tape& tape, const Shape& shape) : Receiver<T, B>(shape), tape_(tape) {}

  void receive(Tensor<T, B> gradient) override {
    if constexpr (order == Order::once) add(std::move(gradient));
    else add(Gradient(tape_, std::move(gradient)));
  }
  void receive(Variable<T, B, Order::any> gradient) override {
    if constexpr (order == Order::once) add(gradient.value());
    else add(std::move(gradient));
  }
  Gradient take_gradient() {
    Gradient taken = std::move(*gradient_);
    gradient_.reset();
    return taken;
  }
  Tensor<T, B> take_tensor() override {
    if constexpr (order == Order::once) return take_gradient();
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
    if constexpr (order == Order::once) {
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

template <class X>
inline constexpr bool is_variable = false;
template <class T, class B, Order order>
inline constexpr bool is_variable<Variable<T, B, order>> = true;
template <class X>
inline constexpr bool is_variable_of_any_order = false;
template <class T, class B>
inline constexpr bool is_variable_of_any_order<Variable<T, B, Order::any>> = true;

/// What forward code is written for: plain tensors (nothing is recorded) or variables.
template <class X>
concept Value = is_tensor<X> || is_variable<X>;

/// What an operation takes: values, and the parameters and buffers of a module.
template <class X>
concept Operand = Value<X> || is_parameter<X> || is_buffer<X>;

/// Whether X's computation is part of training: batch statistics, dropout.
template <class X>
inline constexpr bool training = is_variable<X>;

/// The tensor behind any operand.
template <Operand X>
const auto& tensor_of(const X& x) noexcept {
  if constexpr (is_tensor<X>) {
    return x;
  } else if constexpr (is_variable<X>) {
    return x.value();
  } else {
    return x.value;
  }
}

}  // namespace flipbook
