// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/weights.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE Shape pytorch_shape(const Shape& here, WeightLayout layout) {
  if (layout == WeightLayout::plain) return here;
  Shape there{here[-1], here[-2]};
  for (int axis = 0; axis < here.rank() - 2; ++axis) there.push_back(here[axis]);
  return there;
}

FLIPBOOK_INLINE Checksum::Checksum(const std::map<std::string, std::string>& metadata) {
  for (const auto& [key, value] : metadata) {
    if (key != entry) add(key), add(value);
  }
}

FLIPBOOK_INLINE void Checksum::add(const NamedTensor& tensor) {
  add(tensor.name()), add(to_string(tensor.shape()));
  add(tensor.bytes().data(), tensor.bytes().size());
}

FLIPBOOK_INLINE void Checksum::add(const void* data, std::size_t bytes) {
  const auto mix = [this](std::uint64_t word) {
    state_ = (state_ ^ word) * 0x9e3779b97f4a7c15U;
    state_ ^= state_ >> 29;
  };
  mix(bytes);
  for (const auto* at = static_cast<const std::uint8_t*>(data); bytes > 0;) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(bytes, sizeof(word));
    std::memcpy(&word, at, size);
    mix(word);
    at += size, bytes -= size;
  }
}

FLIPBOOK_INLINE std::map<std::string, std::string> with_checksum(std::map<std::string, std::string> metadata,
                                                                 std::vector<NamedTensor>& tensors) {
  std::ranges::sort(tensors, {}, &NamedTensor::name);
  Checksum sum(metadata);
  for (const NamedTensor& tensor : tensors) sum.add(tensor);
  metadata[Checksum::entry] = sum.digits();
  return metadata;
}

FLIPBOOK_INLINE Loading::Loading(SafetensorsFile file, Types types) : file_(std::move(file)), types_(types) {
  const auto found = file_.metadata.find(Checksum::entry);
  if (found == file_.metadata.end()) return;
  Checksum sum(file_.metadata);
  for (const auto& [name, tensor] : file_.tensors) sum.add(tensor);
  require(sum.digits() == found->second, "load: ", quoted(file_.path),
          " is damaged: its content has another checksum than when it was written (who changes such a file on purpose, "
          "leaves ",
          Checksum::entry, " out of its metadata)");
}

FLIPBOOK_INLINE bool is_batch_count(std::string_view name) { return name.ends_with("num_batches_tracked"); }

FLIPBOOK_INLINE void Loading::finish(const std::function<bool(std::string_view)>& ignored) {
  for (const auto& [name, tensor] : file_.tensors) {
    if (!taken_.contains(name) && !ignored(name)) refuse("'" + name + "' is not expected");
  }
  for (const auto& [name, reason] : file_.unreadable) {
    if (!taken_.contains(name) && !ignored(name)) refuse("'" + name + "' is not expected");
  }
  if (!problems_.empty()) {
    std::string list = problems_.front();
    for (std::size_t i = 1; i < std::min<std::size_t>(problems_.size(), most_named); ++i) list += "; " + problems_[i];
    if (problems_.size() > most_named) list += text("; and ", problems_.size() - most_named, " more");
    fail("load: ", quoted(file_.path), " does not fit: ", list);
  }
  for (const auto& change : changes_) change();
}

}  // namespace detail

}  // namespace flipbook
