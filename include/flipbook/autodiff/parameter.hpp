// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// PyTorch's layout of the same weight, for reading and writing its files.
enum class WeightLayout {
  plain,                  ///< the same
  linear,                 ///< (I, O) here, (O, I) there
  convolution,            ///< (K…, I, O) here, (O, I, K…) there
  transposed_convolution  ///< (K…, O, I) here, (I, O, K…) there
};

/// A tensor that training changes.
template <Real T, class B>
struct Parameter {
  using Scalar = T;
  using Backend = B;
  Tensor<T, B> value;
  WeightLayout layout = WeightLayout::plain;

  const Shape& shape() const noexcept { return value.shape(); }
};

/// A tensor that belongs to a module but is not trained, such as running statistics.
template <Real T, class B>
struct Buffer {
  using Scalar = T;
  using Backend = B;
  Tensor<T, B> value;

  const Shape& shape() const noexcept { return value.shape(); }
};

/// In place of a parameter that a layer does not have, such as a bias.
struct None {};

template <class X>
inline constexpr bool is_parameter = false;
template <class T, class B>
inline constexpr bool is_parameter<Parameter<T, B>> = true;
template <class X>
inline constexpr bool is_buffer = false;
template <class T, class B>
inline constexpr bool is_buffer<Buffer<T, B>> = true;

namespace detail {
struct AnyField {
  template <class Member>
  void operator()(std::string_view, Member&) const {}
};
}  // namespace detail

/// A module lists its parameters, buffers, child modules and settings by name:
///
///     static void fields(auto& self, auto&& field) { field("weight", self.weight); field("bias", self.bias); }
///
/// Settings are plain numbers that a program may change, such as the weight of a term of a loss. Files do not contain
/// them.
template <class M>
concept HasFields = requires(M& module) {
  std::remove_const_t<M>::fields(module, detail::AnyField{});
};

/// The path of a field in the tree, such as "encoder.0.weight"; the string is built on conversion.
class FieldName {
 public:
  FieldName(std::string_view name = "", const FieldName* above = nullptr) : name_(name), above_(above) {}

  operator std::string() const {
    if (above_ == nullptr) return std::string(name_);
    std::string path = *above_;
    if (!path.empty()) path += '.';
    return path += name_;
  }
  friend std::string to_string(const FieldName& name) { return name; }

 private:
  std::string_view name_;
  const FieldName* above_;
};

namespace detail {

template <std::size_t number>
struct Digits {
  static constexpr std::size_t count = number < 10 ? 1 : Digits<number / 10>::count + 1;
  char text[count];
  constexpr Digits() {
    std::size_t rest = number;
    for (std::size_t i = count; i-- > 0; rest /= 10) text[i] = static_cast<char>('0' + rest % 10);
  }
};
template <std::size_t number>
inline constexpr Digits<number> digits_of{};
/// The number as the name of a field.
template <std::size_t number>
inline constexpr std::string_view digits{digits_of<number>.text, Digits<number>::count};

/// Traverses a tree of parameters and buffers of scalar T on B. Compiled once for each type of module, not for each
/// use.
template <class T, class B>
class Walk {
 public:
  /// Called for each leaf with a parameter or a buffer; the other is null.
  using Visit = void (*)(const void* self, const FieldName& name, const Parameter<T, B>*, const Buffer<T, B>*);

  Walk(Visit visit, const void* self, const FieldName& above) : visit_(visit), self_(self), above_(above) {}

  template <class Member>
  void operator()(std::string_view name, const Member& member) const {
    if constexpr (is_parameter<Member>) leaf(name, &member, nullptr);
    else if constexpr (is_buffer<Member>) leaf(name, nullptr, &member);
    else if constexpr (HasFields<Member>) child(name, member);
  }

 private:
  [[gnu::noinline]] void leaf(std::string_view name, const Parameter<T, B>* parameter,
                              const Buffer<T, B>* buffer) const {
    visit_(self_, FieldName{name, &above_}, parameter, buffer);
  }
  template <class Member>
  [[gnu::noinline]] void child(std::string_view name, const Member& member) const {
    const FieldName path{name, &above_};
    const Walk below{visit_, self_, path};
    Member::fields(member, below);
  }

  Visit visit_;
  const void* self_;
  const FieldName& above_;
};

/// The scalar and the backend of a module, if its type has them: as members, or as Instance<T, B>.
template <class M>
struct BindingOf {};
template <template <class, class> class Instance, Real T, class B>
struct BindingOf<Instance<T, B>> {
  using Scalar = T;
  using Backend = B;
};
template <class M>
  requires requires {
    typename M::Scalar;
    typename M::Backend;
  }
struct BindingOf<M> {
  using Scalar = typename M::Scalar;
  using Backend = typename M::Backend;
};

}  // namespace detail

/// Calls `visit(name, leaf)` for every parameter and buffer of the tree, depth first in the order of the fields. The
/// name is a FieldName, which converts to std::string.
template <class M, class Visit>
void for_each_field(M& module, const Visit& visit, const FieldName& above = {}) {
  using Net = std::remove_const_t<M>;
  using Binding = detail::BindingOf<Net>;
  if constexpr (HasFields<Net> && requires { typename Binding::Scalar; }) {
    using T = typename Binding::Scalar;
    using B = typename Binding::Backend;
    const auto leaf = [](const void* self, const FieldName& name, const Parameter<T, B>* p, const Buffer<T, B>* b) {
      const Visit& to = *static_cast<const Visit*>(self);
      if constexpr (std::is_const_v<M>) p != nullptr ? to(name, *p) : to(name, *b);
      else p != nullptr ? to(name, const_cast<Parameter<T, B>&>(*p)) : to(name, const_cast<Buffer<T, B>&>(*b));
    };
    const detail::Walk<T, B> walk{leaf, &visit, above};
    Net::fields(std::as_const(module), walk);
  } else if constexpr (HasFields<Net>) {
    Net::fields(module, [&](std::string_view name, auto& member) {
      using Member = std::remove_const_t<std::remove_reference_t<decltype(member)>>;
      const FieldName path{name, &above};
      if constexpr (is_parameter<Member> || is_buffer<Member>) {
        visit(path, member);
      } else {
        for_each_field(member, visit, path);
      }
    });
  }
}

/// Calls `visit(setting)` for every setting of the tree, in the same order.
template <class M, class Visit>
void for_each_setting(M& module, Visit&& visit) {
  if constexpr (HasFields<M>) {
    std::remove_const_t<M>::fields(module, [&](std::string_view, auto& member) {
      if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(member)>>) visit(member);
      else for_each_setting(member, visit);
    });
  }
}
/// The settings of a tree, in the order of its fields.
template <class M>
std::vector<double> settings_of(const M& module) {
  std::vector<double> settings;
  for_each_setting(module, [&](auto setting) { settings.push_back(static_cast<double>(setting)); });
  return settings;
}

/// Calls f(name, parameter) for each parameter of a module, in the order of its fields.
template <class M, class Visit>
void for_each_parameter(M& module, const Visit& visit) {
  for_each_field(module, [&](const FieldName& name, auto& leaf) {
    if constexpr (is_parameter<std::remove_const_t<std::remove_reference_t<decltype(leaf)>>>) visit(name, leaf);
  });
}

/// Calls f(name, buffer) for each buffer of a module, in the order of its fields.
template <class M, class Visit>
void for_each_buffer(M& module, const Visit& visit) {
  for_each_field(module, [&](const FieldName& name, auto& leaf) {
    if constexpr (is_buffer<std::remove_const_t<std::remove_reference_t<decltype(leaf)>>>) visit(name, leaf);
  });
}

}  // namespace flipbook
