// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <initializer_list>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flipbook/autodiff/multiply_adds.hpp>
#include <flipbook/nn/module.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// One layer of a Summary.
struct LayerSummary {
  std::string name;     ///< its path in the module, such as "encoder.0"
  std::string type;     ///< such as "Conv2d<3, 64>"
  int depth;            ///< number of listed layers that contain it
  Shape output;         ///< of its last call
  Index parameters;     ///< its own and those of all layers in it
  Index multiply_adds;  ///< of all its calls, including layers in it
  int calls;
};

/// The result of `summary`.
struct Summary {
  std::vector<LayerSummary> layers;  ///< in the order of their first calls
  Shape output;
  Index parameters = 0, buffers = 0;  ///< number of elements
  Index multiply_adds = 0;
  std::size_t bytes = 0;  ///< of parameters and buffers
};

namespace detail {

/// The text before the first `end` that is outside all brackets.
FLIPBOOK_INLINE std::string_view outside_brackets(std::string_view text, std::string_view end);

/// The name of a layer as written in a program, with its channels, from the compiler's name of its instance:
/// "flipbook::nn::Linear<3, 4, true>::Instance<float, flipbook::Cpu>" gives "Linear<3, 4>".
FLIPBOOK_INLINE std::string layer_type(std::string_view instance);
template <class Instance>
std::string layer_type() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("Instance = ") + std::string_view("Instance = ").size());
  return layer_type(outside_brackets(outside_brackets(text, ";"), "]"));
}

/// Calls visit(path, layer) for every member among a module's fields that may be a layer.
template <class M, class Visit>
void for_each_layer(const M& module, const Visit& visit, const std::string& path = "") {
  if constexpr (HasFields<const M>) {
    M::fields(module, [&](std::string_view name, const auto& member) {
      using Member = std::remove_cvref_t<decltype(member)>;
      if constexpr (!is_parameter<Member> && !is_buffer<Member> && !std::is_arithmetic_v<Member>) {
        const std::string here = path.empty() ? std::string(name) : path + '.' + std::string(name);
        visit(here, member);
        for_each_layer(member, visit, here);
      }
    });
  }
}

/// The layers among a module's fields, and the record of their calls.
class LayerTable final : public nn::detail::LayerObserver {
 public:
  template <class M>
  explicit LayerTable(const M& module) {
    for_each_layer(module, [&]<class Member>(const std::string& path, const Member& member) {
      Index parameters = 0;
      for_each_parameter(member, [&](const FieldName&, const auto& p) { parameters += p.value.size(); });
      known_.try_emplace(Key{&member, &nn::detail::type_tag<Member>},
                         LayerSummary{path, layer_type<Member>(), 0, {}, parameters, 0, 0});
    });
    running = this;
  }
  LayerTable(const LayerTable&) = delete;
  LayerTable& operator=(const LayerTable&) = delete;
  ~LayerTable() { running = outer_; }

  void enter(const void* layer, const void* type) override;
  void leave(const Shape& output) override;

  const std::vector<LayerSummary>& layers() const noexcept { return layers_; }
  Index multiply_adds() const noexcept { return counter_.count(); }

 private:
  using Key = std::pair<const void*, const void*>;  // address and type

  struct Open {
    std::size_t row;
    Index before;  // multiply-adds at entry
  };
  LayerObserver* outer_ = running;
  MultiplyAdds counter_;
  std::map<Key, LayerSummary> known_;
  std::map<Key, std::size_t> rows_;
  std::vector<LayerSummary> layers_;
  std::vector<Open> open_;
};

// 1234567 as 1,234,567.
FLIPBOOK_INLINE std::string with_commas(Index number);
// Number of UTF-8 characters of a text.
FLIPBOOK_INLINE std::size_t shown_width(std::string_view text);

}  // namespace detail

/// The layers of a module with the shapes of their outputs and their cost, measured in one run on `inputs` in
/// evaluation mode. Lists the layers that the module's containers (Sequential, Repeat, Stack) run, at any depth; other
/// computation counts only in the totals. Multiply-adds are those of the whole batch, as MultiplyAdds counts them.
/// @param module  a Module, or a member of one
/// @throws Error  the module's own errors for such inputs
template <class M, class T, class B, class... More>
Summary summary(const M& module, const Tensor<T, B>& input, const More&... inputs) {
  Summary found;
  for_each_field(module, [&](const FieldName&, const auto& leaf) {
    using Leaf = std::remove_cvref_t<decltype(leaf)>;
    (is_parameter<Leaf> ? found.parameters : found.buffers) += leaf.value.size();
    found.bytes += static_cast<std::size_t>(leaf.value.size()) * sizeof(typename Leaf::Scalar);
  });
  detail::LayerTable table(module);
  found.output = module(input, inputs...).shape();
  found.layers = table.layers();
  found.multiply_adds = table.multiply_adds();
  return found;
}

/// The same for an input of zeros of this shape.
///
///     std::cout << fb::summary(discriminator, {1, 64, 64, 3});
template <class Net, class T, class B>
Summary summary(const Module<Net, T, B>& module, const Shape& shape) {
  return summary(module, zeros<T, B>(shape));
}

/// A table: a line for each layer, indented by its depth, then the totals.
FLIPBOOK_INLINE std::string to_string(const Summary& summary);

template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const Summary& summary) {
  return out << to_string(summary);
}

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/nn/summary.ipp>
#endif
