// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flipbook/io/atomic_file.hpp>
#include <flipbook/io/json.hpp>
#include <flipbook/io/stored.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A named tensor of any type, for exchanging weights. It shares the memory of the tensor from which it was made.
class NamedTensor {
 public:
  template <Element T>
  NamedTensor(std::string name, const Tensor<T, Cpu>& x)
      : NamedTensor(std::move(name), stored_as<T>(), x.shape(), as_bytes(x), std::make_shared<Tensor<T, Cpu>>(x)) {}
  NamedTensor(std::string name, Stored stored, const Shape& shape, std::span<const std::uint8_t> bytes,
              std::shared_ptr<const void> owner)
      : name_(std::move(name)), stored_(stored), shape_(shape), bytes_(bytes), owner_(std::move(owner)) {}

  const std::string& name() const noexcept { return name_; }
  Stored stored() const noexcept { return stored_; }
  const Shape& shape() const noexcept { return shape_; }
  std::span<const std::uint8_t> bytes() const noexcept { return bytes_; }

  /// The elements as type T: an independent copy.
  /// @throws Error if the stored type does not convert to T (see from_stored)
  template <Element T>
  Tensor<T> get() const {
    return from_stored<T>(stored_, shape_, bytes_, "tensor '" + name_ + "'");
  }

 private:
  std::string name_;
  Stored stored_;
  Shape shape_;
  std::span<const std::uint8_t> bytes_;
  std::shared_ptr<const void> owner_;
};

/// The content of a safetensors file.
struct SafetensorsFile {
  std::filesystem::path path;
  std::map<std::string, NamedTensor> tensors;
  std::map<std::string, std::string> metadata;
  std::map<std::string, std::string> unreadable;  ///< tensors of an unsupported type or rank, by name, and which

  bool contains(const std::string& name) const { return tensors.contains(name); }

  /// The tensor of that name, converted to T.
  /// @throws Error if there is none, it is unreadable, or its type does not convert
  template <Element T>
  Tensor<T> get(const std::string& name) const {
    const auto found = tensors.find(name);
    if (const auto other = unreadable.find(name); other != unreadable.end())
      fail("safetensors: ", detail::quoted(path), ": tensor '", name, "': ", other->second);
    if (found == tensors.end()) fail("safetensors: ", detail::quoted(path), " has no tensor '", name, "'");
    return found->second.template get<T>();
  }
};

namespace detail {

inline constexpr std::pair<const char*, Stored> safetensors_types[] = {
    {"F64", Stored::f64}, {"F32", Stored::f32},     {"F16", Stored::f16}, {"BF16", Stored::bf16},
    {"I64", Stored::i64}, {"I32", Stored::i32},     {"I16", Stored::i16}, {"I8", Stored::i8},
    {"U8", Stored::u8},   {"BOOL", Stored::boolean}};

/// The name of a type in safetensors files.
FLIPBOOK_INLINE const char* dtype_of(Stored stored);

/// The position of a tensor's elements, from the end of the header.
struct Extent64 {
  std::uint64_t first, last;
};

/// A header's entry of one tensor: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}.
struct SafetensorsEntry {
  std::optional<std::string> dtype;
  std::optional<std::vector<std::uint64_t>> shape, offsets;

  explicit SafetensorsEntry(JsonReader& json);

  /// The reason why a tensor with a valid entry cannot be read, or nothing.
  std::string unreadable() const;
  /// The tensor, from the part of the file that follows the header.
  NamedTensor tensor(const std::string& name, std::span<const std::uint8_t> data,
                     const std::shared_ptr<const Bytes>& file) const;
  Extent64 extent() const { return {(*offsets)[0], (*offsets)[1]}; }
};

/// Requires that tensors fill the data from its beginning to its end.
FLIPBOOK_INLINE void require_gapless(std::vector<Extent64> occupied, std::uint64_t size);

FLIPBOOK_INLINE SafetensorsFile parse_safetensors(const std::shared_ptr<const Bytes>& file);

}  // namespace detail

/// Reads a safetensors file (https://github.com/huggingface/safetensors): a length (8 bytes), a header of that length
/// (JSON: dtype, shape and position of each tensor), the elements. The whole header is checked against the file's
/// bytes; tensors must fill them without overlap or gap. A tensor of an unsupported type, or of more than 6 axes,
/// causes an error only when it is requested.
/// @throws Error if the file cannot be read, or its header is wrong
FLIPBOOK_INLINE SafetensorsFile read_safetensors(const std::filesystem::path& path);

namespace detail {

FLIPBOOK_INLINE std::string metadata_json(const std::map<std::string, std::string>& metadata);

FLIPBOOK_INLINE std::string entry_json(const NamedTensor& tensor, std::size_t first, std::size_t last);

/// The beginning of a file. Sorts the tensors into their order in the file.
FLIPBOOK_INLINE std::string safetensors_header(const std::filesystem::path& path, std::vector<NamedTensor>& tensors,
                                               const std::map<std::string, std::string>& metadata);

/// Writes the content that `write_safetensors` commits.
FLIPBOOK_INLINE void write_safetensors_to(AtomicFile& file, const std::filesystem::path& path,
                                          std::vector<NamedTensor> tensors,
                                          const std::map<std::string, std::string>& metadata);

}  // namespace detail

/// Writes tensors and strings as a safetensors file, atomically. Wider types come first, so that every tensor is
/// aligned to its type if the file is mapped into memory.
/// @throws Error if a name occurs twice or is not UTF-8, or the file cannot be written
FLIPBOOK_INLINE void write_safetensors(const std::filesystem::path& path, std::vector<NamedTensor> tensors,
                                       const std::map<std::string, std::string>& metadata = {});

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/io/safetensors.ipp>
#endif
