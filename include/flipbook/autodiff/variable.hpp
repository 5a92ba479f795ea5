#pragma once

#include <optional>
#include <utility>

#include <flipbook/autodiff/parameter.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook {

class Tape;

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

template <Real T, class B>
class ValueNode;

/// A tensor that takes part in a recorded computation. One without a node is a constant: it depends on
/// nothing whose gradient can be asked for. Variables are handles; they must not outlive their tape.
template <Real T, class B = Cpu>
class Variable {
 public:
  using Scalar = T;
  using Backend = B;

  Variable(Tape& tape, Tensor<T, B> value, ValueNode<T, B>* node = nullptr)
      : tape_(&tape), value_(std::move(value)), node_(node) {}

  const Tensor<T, B>& value() const noexcept { return value_; }
  const Shape& shape() const noexcept { return value_.shape(); }
  int rank() const noexcept { return value_.rank(); }
  Index size() const noexcept { return value_.size(); }
  Index extent(int axis) const { return value_.extent(axis); }
  T item() const { return value_.item(); }

  Tape& tape() const noexcept { return *tape_; }
  ValueNode<T, B>* node() const noexcept { return node_; }
  bool recorded() const noexcept { return node_ != nullptr; }

  /// The same value, with or without its past.
  Variable detached() const { return Variable(*tape_, value_); }
  Variable without_elements() const { return Variable(*tape_, value_.without_elements(), node_); }

 private:
  Tape* tape_;
  Tensor<T, B> value_;
  ValueNode<T, B>* node_;
};

/// A node whose value is a tensor of T: gathers the gradients of everything that was computed from it.
template <Real T, class B>
class ValueNode : public Node {
 public:
  explicit ValueNode(const Shape& shape) : shape_(shape) {}

  void receive(Variable<T, B> gradient) {
    require(gradient.shape() == shape_, "a gradient of shape ", gradient.shape(), " for a value of shape ", shape_);
    if (!gradient_) {
      gradient_.emplace(std::move(gradient));
    } else if (gradient_->recorded() || gradient.recorded()) {
      gradient_.emplace(*gradient_ + gradient);
    } else {
      Tape& tape = gradient.tape();
      Tensor<T, B> sum = gradient_->value();
      gradient_.reset();
      add_onto(sum, gradient.value());
      gradient_.emplace(tape, std::move(sum));
    }
  }
  Variable<T, B> take_gradient() {
    Variable<T, B> taken = std::move(*gradient_);
    gradient_.reset();
    return taken;
  }
  const std::optional<Variable<T, B>>& gradient() const noexcept { return gradient_; }
  const Shape& shape() const noexcept { return shape_; }

  bool has_gradient() const noexcept override { return gradient_.has_value(); }
  void drop_gradient() noexcept override { gradient_.reset(); }

 private:
  Shape shape_;
  std::optional<Variable<T, B>> gradient_;
};

template <class X>
inline constexpr bool is_variable = false;
template <class T, class B>
inline constexpr bool is_variable<Variable<T, B>> = true;

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
