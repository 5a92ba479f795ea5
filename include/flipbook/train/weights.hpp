// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flipbook/autodiff/parameter.hpp>
#include <flipbook/io/safetensors.hpp>
#include <flipbook/ops/shape/permute.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

// Every layout but `plain` is (K…, a, b) here and (b, a, K…) in PyTorch, with K… empty for a linear layer.
FLIPBOOK_INLINE Shape pytorch_shape(const Shape& here, WeightLayout layout);
template <class T>
Tensor<T> to_pytorch(const Tensor<T>& x, WeightLayout layout) {
  if (layout == WeightLayout::plain) return x;
  return permute(x.reshape({-1, x.extent(-2), x.extent(-1)}), {2, 1, 0}).reshape(pytorch_shape(x.shape(), layout));
}
template <class T>
Tensor<T> from_pytorch(const Tensor<T>& x, WeightLayout layout, const Shape& here) {
  if (layout == WeightLayout::plain) return x;
  return permute(x.reshape({x.extent(0), x.extent(1), -1}), {2, 1, 0}).reshape(here);
}

template <class Leaf>
WeightLayout layout_of(const Leaf& leaf) {
  if constexpr (is_parameter<Leaf>) return leaf.layout;
  else return WeightLayout::plain;
}

/// A checksum of a file's content except its own entry: of names, shapes, numbers and metadata.
class Checksum {
 public:
  static constexpr const char* entry = "flipbook.checksum";

  Checksum(const std::map<std::string, std::string>& metadata);
  /// Adds tensors in the order of their names.
  void add(const NamedTensor& tensor);
  std::string digits() const { return std::to_string(state_); }

 private:
  void add(const std::string& characters) { add(characters.data(), characters.size()); }
  /// Adds bytes word by word, each of which changes all following bits; the length separates neighbours.
  void add(const void* data, std::size_t bytes);

  std::uint64_t state_ = 0x243f6a8885a308d3U;
};

/// Adds the checksum, which readers check in files of this library.
FLIPBOOK_INLINE std::map<std::string, std::string> with_checksum(std::map<std::string, std::string> metadata,
                                                                 std::vector<NamedTensor>& tensors);

/// Takes tensors from a file by their names, and changes their destinations only after all have been checked.
class Loading {
 public:
  enum class Types { convert, exact };

  /// @throws Error  if the file's checksum does not match its content
  explicit Loading(SafetensorsFile file, Types types = Types::convert);

  const SafetensorsFile& file() const noexcept { return file_; }

  /// The tensor of a name, or none if it is missing or has another shape, which is recorded.
  template <Element T>
  std::optional<Tensor<T>> take(const std::string& name, const Shape& shape) {
    const auto found = file_.tensors.find(name);
    if (found == file_.tensors.end()) {
      const auto other = file_.unreadable.find(name);
      if (other == file_.unreadable.end()) refuse("'" + name + "' is missing");
      else refuse("'" + name + "' cannot be read: " + other->second);
      taken_.insert(name);
      return std::nullopt;
    }
    taken_.insert(name);
    if (found->second.shape() != shape) {
      refuse(text("'", name, "' has shape ", found->second.shape(), ", needed is ", shape));
      return std::nullopt;
    }
    if (types_ == Types::exact && found->second.stored() != stored_as<T>()) {
      refuse(text("'", name, "' is of ", dtype_of(found->second.stored()), ", needed is ", dtype_of(stored_as<T>())));
      return std::nullopt;
    }
    return found->second.template get<T>();
  }
  bool has(const std::string& name) const { return file_.tensors.contains(name) || file_.unreadable.contains(name); }
  void refuse(std::string problem) { problems_.push_back(std::move(problem)); }
  void later(std::function<void()> change) { changes_.push_back(std::move(change)); }

  /// Applies the changes.
  /// @param ignored  whether a name in the file may remain unused
  /// @throws Error  if any tensor was refused or not used: names each; nothing has been changed then
  void finish(const std::function<bool(std::string_view)>& ignored);

 private:
  static constexpr std::size_t most_named = 10;
  SafetensorsFile file_;
  Types types_;
  std::set<std::string> taken_;
  std::vector<std::string> problems_;
  std::vector<std::function<void()>> changes_;
};

/// Writes over the elements of `to`, in their memory.
template <class T, class B>
void assign(Tensor<T, B> to, const Tensor<T>& from) {
  B::copy(to.data(), from.data(), static_cast<std::size_t>(from.size()) * sizeof(T));
}

/// A parameter or buffer of a module. Functions of a list of them are compiled once, not for each module.
template <class T, class B>
struct Field {
  std::string name;
  Tensor<T, B> value;
  WeightLayout layout;
  bool parameter;
};
template <class M>
auto fields_of(const M& module) {
  std::vector<Field<typename M::Scalar, typename M::Backend>> all;
  for_each_field(module, [&](const std::string& name, const auto& leaf) {
    all.push_back({name, leaf.value, layout_of(leaf), is_parameter<std::remove_cvref_t<decltype(leaf)>>});
  });
  return all;
}

template <class M>
void list_weights(const M& module, const std::string& prefix, std::vector<NamedTensor>& tensors) {
  for_each_field(module, [&](const std::string& name, const auto& leaf) {
    tensors.emplace_back(prefix + name, to_pytorch(to<Cpu>(leaf.value), layout_of(leaf)));
  });
}
template <class M>
void take_weights(M& module, const std::string& prefix, Loading& loading) {
  for_each_field(module, [&](const std::string& name, auto& leaf) {
    using T = typename std::remove_cvref_t<decltype(leaf)>::Scalar;
    const WeightLayout layout = layout_of(leaf);
    if (auto read = loading.take<T>(prefix + name, pytorch_shape(leaf.shape(), layout))) {
      loading.later([to = leaf.value, from = from_pytorch(*read, layout, leaf.shape())] { assign(to, from); });
    }
  });
}

/// Whether a name is of the count of PyTorch's batch normalisation, which this library does not use.
FLIPBOOK_INLINE bool is_batch_count(std::string_view name);
/// The prefix of a checkpoint's entries besides the weights.
inline constexpr std::string_view training_prefix = "training/";

}  // namespace detail

/// Writes a module's parameters and buffers by their names, in PyTorch's layout, as a safetensors file, atomically,
/// with a checksum in its metadata.
/// @throws Error  if it cannot be written
template <class M>
  requires HasFields<M>
void save_weights(const std::filesystem::path& path, const M& module,
                  std::map<std::string, std::string> metadata = {}) {
  std::vector<NamedTensor> tensors;
  detail::list_weights(module, "", tensors);
  metadata.emplace("format", "pt");  // the name of the layout for readers in Python
  metadata = detail::with_checksum(std::move(metadata), tensors);
  write_safetensors(path, std::move(tensors), metadata);
}

/// Reads a module's parameters and buffers from a safetensors file: one of `save_weights`, a checkpoint, or a
/// state_dict from PyTorch, whose batch counts are ignored.
/// @param prefix  reads only names with this prefix, and removes it: "generator." selects one member of a model
/// @throws Error  if the file cannot be read, its checksum, if it has one, does not match, or a name is missing, not
///                expected or of another shape: names each; the module is then unchanged
template <class M>
  requires HasFields<M>
void load_weights(const std::filesystem::path& path, M& module, const std::string& prefix = "") {
  detail::Loading loading(read_safetensors(path));
  detail::take_weights(module, prefix, loading);
  loading.finish([&](std::string_view name) {
    return !name.starts_with(prefix) || name.starts_with(detail::training_prefix) || detail::is_batch_count(name);
  });
}

FLIPBOOK_TEMPLATE(std::optional<Tensor<float>> detail::Loading::take(const std::string&, const Shape&));

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/weights.ipp>
#endif
