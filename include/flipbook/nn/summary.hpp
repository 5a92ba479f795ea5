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
  std::string name;     ///< where it lies in the module, such as "encoder.0"
  std::string type;     ///< such as "Conv2d<3, 64>"
  int depth;            ///< how many of the layers listed it lies in
  Shape output;         ///< of its last call
  Index parameters;     ///< its own and those of all layers in it
  Index multiply_adds;  ///< of all its calls, those of layers in it included
  int calls;
};

/// What `summary` found.
struct Summary {
  std::vector<LayerSummary> layers;  ///< in the order of their first calls
  Shape output;
  Index parameters = 0, buffers = 0;  ///< numbers in them
  Index multiply_adds = 0;
  std::size_t bytes = 0;  ///< of parameters and buffers
};

namespace detail {

/// The text up to its first `end` outside of all brackets.
inline std::string_view outside_brackets(std::string_view text, std::string_view end) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (depth == 0 && text.substr(i).starts_with(end)) return text.substr(0, i);
    const char c = text[i];
    if (c == '<' || c == '(' || c == '{' || c == '[') ++depth;
    if (c == '>' || c == ')' || c == '}' || c == ']') --depth;
  }
  return text;
}

/// The name of a layer as a program writes it, with its channels, from what a compiler calls its instance:
/// "flipbook::nn::Linear<3, 4, true>::Instance<float, flipbook::Cpu>" is "Linear<3, 4>".
inline std::string layer_type(std::string_view instance) {
  std::string_view layer;  // of the names a::b<…>::c the one before Instance, or the last
  for (std::string_view rest = instance; !rest.empty() && !rest.starts_with("Instance");) {
    layer = outside_brackets(rest, "::");
    rest.remove_prefix(std::min(layer.size() + 2, rest.size()));
  }
  const std::size_t open = std::min(layer.find('<'), layer.size());
  std::string name(layer.substr(0, open));
  std::string_view arguments = layer.substr(std::min(open + 1, layer.size()));
  const auto is_one_of = [&](std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const std::string_view first = outside_brackets(outside_brackets(arguments, ","), ">");
  // What layers have in common lies in bases that take the layer first.
  if (is_one_of({"Convolving", "Elementwise", "Resampling"})) return layer_type(first);
  if (is_one_of({"PerFrame", "Recompute", "Recurrent", "SpectralNorm"})) return name + '<' + layer_type(first) + '>';
  if (name == "ProjectedResidual" && layer_type(first) == "Identity") return "Residual";
  std::vector<std::string> numbers;  // the leading arguments that are whole numbers
  while (!arguments.empty()) {
    const std::string_view number = outside_brackets(outside_brackets(arguments, ","), ">");
    if (number.empty() || number.find_first_not_of("0123456789") != number.npos) break;
    numbers.emplace_back(number);
    arguments.remove_prefix(std::min(number.size() + 2, arguments.size()));
  }
  if ((name == "Conv" || name == "ConvTranspose") && !numbers.empty()) {
    name += numbers.front() + 'd';
    numbers.erase(numbers.begin());
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) name += (i == 0 ? "<" : ", ") + numbers[i];
  return numbers.empty() ? name : name + '>';
}
template <class Instance>
std::string layer_type() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("Instance = ") + std::string_view("Instance = ").size());
  return layer_type(outside_brackets(outside_brackets(text, ";"), "]"));
}

/// Calls visit(path, layer) for every member that a module's fields name and that may be a layer.
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

/// Every layer that a module's fields name, and what it made of its calls.
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

  void enter(const void* layer, const void* type) override {
    const auto [entry, first] = rows_.try_emplace({layer, type}, layers_.size());
    if (first) {
      const auto known = known_.find({layer, type});
      layers_.push_back(known != known_.end() ? known->second : LayerSummary{"", "layer", 0, {}, 0, 0, 0});
      layers_.back().depth = static_cast<int>(open_.size());
    }
    open_.push_back({entry->second, counter_.count()});
  }
  void leave(const Shape& output) override {
    const auto [row, before] = open_.back();
    open_.pop_back();
    LayerSummary& layer = layers_[row];
    layer.output = output;
    layer.multiply_adds += counter_.count() - before;
    ++layer.calls;
  }

  const std::vector<LayerSummary>& layers() const noexcept { return layers_; }
  Index multiply_adds() const noexcept { return counter_.count(); }

 private:
  using Key = std::pair<const void*, const void*>;  // where it lies, and what it is

  struct Open {
    std::size_t row;
    Index before;  // multiply-adds when it was entered
  };
  LayerObserver* outer_ = running;
  MultiplyAdds counter_;
  std::map<Key, LayerSummary> known_;
  std::map<Key, std::size_t> rows_;
  std::vector<LayerSummary> layers_;
  std::vector<Open> open_;
};

// 1234567 as 1,234,567.
inline std::string with_commas(Index number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3;) digits.insert(i -= 3, ",");
  return digits;
}
// How many characters a text shows, each of UTF-8 counted once.
inline std::size_t shown_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace detail

/// The layers of a module, what shapes they give, and what they cost, found by running it once on `inputs` in
/// evaluation: those that its containers (Sequential, Repeat, Stack) run, at any depth. What else the module computes
/// is in its totals. Multiply-adds are those of the whole batch, as MultiplyAdds counts them.
/// @param module  a Module, or a member of one
/// @throws Error  what the module throws of such inputs
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
inline std::string to_string(const Summary& summary) {
  using Line = std::vector<std::string>;
  std::vector<Line> lines{{"Layer", "Output", "Parameters", "Multiply-adds"}};
  Index parameters = 0, multiply_adds = 0;  // of the layers listed
  for (const LayerSummary& layer : summary.layers) {
    std::string name(static_cast<std::size_t>(2 * layer.depth), ' ');
    name += layer.name + (layer.name.empty() ? "" : " ") + layer.type;
    if (layer.calls > 1) name += text(" ×", layer.calls);
    lines.push_back({name, to_string(layer.output), detail::with_commas(layer.parameters),
                     detail::with_commas(layer.multiply_adds)});
    if (layer.depth == 0) parameters += layer.parameters, multiply_adds += layer.multiply_adds;
  }
  const Index other_parameters = summary.parameters - parameters;
  const Index other_multiply_adds = summary.multiply_adds - multiply_adds;
  if (!summary.layers.empty() && (other_parameters > 0 || other_multiply_adds > 0)) {
    lines.push_back(
        {"outside of these", "", detail::with_commas(other_parameters), detail::with_commas(other_multiply_adds)});
  }
  lines.push_back({"Total", to_string(summary.output), detail::with_commas(summary.parameters),
                   detail::with_commas(summary.multiply_adds)});
  std::vector<std::size_t> widths(4, 0);
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < 4; ++i) widths[i] = std::max(widths[i], detail::shown_width(line[i]));
  }
  std::string table;
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < 4; ++i) {
      const std::string space(widths[i] - detail::shown_width(line[i]), ' ');
      if (i > 0) table += "  ";
      table += i < 2 ? line[i] + space : space + line[i];
    }
    table += '\n';
  }
  return table + detail::with_commas(summary.buffers) + " numbers in buffers; parameters and buffers take " +
         detail::with_commas(static_cast<Index>(summary.bytes)) + " bytes\n";
}

template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const Summary& summary) {
  return out << to_string(summary);
}

}  // namespace flipbook
