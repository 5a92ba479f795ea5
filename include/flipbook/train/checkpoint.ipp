// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/checkpoint.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE std::string description_entry(const std::string& name) {
  return name.empty() ? "flipbook.model" : "flipbook.model." + name;
}

FLIPBOOK_INLINE void CheckpointWriter::operator()(const std::string& name, const Rng& rng) {
  add(name, joined(rng.seed(), rng.stream(), rng.position()));
}

FLIPBOOK_INLINE void CheckpointWriter::operator()(const std::string& name, const std::optional<double>& number) {
  if (!number) return;
  char digits[32];
  add(name, std::string(digits, std::to_chars(std::begin(digits), std::end(digits), *number).ptr));
}

FLIPBOOK_INLINE void CheckpointWriter::operator()(const std::string& name, const History& history) {
  add(name, history.table());
  std::string names;
  for (const std::string& column : history.names()) names += column + ",";
  add(name, names);
}

FLIPBOOK_INLINE std::vector<NamedTensor> CheckpointWriter::tensors() const {
  std::vector<NamedTensor> all;
  all.reserve(tensors_.size());
  for (const auto& laid_out : tensors_) all.push_back(laid_out());
  return all;
}

FLIPBOOK_INLINE void CheckpointWriter::add(const std::string& name, const std::string& entry) {
  require(metadata_.emplace(name, entry).second, "checkpoint: two parts are called '", name, "'");
}

FLIPBOOK_INLINE void CheckpointReader::operator()(const std::string& name, Rng& rng) {
  std::uint64_t seed = 0, stream = 0, position = 0;
  if (numbers(name, seed, stream, position)) {
    loading.later([&rng, now = Rng::at(seed, stream, position)] { rng = now; });
  }
}

FLIPBOOK_INLINE void CheckpointReader::operator()(const std::string& name, const StepCount& steps) {
  count(name, [&steps = steps.value](Index read) { steps = read; });
}

FLIPBOOK_INLINE void CheckpointReader::operator()(const std::string& name, std::optional<double>& number) {
  const auto found = loading.file().metadata.find(name);
  std::optional<double> read;
  if (found != loading.file().metadata.end() && !separated(found->second, read.emplace())) return refuse(*found);
  loading.later([&number, read] { number = read; });
}

FLIPBOOK_INLINE void CheckpointReader::operator()(const std::string& name, History& history) {
  const std::string* const text = entry(name);
  if (text == nullptr) return;
  std::vector<std::string> names;
  for (std::size_t at = 0, comma; (comma = text->find(',', at)) != std::string::npos; at = comma + 1) {
    names.push_back(text->substr(at, comma - at));
  }
  const std::string path = std::string(training_prefix) + name;
  const auto found = loading.file().tensors.find(path);
  const bool is_table = found != loading.file().tensors.end() && found->second.shape().rank() == 2;
  const Index rows = is_table ? found->second.shape()[0] : 0;
  if (const auto table = loading.take<double>(path, {rows, 1 + static_cast<Index>(names.size())})) {
    loading.later([&history, read = History(names, *table)]() mutable { history = std::move(read); });
  }
}

FLIPBOOK_INLINE void CheckpointReader::refuse(const std::pair<const std::string, std::string>& entry) {
  loading.refuse("its metadata '" + entry.first + "' is '" + entry.second + "'");
}

FLIPBOOK_INLINE void CheckpointReader::check_type(const std::string& name, const std::string& here) {
  const auto found = loading.file().metadata.find(name);
  if (any_model || found == loading.file().metadata.end() || same_type(found->second, here)) return;
  loading.refuse("the model is of another type ({.any_model = true} takes one with the same names and shapes): " +
                 difference(text_of(found->second), text_of(here)));
}

FLIPBOOK_INLINE const std::string* CheckpointReader::entry(const std::string& name) {
  const auto found = loading.file().metadata.find(name);
  if (found != loading.file().metadata.end()) return &found->second;
  loading.refuse("'" + name + "' is missing among its metadata");
  return nullptr;
}

}  // namespace detail

}  // namespace flipbook
