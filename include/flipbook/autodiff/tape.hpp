// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <flipbook/autodiff/node.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/core/random.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Options of a differentiation.
struct Differentiation {
  bool retain_graph = false;  ///< keeps saved tensors for another backward pass; otherwise it frees them
};

/// The mode of a recorded computation.
enum class Mode {
  training,    ///< dropout is active, batch normalisation uses the batch's statistics, buffers are updated
  evaluation,  ///< as on tensors: no dropout, running statistics are used, buffers do not change
  frozen       ///< as in evaluation, and parameters are constants
};

namespace detail {
/// The type of an operation's result on variables. It is explicit so that a program which links Tape::record from a
/// library does not instantiate its body.
template <Order order, class Op, class... X>
struct Resulting {
  using Value = decltype(std::declval<Op&>()(std::declval<const X&>().value()...));
  using Type = Variable<typename Value::Scalar, typename Value::Backend, order>;
};
template <Order order, class Op, class... X>
using ResultOf = typename Resulting<order, Op, X...>::Type;
}  // namespace detail

/// A tape for reverse-mode differentiation of operations. Operations on variables of a tape are recorded, except those
/// that depend only on constants.
///
///     fb::Tape tape{rng};
///     tape.watch(generator);
///     auto loss = mean(softplus(-discriminator(generator(tape.constant(z)))));
///     auto gradient = tape.gradient(loss, generator);
///
/// A recorded computation runs in training mode, even if no module is watched: dropout draws from the tape's stream,
/// batch normalisation uses the batch. `evaluating(module)` and `frozen(module)` change the mode. A tape may be used by
/// one thread at a time.
class Tape {
 public:
  explicit Tape(Rng rng = Rng{}) : rng_(rng) {}
  template <class M>
    requires(HasFields<M>)
  explicit Tape(const M& module, Rng rng = Rng{}) : rng_(rng) { watch(module); }
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Makes the parameters of this module differentiable; those of other modules are constants. A parameter inside the
  /// module that its `fields` do not name is refused with an Error when an operation uses it, since it would never be
  /// trained or saved. This check does not see parameters on the heap, as in a std::vector.
  template <class M>
    requires(HasFields<M>)
  void watch(const M& module) {
    const auto* const first = reinterpret_cast<const std::byte*>(&module);
    modules_.push_back({first, first + sizeof(M)});
    for_each_parameter(module, [&]<class T, class B>(const FieldName&, const Parameter<T, B>& p) {
      const auto [entry, added] = watched_.try_emplace(p.value.data());
      if (added) entry->second.node = add<detail::LeafNode<T, B>>(*this, p.shape());
    });
  }
  template <class X>
  detail::WatchedHasNoFieldsAndATensorIsMadeAVariable watch(const X&) = delete;

  template <class T, class B>
  Variable<T, B> constant(Tensor<T, B> value) {
    return {*this, std::move(value)};
  }
  /// A value whose gradient can be requested; `variable<Order::higher>(x)` if that gradient is to be recorded.
  template <Order order = Order::first, class T, class B>
  Variable<T, B, order> variable(Tensor<T, B> value) {
    auto* node = add<detail::LeafNode<T, B, order>>(*this, value.shape());
    return {*this, std::move(value), node};
  }

  /// Any operand as a variable of this tape. A watched parameter is the same leaf at every use, so its gradient
  /// accumulates over all uses; in frozen mode it is a constant.
  template <Order order = Order::first, class T, class B>
  Variable<T, B, order> lift(const Tensor<T, B>& x) {
    return {*this, x};
  }
  template <Order order = Order::first, class T, class B>
  Variable<T, B, order> lift(const Buffer<T, B>& x) {
    return {*this, x.value};
  }
  template <Order order = Order::first, class T, class B>
  Variable<T, B, order> lift(const Parameter<T, B>& p) {
    if (mode_ == Mode::frozen) return {*this, p.value};
    const auto entry = watched_.find(p.value.data());
    if (entry == watched_.end()) {
      require_foreign(&p, p.shape());
      return {*this, p.value};
    }
    Watched& watched = entry->second;
    watched.first_use = std::min(watched.first_use, nodes_.size());
    return {*this, p.value, static_cast<detail::LeafNode<T, B>*>(watched.node)};
  }
  template <Order order = Order::first, class T, class B, Order before>
    requires(order >= before)
  Variable<T, B, order> lift(const Variable<T, B, before>& x) {
    require(&x.tape() == this || !x.recorded(),
            "a value recorded on one tape met a value of another: use stop_gradient(value)");
    return x;
  }

  /// The value of `op`, and, if an input is recorded, a node for its gradient (autodiff/apply.hpp).
  template <Order order, class Op, class T, class B, class... Rest>
  detail::ResultOf<order, Op, Variable<T, B, order>, Rest...> record(Op op, const Variable<T, B, order>& first,
                                                                     const Rest&... rest);
  /// The same for an operation on a list of values (autodiff/list.hpp).
  template <class Op, class V>
  std::vector<V, PoolAllocator<V>> record_list(Op op, const std::vector<V, PoolAllocator<V>>& inputs);

  /// dy/dx of a single number y.
  /// @throws Error  if y has more than one element, x is a constant, or saved tensors were freed
  template <class T, class B, Order y_order, class U, Order x_order>
  Tensor<U, B> gradient(const Variable<T, B, y_order>& y, const Variable<U, B, x_order>& x, Differentiation how = {});

  /// dy/dx, itself recorded, so that it can be differentiated again. Saved tensors are kept.
  /// @throws Error  as `gradient`
  template <class T, class B, class U>
  Variable<U, B, Order::higher> recorded_gradient(const Variable<T, B, Order::higher>& y,
                                                  const Variable<U, B, Order::higher>& x);

  /// dy/dp for all parameters of a module that this tape watches, in one tensor (P) in the order of
  /// `module.parameters()`; zero for parameters on which y does not depend.
  template <class T, class B, Order order, class M>
    requires(HasFields<M>)
  Tensor<T, B> gradient(const Variable<T, B, order>& y, const M& module, Differentiation how = {});
  /// The same as a separate tensor for each parameter.
  template <class T, class B, Order order, class M>
    requires(HasFields<M>)
  std::vector<Tensor<T, B>, PoolAllocator<Tensor<T, B>>> gradients(const Variable<T, B, order>& y, const M& module,
                                                                   Differentiation how = {});
  /// A parameter whose gradient is requested.
  template <class T, class B>
  struct Target {
    detail::LeafNode<T, B>* node;
    const Tensor<T, B>* value;
    std::size_t number, first_use;  ///< its index in the module's order; the first node that may read it
  };
  template <class T, class B>
  using Targets = std::vector<Target<T, B>, PoolAllocator<Target<T, B>>>;
  /// The parameters of a module that this tape watches, in the module's order.
  template <class T, class B, class M>
  Targets<T, B> targets(const M& module) const {
    Targets<T, B> all;
    for_each_parameter(module, [&](const FieldName& name, const Parameter<T, B>& p) {
      const auto entry = watched_.find(p.value.data());
      require(entry != watched_.end(), "gradient: this tape was not told to watch parameter '", name, "'");
      auto* const node = static_cast<detail::LeafNode<T, B>*>(entry->second.node);
      all.push_back({node, &p.value, all.size(), entry->second.first_use});
    });
    return all;
  }
  /// Receives gradients one by one. Some may share memory with others.
  template <class T, class B>
  struct GradientTaker {
    virtual void take(std::size_t number, Tensor<T, B> gradient) = 0;

   protected:
    ~GradientTaker() = default;
  };
  /// dy/dp for these parameters, each passed to `to` as soon as it is complete, during the backward pass. The order
  /// depends only on the recorded computation.
  template <class T, class B, Order order>
  void gradients(const Variable<T, B, order>& y, Targets<T, B> targets, Differentiation how, GradientTaker<T, B>& to);
  /// The same, returned as a separate tensor for each target, in their order.
  template <class T, class B, Order order>
  std::vector<Tensor<T, B>, PoolAllocator<Tensor<T, B>>> gradients(const Variable<T, B, order>& y,
                                                                   Targets<T, B> targets, Differentiation how);

  /// Initialises the next gradient with respect to these parameters, so that gradients of several tapes are summed.
  /// @param parameters  those of a module or of a member, in one tensor
  /// @param parts       as returned by `gradients`
  /// @throws Error      if the tape does not watch one of them
  template <class T, class B, class Parts>
  void begin_gradient(const Tensor<T, B>& parameters, Parts parts) {
    const T* at = parameters.data();
    for (Tensor<T, B>& part : parts) {
      const auto entry = watched_.find(at);
      require(entry != watched_.end(), "begin_gradient: this tape was not told to watch these parameters");
      at += part.size();
      static_cast<detail::LeafNode<T, B>*>(entry->second.node)->receive(std::move(part));
    }
  }

  template <class Y, class X>
    requires(!is_variable<Y>)
  detail::GradientOfWhatNoTapeRecorded gradient(const Y&, const X&, Differentiation = {})
  = delete;
  template <class T, class B, Order order, class X>
  detail::GradientWithRespectToNeitherVariableNorModule gradient(const Variable<T, B, order>&, const X&,
                                                                 Differentiation = {}) = delete;
  // Make x with tape.variable<Order::higher>(...).
  template <class T, class B, Order y_order, class U, Order x_order>
  detail::RecordedGradientNeedsVariablesOfHigherOrder recorded_gradient(const Variable<T, B, y_order>&,
                                                                        const Variable<U, B, x_order>&) = delete;

  Mode mode() const noexcept { return mode_; }
  bool training() const noexcept { return mode_ == Mode::training; }
  /// f() in another mode; the previous mode is restored when f returns or throws.
  template <class F>
  auto in_mode(Mode mode, const F& f) {
    struct Restore {
      Mode &now, before;
      ~Restore() { now = before; }
    };
    const Restore restore{mode_, std::exchange(mode_, mode)};
    return f();
  }

  /// The random stream for dropout and sampling in a recorded computation.
  Rng& rng() noexcept { return rng_; }

  /// Defers a change to these buffers, such as running statistics, until `apply_updates`. If the previous change has
  /// the same type and previous.join(change) returns true, it has absorbed this one.
  template <class Change, class... T, class... B>
  void defer(Change change, const Buffer<T, B>&... buffers) {
    if (replaying_) return;
    (note(buffers.value), ...);
    if constexpr (requires { change.join(change); }) {
      Change* const before = updates_.empty() ? nullptr : updates_.back().template target<Change>();
      if (before != nullptr && before->join(change)) return;
    }
    updates_.push_back(std::move(change));
  }
  /// Applies the deferred changes, in order.
  void apply_updates() {
    for (const auto& change : updates_) change();
    updates_.clear();
    deferred_buffers_.clear();
  }
  /// Memory that `apply_updates` will change: a buffer, or adjacent buffers of one module.
  struct DeferredBuffer {
    const void* data;
    std::size_t bytes;
    const void* block;
  };
  const std::vector<DeferredBuffer>& deferred_buffers() const noexcept { return deferred_buffers_; }

  std::size_t nodes() const noexcept { return nodes_.size(); }
  /// Bytes of the targets' gradients that have arrived in the current differentiation.
  std::size_t gradient_bytes() const noexcept {
    std::size_t bytes = 0;
    for (const auto& node : nodes_) bytes += node->target ? node->gradient_bytes() : 0;
    return bytes;
  }
  /// Whether a segment is being recomputed (`recompute`).
  bool replaying() const noexcept { return replaying_; }

  /// Adds a node of any type, owned by the tape; for extensions of the tape such as `recompute`.
  template <class N, class... Args>
  N* add(Args&&... args) {
    auto node = std::make_unique<N>(std::forward<Args>(args)...);
    N* const raw = node.get();
    own(std::move(node));
    return raw;
  }
  /// Runs `segment` without recording.
  template <class Segment>
  auto unrecorded(const Segment& segment) {
    const bool before = std::exchange(recording_, false);
    auto y = segment();
    recording_ = before;
    return y;
  }
  /// Runs `segment` again during a differentiation, with the random numbers of the first run, and propagates `dy`
  /// through it.
  template <class Segment, class Gradient>
  void replay(const Segment& segment, Rng rng, const Gradient& dy, bool record);
  /// Whether parameters are recorded now; `targets_parameters`: whether the gradient of any is requested.
  bool records_parameters() const noexcept { return mode_ != Mode::frozen && !watched_.empty(); }
  bool targets_parameters() const noexcept {
    for (const auto& [data, watched] : watched_) {
      if (watched.node->target) return true;
    }
    return false;
  }

 private:
  template <class T, class B, Order order>
  void differentiate(const Variable<T, B, order>& y, bool record, bool retain_graph);
  /// Throws Error if an unwatched parameter is inside a watched module.
  void require_foreign(const void* parameter, const Shape& shape) const {
    const std::less<> before;
    for (const auto& [first, last] : modules_) {
      require(before(parameter, static_cast<const void*>(first)) || !before(parameter, static_cast<const void*>(last)),
              "Tape: the module has a parameter of shape ", shape,
              " that its `fields` do not name, so that it would "
              "be used, but neither trained nor saved; add field(\"name\", self.member), or make it a Buffer");
    }
  }
  template <class T, class B>
  void note(const Tensor<T, B>& buffer) {
    const auto* const data = reinterpret_cast<const std::byte*>(buffer.data());
    const std::size_t bytes = static_cast<std::size_t>(buffer.size()) * sizeof(T);
    for (DeferredBuffer& known : deferred_buffers_) {
      if (known.block != buffer.block()) continue;
      const auto* const first = static_cast<const std::byte*>(known.data);
      const auto* const last = first + known.bytes;
      if (data < first || data > last) continue;
      known.bytes = std::max(known.bytes, static_cast<std::size_t>(data + bytes - first));
      return;
    }
    deferred_buffers_.push_back({data, bytes, buffer.block()});
  }
  void own(std::unique_ptr<Node> node);
  void mark(std::size_t first);
  void sweep(std::size_t first, std::size_t last, bool record, bool retain_graph);

  Rng rng_;
  std::vector<std::unique_ptr<Node>, PoolAllocator<std::unique_ptr<Node>>> nodes_;
  struct Watched {
    Node* node = nullptr;
    std::size_t first_use = static_cast<std::size_t>(-1);  // no earlier node has the parameter as an input
  };
  std::unordered_map<const void*, Watched, std::hash<const void*>, std::equal_to<>,
                     PoolAllocator<std::pair<const void* const, Watched>>>
      watched_;
  struct Extent {
    const std::byte *first, *last;
  };
  std::vector<Extent, PoolAllocator<Extent>> modules_;  // address ranges of the watched modules
  std::vector<std::function<void()>> updates_;
  std::vector<DeferredBuffer> deferred_buffers_;
  struct Watcher {  // is notified of each node that a differentiation has passed
    virtual void swept(std::size_t node) = 0;

   protected:
    ~Watcher() = default;
  };
  Watcher* watcher_ = nullptr;
  bool recording_ = true, replaying_ = false;
  Mode mode_ = Mode::training;
};

}  // namespace flipbook

#include <flipbook/autodiff/differentiation.hpp>  // definitions of the tape's functions
