// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
template <class V>
struct AnyMember {
  void operator()(std::string_view, V&) const {}
};
template <class X>
inline constexpr bool annotated = false;
template <template <class> class Clip, class V>
  requires std::default_initializable<Clip<V>> && requires(Clip<V>& x) {
    { x.clip } -> std::same_as<V&>;
    Clip<V>::fields(x, AnyMember<V>{});
    Clip<V>::fields(std::as_const(x), AnyMember<const V>{});
  }
inline constexpr bool annotated<Clip<V>> = true;
}  // namespace detail

/// A clip with annotations, such as a label or actions. It is a template over the type of its members, which are all
/// tensors or all variables; one member is `clip`. `fields` lists the members, as in modules. A batch of annotated
/// clips is the same struct, each member with a new leading axis.
///
///     template <class V = Tensor<float>>
///     struct LabelledClip {
///       V clip, label;
///       static void fields(auto& self, auto&& field) { field("clip", self.clip); field("label", self.label); }
///     };
template <class X>
concept AnnotatedClip = detail::annotated<X>;

/// A clip with its class label.
template <class V = Tensor<float>>
struct LabelledClip {
  V clip, label;

  static void fields(auto& self, auto&& field) {
    field("clip", self.clip);
    field("label", self.label);
  }
};

/// A clip with the actions taken in it: row t of `actions` (T, A) is applied from frame t to frame t + 1, the last row
/// to no frame. `state` (T, S) is the state from which each frame was drawn.
template <class V = Tensor<float>>
struct ClipWithActions {
  V clip, actions, state;

  static void fields(auto& self, auto&& field) {
    field("clip", self.clip);
    field("actions", self.actions);
    field("state", self.state);
  }
};

/// A clip with a mark for each frame, (T): 1 in frames that show the event to detect, 0 in others.
template <class V = Tensor<float>>
struct MarkedClip {
  V clip, marks;

  static void fields(auto& self, auto&& field) {
    field("clip", self.clip);
    field("marks", self.marks);
  }
};

namespace detail {
template <class X, class W>
struct WithMembersT {
  using Type = W;
};
template <template <class> class Clip, class V, class W>
  requires AnnotatedClip<Clip<V>>
struct WithMembersT<Clip<V>, W> {
  using Type = Clip<W>;
};
}  // namespace detail

/// X with members of type W; W itself if X is a tensor.
template <class X, class W>
using WithMembers = typename detail::WithMembersT<X, W>::Type;

/// Calls f(name, member) for each member of an annotated clip, or f("clip", x) for a plain one.
template <class X, class F>
void for_each_member(X& x, F&& f) {
  if constexpr (AnnotatedClip<std::remove_const_t<X>>) std::remove_const_t<X>::fields(x, f);
  else f(std::string_view("clip"), x);
}

/// Calls f(name, member of x, member of y) for each pair of members of the same struct.
template <class X, class Y, class F>
void zip_members(X& x, Y& y, const F& f) {
  if constexpr (AnnotatedClip<std::remove_const_t<X>>) {
    std::vector<decltype(&y.clip)> members;
    for_each_member(y, [&](std::string_view, auto& member) { members.push_back(&member); });
    auto next = members.begin();
    for_each_member(x, [&](std::string_view name, auto& member) { f(name, member, **next++); });
  } else {
    f(std::string_view("clip"), x, y);
  }
}

/// The same struct of f(member) for each member; f(x) for a plain clip.
template <class X, class F>
auto map_members(const X& x, const F& f) {
  if constexpr (AnnotatedClip<X>) {
    WithMembers<X, std::remove_cvref_t<decltype(f(x.clip))>> y;
    zip_members(y, x, [&](std::string_view, auto& to, const auto& from) { to = f(from); });
    return y;
  } else {
    return f(x);
  }
}

/// The clip of an annotated clip; a plain clip itself.
template <class X>
const auto& clip_of(const X& x) {
  if constexpr (AnnotatedClip<X>) return x.clip;
  else return x;
}

}  // namespace flipbook
