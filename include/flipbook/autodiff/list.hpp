// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <ranges>
#include <vector>

#include <flipbook/autodiff/apply.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Any number of values, such as the frames of a clip.
template <class X>
using List = std::vector<X, PoolAllocator<X>>;

/// The argument of `apply_list`: a vector, array or span of tensors or of variables.
template <class R>
concept Values = std::ranges::contiguous_range<R> && Value<std::ranges::range_value_t<R>>;

namespace detail {

/// Whether an operation on a list has `static constexpr unsigned saves = save::all_inputs`.
template <class Op>
inline constexpr bool saves_inputs = false;
template <class Op>
  requires(Op::saves == save::all_inputs)
inline constexpr bool saves_inputs<Op> = true;

/// An operation from a list of values to a list of values. It saves its inputs or only their shapes. Its gradient is
/// computed once, when the gradients of all outputs have arrived.
template <class V, class Op>
class ListNode final : public Node {
  using T = typename V::Scalar;
  using B = typename V::Backend;
  using Gradient = typename ValueNode<T, B, V::order>::Gradient;

 public:
  /// One of the outputs.
  class Part final : public ValueNode<T, B, V::order> {
   public:
    Part(Tape& tape, const Shape& shape, ListNode& whole, std::size_t place)
        : ValueNode<T, B, V::order>(tape, shape), whole_(whole), place_(place) {}
    void backward(bool, bool) override {
      whole_.arrived_[place_].emplace(this->take_gradient());
      whole_.any_ = true;
    }
    bool leads_to_target() const noexcept override { return whole_.active; }

   private:
    ListNode& whole_;
    std::size_t place_;
  };

  ListNode(Op op, Tape& tape, const List<V>& inputs, const List<Tensor<T, B>>& outputs)
      : op_(std::move(op)), tape_(tape), arrived_(outputs.size()) {
    for (const V& x : inputs) {
      inputs_.push_back(x.node());
      if constexpr (saves_inputs<Op>) saved_.push_back(kept(x));
      else saved_.push_back(x.shape());
    }
    for (const auto& y : outputs) output_shapes_.push_back(y.shape());
  }

  bool has_gradient() const noexcept override { return any_; }
  void drop_gradient() noexcept override {
    for (auto& dy : arrived_) dy.reset();
    any_ = false;
  }
  bool leads_to_target() const noexcept override {
    return std::ranges::any_of(inputs_, [](const auto* node) { return node != nullptr && node->active; });
  }
  void backward(bool record, bool retain_graph) override {
    require(saved_.size() == inputs_.size(),
            "this part of the tape has been differentiated before and freed: ask with {.retain_graph = true}");
    List<Gradient> dy;
    for (std::size_t i = 0; i < arrived_.size(); ++i) {  // an unused output has gradient 0
      dy.push_back(arrived_[i] ? *arrived_[i] : zero(output_shapes_[i]));
    }
    drop_gradient();
    const List<Gradient> dx = gradients_of(dy, record);
    if (saves_inputs<Op> && !record && !retain_graph) saved_ = {};
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i] != nullptr && inputs_[i]->active) inputs_[i]->receive(dx[i]);
    }
  }

 private:
  List<Gradient> gradients_of(const List<Gradient>& dy, bool record) const {
    if constexpr (saves_inputs<Op> && V::order == Order::higher) {
      if (record) return op_.vjp(saved_, dy);
      List<V> detached;
      for (const V& x : saved_) detached.push_back(x.detached());
      return op_.vjp(detached, dy);
    } else {
      return op_.vjp(saved_, dy);
    }
  }
  Gradient zero(const Shape& shape) const {
    if constexpr (V::order == Order::first) return zeros<T, B>(shape);
    else return {tape_, zeros<T, B>(shape)};
  }

  Op op_;
  Tape& tape_;
  List<GradientSink<T, B>*> inputs_;
  std::conditional_t<saves_inputs<Op>, List<Handle<V>>, List<Shape>> saved_;
  List<Shape> output_shapes_;
  List<std::optional<Gradient>> arrived_;
  bool any_ = false;
};

}  // namespace detail

template <class Op, class V>
List<V> Tape::record_list(Op op, const List<V>& inputs) {
  List<Tensor<typename V::Scalar, typename V::Backend>> tensors;
  bool recorded = false;
  for (const V& x : inputs) {
    tensors.push_back(x.value());
    recorded = recorded || (recording_ && x.recorded());
  }
  auto values = op(tensors);
  if (detail::observer != nullptr) [[unlikely]] {
    const std::vector<Shown> inputs(tensors.begin(), tensors.end());
    for (const auto& value : values) detail::observer->operation(detail::spelled<Op>(), value, inputs);
  }
  List<V> outputs;
  using Whole = detail::ListNode<V, Op>;
  Whole* const whole = recorded ? add<Whole>(std::move(op), *this, inputs, values) : nullptr;
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto* const part = recorded ? add<typename Whole::Part>(*this, values[i].shape(), *whole, i) : nullptr;
    outputs.emplace_back(*this, std::move(values[i]), part);
  }
  return outputs;
}

/// The values of an operation on a list: recorded if the inputs are variables, otherwise only computed. Such an
/// operation is a struct with
///
///     List<Tensor<T, B>> operator()(const List<Tensor<T, B>>& x) const
///     List<V> vjp(const List<Shape>& shapes of x, const List<V>& dy) const    of tensors or of variables
///
/// or, with `static constexpr unsigned saves = save::all_inputs`, vjp(const List<V>& x, const List<V>& dy).
template <class Op, Values R>
auto apply_list(Op op, const R& values) {
  using V = std::ranges::range_value_t<R>;
  if constexpr (is_tensor<V>) {
    return op(List<V>(values.begin(), values.end()));
  } else {
    Tape* tape = nullptr;
    for (const V& x : values) {
      if (tape == nullptr || x.recorded()) tape = &x.tape();
    }
    List<V> lifted;
    for (const V& x : values) lifted.push_back(tape->lift<V::order>(x));
    return tape->record_list(std::move(op), lifted);
  }
}

/// Operands as a list of one type: variables if any operand is a variable, otherwise tensors.
template <Operand X, Operand... Rest>
  requires SameScalarAndBackend<X, Rest...>
auto list_of(const X& x, const Rest&... rest) {
  using T = typename X::Scalar;
  using B = typename X::Backend;
  if constexpr (is_variable<X> || (is_variable<Rest> || ...)) {
    constexpr Order order = detail::order_of<X, Rest...>;
    Tape& tape = detail::tape_of(x, rest...);
    return List<Variable<T, B, order>>{tape.lift<order>(x), tape.lift<order>(rest)...};
  } else {
    return List<Tensor<T, B>>{tensor_of(x), tensor_of(rest)...};
  }
}

}  // namespace flipbook
