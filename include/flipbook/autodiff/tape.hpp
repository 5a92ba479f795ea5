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

/// How to differentiate.
struct Differentiation {
  bool retain_graph = false;  ///< the tape can be differentiated again; otherwise what it kept is freed on the way
};

/// What a recorded computation is part of, from the least to the most that is held fixed.
enum class Mode {
  training,    ///< dropout draws, batch normalisation uses the batch's statistics, buffers follow
  evaluation,  ///< as on tensors: nothing is drawn, running statistics are used, buffers stay as they are
  frozen       ///< as in evaluation, and parameters are constants
};

namespace detail {
/// What an operation makes of variables: spelt out, so that a program that has Tape::record from a library need not see
/// how it is made.
template <Order order, class Op, class... X>
struct Resulting {
  using Value = decltype(std::declval<Op&>()(std::declval<const X&>().value()...));
  using Type = Variable<typename Value::Scalar, typename Value::Backend, order>;
};
template <Order order, class Op, class... X>
using ResultOf = typename Resulting<order, Op, X...>::Type;
}  // namespace detail

/// Reverse-mode differentiation over operations. Forward code that is given variables of a tape is
/// recorded; what leads to nothing that is watched is not.
///
///     fb::Tape tape{rng};
///     tape.watch(generator);
///     auto loss = mean(softplus(-discriminator(generator(tape.constant(z)))));
///     auto gradient = tape.gradient(loss, generator);
///
/// Recorded computation is training, also where nothing is watched: dropout draws from the tape's stream, batch
/// normalisation uses the batch; unless it runs by way of `evaluating(module)` or `frozen(module)`. A tape is used by
/// one thread at a time.
class Tape {
 public:
  explicit Tape(Rng rng = Rng{}) : rng_(rng) {}
  template <class M>
    requires(HasFields<M>)
  explicit Tape(const M& module, Rng rng = Rng{}) : rng_(rng) { watch(module); }
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// The parameters of this module may be asked for; those of others are constants. A parameter that lies in the
  /// module but that its `fields` do not name is neither, and is refused when an operation meets it: it would be used,
  /// but never trained nor saved. What the module holds on the heap, as in a std::vector, is taken for another's.
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
  /// A value whose gradient may be asked for; `variable<Order::higher>(x)` where the gradient shall be recorded.
  template <Order order = Order::first, class T, class B>
  Variable<T, B, order> variable(Tensor<T, B> value) {
    auto* node = add<detail::LeafNode<T, B, order>>(*this, value.shape());
    return {*this, std::move(value), node};
  }

  /// Any operand as a variable of this tape. A watched parameter is the same variable at every use, so its
  /// gradient gathers over all of them; while the tape is frozen it is a constant.
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

  /// The value of `op` at the inputs, and, where an input is recorded, a node for its gradient (autodiff/apply.hpp).
  template <Order order, class Op, class T, class B, class... Rest>
  detail::ResultOf<order, Op, Variable<T, B, order>, Rest...> record(Op op, const Variable<T, B, order>& first,
                                                                     const Rest&... rest);
  /// The same for an operation over a list of values (autodiff/list.hpp).
  template <class Op, class V>
  std::vector<V, PoolAllocator<V>> record_list(Op op, const std::vector<V, PoolAllocator<V>>& inputs);

  /// dy/dx of a single number y.
  /// @throws Error  if y has more than one element, x is a constant, or what was kept has been freed
  template <class T, class B, Order y_order, class U, Order x_order>
  Tensor<U, B> gradient(const Variable<T, B, y_order>& y, const Variable<U, B, x_order>& x, Differentiation how = {});

  /// dy/dx, itself recorded, so that it can be differentiated in its turn. The tape stays as it is.
  /// @throws Error  as `gradient`
  template <class T, class B, class U>
  Variable<U, B, Order::higher> recorded_gradient(const Variable<T, B, Order::higher>& y,
                                                  const Variable<U, B, Order::higher>& x);

  /// dy/dp for all parameters of a module that this tape watches, in one tensor (P) in the order of
  /// `module.parameters()`; zero where y does not depend on one.
  template <class T, class B, Order order, class M>
    requires(HasFields<M>)
  Tensor<T, B> gradient(const Variable<T, B, order>& y, const M& module, Differentiation how = {});
  /// The same in parts, a tensor of its own for each parameter.
  template <class T, class B, Order order, class M>
    requires(HasFields<M>)
  std::vector<Tensor<T, B>, PoolAllocator<Tensor<T, B>>> gradients(const Variable<T, B, order>& y, const M& module,
                                                                   Differentiation how = {});
  /// A parameter whose gradient is asked for.
  template <class T, class B>
  struct Target {
    detail::LeafNode<T, B>* node;
    const Tensor<T, B>* value;
    std::size_t number, first_use;  ///< its place in the module's order; no operation recorded before has read it
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
  /// What receives gradients one by one, of which some may share their memory with others.
  template <class T, class B>
  struct GradientTaker {
    virtual void take(std::size_t number, Tensor<T, B> gradient) = 0;

   protected:
    ~GradientTaker() = default;
  };
  /// dy/dp for these parameters, each as soon as nothing can add to it, while the others are still worked out: in an
  /// order that depends on the recorded computation alone.
  template <class T, class B, Order order>
  void gradients(const Variable<T, B, order>& y, Targets<T, B> targets, Differentiation how, GradientTaker<T, B>& to);
  /// The same, all together, a tensor of its own for each of these, in their order.
  template <class T, class B, Order order>
  std::vector<Tensor<T, B>, PoolAllocator<Tensor<T, B>>> gradients(const Variable<T, B, order>& y,
                                                                   Targets<T, B> targets, Differentiation how);

  /// The next gradient by parameters begins with this one: so gradients of several tapes become their sum.
  /// @param parameters  of the module, or member of one, that the gradient will be asked by, in one tensor
  /// @param parts       as `gradients` gives them
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
  /// f() in another mode; the one before is back when f has returned or thrown.
  template <class F>
  auto in_mode(Mode mode, const F& f) {
    struct Restore {
      Mode &now, before;
      ~Restore() { now = before; }
    };
    const Restore restore{mode_, std::exchange(mode_, mode)};
    return f();
  }

  /// The stream that dropout and sampling inside a recorded computation draw from.
  Rng& rng() noexcept { return rng_; }

  /// Remembers a change to these buffers, such as running statistics, until `apply_updates`. Where the one before it is
  /// of the same type and before.join(change) holds, that has taken it over.
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
  /// Carries out the noted changes, in order.
  void apply_updates() {
    for (const auto& change : updates_) change();
    updates_.clear();
    deferred_buffers_.clear();
  }
  /// Memory that `apply_updates` will change: a buffer, or neighbours of one module.
  struct DeferredBuffer {
    const void* data;
    std::size_t bytes;
    const void* block;
  };
  const std::vector<DeferredBuffer>& deferred_buffers() const noexcept { return deferred_buffers_; }

  std::size_t nodes() const noexcept { return nodes_.size(); }
  /// Bytes of the gradients that have arrived where they were asked for, in the differentiation that runs.
  std::size_t gradient_bytes() const noexcept {
    std::size_t bytes = 0;
    for (const auto& node : nodes_) bytes += node->target ? node->gradient_bytes() : 0;
    return bytes;
  }
  /// Whether a segment runs again (`recompute`).
  bool replaying() const noexcept { return replaying_; }

  /// What the extensions of the tape (`recompute`) are made of.
  /// A node of any kind, owned by the tape.
  template <class N, class... Args>
  N* add(Args&&... args) {
    auto node = std::make_unique<N>(std::forward<Args>(args)...);
    N* const raw = node.get();
    own(std::move(node));
    return raw;
  }
  /// Runs `segment`, but records nothing.
  template <class Segment>
  auto unrecorded(const Segment& segment) {
    const bool before = std::exchange(recording_, false);
    auto y = segment();
    recording_ = before;
    return y;
  }
  /// Runs `segment` again in the middle of a differentiation, with the random numbers of the first run, and
  /// hands `dy` back through it.
  template <class Segment, class Gradient>
  void replay(const Segment& segment, Rng rng, const Gradient& dy, bool record);
  /// Whether parameters are recorded now, and whether any is asked for in this differentiation.
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
  /// Refuses a parameter, which is not watched, where it lies in a module that is.
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
    std::size_t first_use = static_cast<std::size_t>(-1);  // no node before it has the parameter as an input
  };
  std::unordered_map<const void*, Watched, std::hash<const void*>, std::equal_to<>,
                     PoolAllocator<std::pair<const void* const, Watched>>>
      watched_;
  struct Extent {
    const std::byte *first, *last;
  };
  std::vector<Extent, PoolAllocator<Extent>> modules_;  // where the watched modules lie
  std::vector<std::function<void()>> updates_;
  std::vector<DeferredBuffer> deferred_buffers_;
  struct Watcher {  // hears how far a differentiation is
    virtual void swept(std::size_t node) = 0;

   protected:
    ~Watcher() = default;
  };
  Watcher* watcher_ = nullptr;
  bool recording_ = true, replaying_ = false;
  Mode mode_ = Mode::training;
};

}  // namespace flipbook

#include <flipbook/autodiff/differentiation.hpp>  // what the tape's functions do
