// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/nn/summary.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE std::string_view outside_brackets(std::string_view text, std::string_view end) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (depth == 0 && text.substr(i).starts_with(end)) return text.substr(0, i);
    const char c = text[i];
    if (c == '<' || c == '(' || c == '{' || c == '[') ++depth;
    if (c == '>' || c == ')' || c == '}' || c == ']') --depth;
  }
  return text;
}

FLIPBOOK_INLINE std::string layer_type(std::string_view instance) {
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

FLIPBOOK_INLINE void LayerTable::enter(const void* layer, const void* type) {
  const auto [entry, first] = rows_.try_emplace({layer, type}, layers_.size());
  if (first) {
    const auto known = known_.find({layer, type});
    layers_.push_back(known != known_.end() ? known->second : LayerSummary{"", "layer", 0, {}, 0, 0, 0});
    layers_.back().depth = static_cast<int>(open_.size());
  }
  open_.push_back({entry->second, counter_.count()});
}

FLIPBOOK_INLINE void LayerTable::leave(const Shape& output) {
  const auto [row, before] = open_.back();
  open_.pop_back();
  LayerSummary& layer = layers_[row];
  layer.output = output;
  layer.multiply_adds += counter_.count() - before;
  ++layer.calls;
}

FLIPBOOK_INLINE std::string with_commas(Index number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3;) digits.insert(i -= 3, 1, ',');
  return digits;
}

FLIPBOOK_INLINE std::size_t shown_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace detail

FLIPBOOK_INLINE std::string to_string(const Summary& summary) {
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

}  // namespace flipbook
