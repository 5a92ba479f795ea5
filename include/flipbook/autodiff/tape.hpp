#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <flipbook/autodiff/variable.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/core/random.hpp>

namespace flipbook {

/// What an operation kept for its gradient: its inputs and its output, in the order of its call. Those
/// that its `keeps` does not name still have their shape, but no elements.
template <class Output, class... Inputs>
struct Saved {
  std::tuple<Inputs...> inputs;
  Output output;
};

/// Bits that name what an operation's gradient reads.
namespace keep {
inline constexpr unsigned none = 0, output = 1U << 31, all_inputs = output - 1;
constexpr unsigned input(unsigned i) { return 1U << i; }
}  // namespace keep

/// How to differentiate.
struct Differentiation {
  bool record = false;  ///< the gradient is itself recorded, so that it can be differentiated
  bool keep = false;    ///< the tape can be differentiated again; otherwise what it kept is freed on the way
};

/// Reverse-mode differentiation over operations. Forward code that is given variables of a tape is
/// recorded; what leads to nothing that is wanted is not.
///
///     fb::Tape tape{rng};
///     tape.want(generator);
///     auto loss = mean(softplus(-discriminator(generator(tape.constant(z)))));
///     auto gradient = tape.gradient(loss, generator);
///
/// Recorded computation is training: dropout draws from the tape's stream, batch normalisation uses the
/// batch, also where nothing is wanted. A tape is used by one thread at a time.
class Tape {
  template <Real T, class B>
  class LeafNode final : public ValueNode<T, B> {
   public:
    using ValueNode<T, B>::ValueNode;
    void backward(bool, bool) override {}
    bool leads_to_target() const noexcept override { return false; }
  };

 public:
  explicit Tape(Rng rng = Rng{}) : rng_(rng) {}
  template <class M>
    requires HasFields<M>
  explicit Tape(const M& module, Rng rng = Rng{}) : rng_(rng) {
    want(module);
  }
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// The parameters of this module may be asked for; those of others are constants.
  template <class M>
  void want(const M& module) {
    for_each_parameter(module, [&]<class T, class B>(const std::string&, const Parameter<T, B>& p) {
      const auto [entry, added] = wanted_.try_emplace(p.value.data(), nullptr);
      if (added) entry->second = add<LeafNode<T, B>>(p.shape());
    });
  }

  template <class T, class B>
  Variable<T, B> constant(Tensor<T, B> value) {
    return {*this, std::move(value)};
  }
  /// A value whose gradient may be asked for.
  template <class T, class B>
  Variable<T, B> variable(Tensor<T, B> value);

  /// Any operand as a variable of this tape. A wanted parameter is the same variable at every use, so its
  /// gradient gathers over all of them.
  template <class T, class B>
  Variable<T, B> lift(const Tensor<T, B>& x) {
    return constant(x);
  }
  template <class T, class B>
  Variable<T, B> lift(const Buffer<T, B>& x) {
    return constant(x.value);
  }
  template <class T, class B>
  Variable<T, B> lift(const Parameter<T, B>& p);
  template <class T, class B>
  Variable<T, B> lift(const Variable<T, B>& x) {
    require(&x.tape() == this || !x.recorded(), "a value recorded on one tape met a value of another: use stop(value)");
    return x;
  }

  /// The value of `op` at the inputs, and, where an input is recorded, a node for its gradient.
  template <class Op, class... V>
  auto record(Op op, const V&... inputs);
  /// The same for an operation over a list of values (autodiff/list.hpp).
  template <class Op, class T, class B>
  std::vector<Variable<T, B>, PoolAllocator<Variable<T, B>>> record_list(
      Op op, const std::vector<Variable<T, B>, PoolAllocator<Variable<T, B>>>& inputs);

  /// dy/dx of a single number y.
  /// @throws Error  if y has more than one element, or what was kept for it has been freed
  template <class T, class B, class U>
  Variable<U, B> gradient(const Variable<T, B>& y, const Variable<U, B>& x, Differentiation how = {});

  /// dy/dp for all parameters of a module that this tape wants, in one tensor (P) in the order of
  /// `module.parameters()`; zero where y does not depend on one.
  template <class T, class B, class M>
    requires HasFields<M>
  Tensor<T, B> gradient(const Variable<T, B>& y, const M& module, Differentiation how = {});

  /// The stream that dropout and sampling inside a recorded computation draw from.
  Rng& rng() noexcept { return rng_; }

  /// Remembers a change to a buffer, such as running statistics, until `commit`.
  void note(std::function<void()> change) {
    if (!replaying_) notes_.push_back(std::move(change));
  }
  /// Carries out the noted changes, in order.
  void commit() {
    for (const auto& change : notes_) change();
    notes_.clear();
  }

  std::size_t nodes() const noexcept { return nodes_.size(); }

  /// What the extensions of the tape (`recompute`) are made of.
  /// A node of any kind, owned by the tape.
  template <class N, class... Args>
  N* add(Args&&... args) {
    auto node = std::make_unique<N>(std::forward<Args>(args)...);
    N* const raw = node.get();
    nodes_.push_back(std::move(node));
    return raw;
  }
  /// Runs `segment` as training, but records nothing.
  template <class Segment>
  auto unrecorded(const Segment& segment) {
    const bool before = std::exchange(recording_, false);
    auto y = segment();
    recording_ = before;
    return y;
  }
  /// Runs `segment` again in the middle of a differentiation, with the random numbers of the first run, and
  /// hands `dy` back through it.
  template <class T, class B, class Segment>
  void replay(const Segment& segment, Rng rng, const Variable<T, B>& dy, bool record);
  /// Whether anything is wanted, and whether any of it is asked for in this differentiation.
  bool wants_parameters() const noexcept { return !wanted_.empty(); }
  bool targets_parameters() const noexcept {
    for (const auto& [data, node] : wanted_) {
      if (node->target) return true;
    }
    return false;
  }

 private:
  template <class T, class B>
  void differentiate(const Variable<T, B>& y, Differentiation how);
  void mark(std::size_t first);
  void sweep(std::size_t first, std::size_t last, bool record, bool keep);

  Rng rng_;
  std::vector<std::unique_ptr<Node>, PoolAllocator<std::unique_ptr<Node>>> nodes_;
  std::unordered_map<const void*, Node*, std::hash<const void*>, std::equal_to<>,
                     PoolAllocator<std::pair<const void* const, Node*>>>
      wanted_;
  std::vector<std::function<void()>> notes_;
  bool recording_ = true, replaying_ = false;
};

namespace detail {

template <class Output, class Op, class... In>
class OpNode final : public ValueNode<typename Output::Scalar, typename Output::Backend> {
  using Base = ValueNode<typename Output::Scalar, typename Output::Backend>;

 public:
  OpNode(Op op, Tape& tape, const Tensor<typename Output::Scalar, typename Output::Backend>& value, const In&... inputs)
      : Base(value.shape()),
        op_(std::move(op)),
        saved_{keep_inputs(std::index_sequence_for<In...>{}, inputs...),
               Output(tape, Op::keeps & keep::output ? value : value.without_elements(), this)} {}

  bool leads_to_target() const noexcept override {
    return std::apply([](const In&... inputs) { return ((inputs.recorded() && inputs.node()->active) || ...); },
                      saved_.inputs);
  }

  void backward(bool record, bool keep) override {
    require(!freed_, "this part of the tape has been differentiated before and freed: ask with {.keep = true}");
    const Output dy = this->take_gradient();
    const auto wants = std::apply(
        [](const In&... inputs) {
          return std::array<bool, sizeof...(In)>{(inputs.recorded() && inputs.node()->active)...};
        },
        saved_.inputs);
    const auto nodes = std::apply([](const In&... inputs) { return std::make_tuple(inputs.node()...); }, saved_.inputs);
    freed_ = !(keep || record);
    [[maybe_unused]] const auto saved = record ? saved_ : freed_ ? detached(std::move(saved_)) : detached(saved_);
    if constexpr (requires { Op::no_gradient; }) {
      fail(Op::no_gradient);
    } else {
      auto gradients = op_->vjp(saved, dy);
      send(gradients, wants, nodes, std::index_sequence_for<In...>{});
    }
    if (freed_) op_.reset();
  }

 private:
  template <std::size_t... I>
  static std::tuple<In...> keep_inputs(std::index_sequence<I...>, const In&... inputs) {
    return {(Op::keeps & keep::input(I) ? inputs : inputs.without_elements())...};
  }
  static Saved<Output, In...> detached(const Saved<Output, In...>& saved) {
    return {std::apply([](const In&... inputs) { return std::tuple<In...>(inputs.detached()...); }, saved.inputs),
            saved.output.detached()};
  }
  static Saved<Output, In...> detached(Saved<Output, In...>&& saved) {
    Saved<Output, In...> result = detached(std::as_const(saved));
    saved.output = saved.output.without_elements();
    std::apply([](In&... inputs) { ((inputs = inputs.without_elements()), ...); }, saved.inputs);
    return result;
  }
  template <class Gradients, class Nodes, std::size_t... I>
  void send(Gradients& gradients, const std::array<bool, sizeof...(In)>& wants, const Nodes& nodes,
            std::index_sequence<I...>) {
    static_assert(std::tuple_size_v<Gradients> == sizeof...(In), "a vjp gives one gradient for each input");
    const auto one = [&](auto& gradient, auto* node, bool wanted) {
      if (!wanted) return;
      if constexpr (std::is_invocable_v<decltype(gradient)>) {
        node->receive(gradient());
      } else {
        node->receive(std::move(gradient));
      }
    };
    (one(std::get<I>(gradients), std::get<I>(nodes), wants[I]), ...);
  }

  std::optional<Op> op_;
  Saved<Output, In...> saved_;
  bool freed_ = false;
};

}  // namespace detail

template <class T, class B>
Variable<T, B> Tape::variable(Tensor<T, B> value) {
  auto* node = add<LeafNode<T, B>>(value.shape());
  return {*this, std::move(value), node};
}

template <class T, class B>
Variable<T, B> Tape::lift(const Parameter<T, B>& p) {
  const auto entry = wanted_.find(p.value.data());
  if (entry == wanted_.end()) return constant(p.value);
  return {*this, p.value, static_cast<LeafNode<T, B>*>(entry->second)};
}

template <class Op, class... V>
auto Tape::record(Op op, const V&... inputs) {
  auto value = op(inputs.value()...);
  using Value = decltype(value);
  using Output = Variable<typename Value::Scalar, typename Value::Backend>;
  if (!recording_ || !(inputs.recorded() || ...)) return Output(*this, std::move(value));
  auto* node = add<detail::OpNode<Output, Op, V...>>(std::move(op), *this, value, inputs...);
  return Output(*this, std::move(value), node);
}

inline void Tape::mark(std::size_t first) {
  for (std::size_t i = first; i < nodes_.size(); ++i) {
    nodes_[i]->active = nodes_[i]->target || nodes_[i]->leads_to_target();
  }
}

inline void Tape::sweep(std::size_t first, std::size_t last, bool record, bool keep) {
  for (std::size_t i = last; i-- > first;) {
    Node& node = *nodes_[i];
    if (node.active && node.has_gradient() && !node.target) node.backward(record, keep);
  }
}

template <class T, class B>
void Tape::differentiate(const Variable<T, B>& y, Differentiation how) {
  require(y.size() == 1, "gradient: only a single number can be differentiated, got shape ", y.shape());
  if (!y.recorded()) return;
  mark(0);
  if (!y.node()->active) return;  // nothing that is asked for leads to y
  const std::size_t last = nodes_.size();
  try {
    y.node()->receive(constant(full<T, B>(y.shape(), T(1))));
    sweep(0, last, how.record, how.keep);
  } catch (...) {  // leave no half-finished differentiation behind
    for (const auto& node : nodes_) {
      node->target = false;
      node->drop_gradient();
    }
    throw;
  }
}

template <class T, class B, class U>
Variable<U, B> Tape::gradient(const Variable<T, B>& y, const Variable<U, B>& x, Differentiation how) {
  require(x.recorded(), "gradient: with respect to a constant; make it with tape.variable(...)");
  x.node()->target = true;
  differentiate(y, how);
  x.node()->target = false;
  if (!x.node()->has_gradient()) return constant(zeros<U, B>(x.shape()));
  return x.node()->take_gradient();
}

template <class T, class B, class M>
  requires HasFields<M>
Tensor<T, B> Tape::gradient(const Variable<T, B>& y, const M& module, Differentiation how) {
  Index size = 0;
  const auto each = [&](const auto& visit) {
    for_each_parameter(module, [&](const std::string& name, const Parameter<T, B>& p) {
      const auto entry = wanted_.find(p.value.data());
      require(entry != wanted_.end(), "gradient: this tape was not told to want parameter '", name, "'");
      visit(p, static_cast<LeafNode<T, B>*>(entry->second));
    });
  };
  each([&](const Parameter<T, B>& p, auto* node) {
    size += p.value.size();
    node->target = true;
  });
  differentiate(y, how);
  Tensor<T, B> flat({size});
  Index at = 0;
  each([&](const Parameter<T, B>& p, auto* node) {
    Tensor<T, B> part = flat.slice(at, at + p.value.size());
    at += part.size();
    node->target = false;
    if (node->has_gradient()) {
      const auto gradient = node->take_gradient();
      B::copy(part.data(), gradient.value().data(), static_cast<std::size_t>(part.size()) * sizeof(T));
    } else {
      fill(part, T(0));
    }
  });
  return flat;
}

template <class T, class B, class Segment>
void Tape::replay(const Segment& segment, Rng rng, const Variable<T, B>& dy, bool record) {
  const Rng now = std::exchange(rng_, rng);
  const bool outer = std::exchange(replaying_, true);
  const std::size_t first = nodes_.size();
  const Variable<T, B> y = segment();
  rng_ = now;
  replaying_ = outer;
  if (!y.recorded()) return;
  mark(first);
  const std::size_t last = nodes_.size();
  y.node()->receive(dy);
  sweep(first, last, record, false);
  if (!record) nodes_.resize(first);
}

/// The value of an operation: recorded where any operand is a variable, computed at once otherwise.
template <class Op, Operand... Args>
auto apply(Op op, const Args&... args) {
  if constexpr ((is_variable<Args> || ...)) {
    Tape* tape = nullptr;
    const auto find = [&](const auto& arg) {
      if constexpr (is_variable<std::remove_cvref_t<decltype(arg)>>) {
        if (tape == nullptr || arg.recorded()) tape = &arg.tape();
      }
    };
    (find(args), ...);
    return tape->record(std::move(op), tape->lift(args)...);
  } else {
    return op(tensor_of(args)...);
  }
}

/// The gradients of an operation, one for each input in order: values, or callables that are only called
/// for the inputs whose gradient is wanted.
template <class... Gradients>
std::tuple<Gradients...> gradients(Gradients... each) {
  return {std::move(each)...};
}

/// The value without its past: a constant to whoever differentiates (stop-gradient).
template <Value X>
X stop(const X& x) {
  if constexpr (is_variable<X>) {
    return x.detached();
  } else {
    return x;
  }
}

}  // namespace flipbook
