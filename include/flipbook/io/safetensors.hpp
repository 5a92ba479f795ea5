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

/// A tensor of any type under a name, as weights are exchanged. It shares the memory it was made from.
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

  /// Its elements as type T: an independent copy.
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

/// What a safetensors file holds.
struct SafetensorsFile {
  std::filesystem::path path;
  std::map<std::string, NamedTensor> tensors;
  std::map<std::string, std::string> metadata;
  std::map<std::string, std::string> unreadable;  ///< names of tensors of a type or rank that is not read, and which

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

/// What safetensors call a type.
inline const char* dtype_of(Stored stored) {
  return std::find_if(std::begin(safetensors_types), std::end(safetensors_types),
                      [&](const auto& known) { return known.second == stored; })
      ->first;
}

/// Where a tensor's numbers lie, counted from the end of the header.
struct Extent64 {
  std::uint64_t first, last;
};

/// What a header says of one tensor: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}.
struct SafetensorsEntry {
  std::optional<std::string> dtype;
  std::optional<std::vector<std::uint64_t>> shape, offsets;

  explicit SafetensorsEntry(JsonReader& json) {
    const auto numbers = [&] {
      std::vector<std::uint64_t> read;
      json.array([&] { read.push_back(json.number()); });
      return read;
    };
    json.object([&](const std::string& key) {
      if (key == "dtype") dtype = json.string();
      else if (key == "shape") shape = numbers();
      else if (key == "data_offsets") offsets = numbers();
      else fail("it has the unknown key '", key, "'");
    });
    require(dtype && shape && offsets, "it needs dtype, shape and data_offsets");
    require(offsets->size() == 2, "it needs two data_offsets, not ", offsets->size());
  }

  /// Why the tensor cannot be read, although what is said of it may hold; or nothing.
  std::string unreadable() const {
    const auto is_named = [&](const auto& known) { return *dtype == known.first; };
    if (std::none_of(std::begin(safetensors_types), std::end(safetensors_types), is_named))
      return text("its dtype, ", *dtype, ", is unknown");
    if (shape->size() > Shape::max_rank)
      return text("it is of rank ", shape->size(), "; at most ", Shape::max_rank, " is read");
    return "";
  }
  /// The tensor itself, in the part of the file that follows the header.
  NamedTensor tensor(const std::string& name, std::span<const std::uint8_t> data,
                     const std::shared_ptr<const Bytes>& file) const {
    const auto type = std::find_if(std::begin(safetensors_types), std::end(safetensors_types),
                                   [&](const auto& known) { return *dtype == known.first; });
    const auto bytes = checked_product(*shape, size_of(type->second));
    require(bytes.has_value(), "its extents multiply to more than can be held");
    const Shape extents(shape->begin(), shape->end());
    const auto [first, last] = extent();
    require(first <= last && last <= data.size(), "it lies at [", first, ", ", last, ") of ", data.size(), " bytes");
    require(static_cast<std::uint64_t>(*bytes) == last - first, *dtype, " of shape ", extents, " takes ", *bytes,
            " bytes, not ", last - first);
    return NamedTensor(name, type->second, extents, data.subspan(first, last - first), file);
  }
  Extent64 extent() const { return {(*offsets)[0], (*offsets)[1]}; }
};

/// Tensors must fill the data from its beginning to its end.
inline void require_gapless(std::vector<Extent64> occupied, std::uint64_t size) {
  std::sort(occupied.begin(), occupied.end(), [](const Extent64& a, const Extent64& b) {
    return std::pair(a.first, a.last) < std::pair(b.first, b.last);
  });
  std::uint64_t reached = 0;
  for (const Extent64& at : occupied) {
    require(at.first == reached, "its tensors ", at.first < reached ? "overlap" : "leave a gap", " at byte ", at.first);
    reached = at.last;
  }
  require(reached == size, "its tensors end at byte ", reached, " of ", size);
}

inline SafetensorsFile parse_safetensors(const std::shared_ptr<const Bytes>& file) {
  require(file->size() >= 8, "it has ", file->size(), " bytes, fewer than the length of a header takes");
  std::uint64_t header_length = 0;
  std::memcpy(&header_length, file->data(), 8);
  constexpr std::uint64_t most = 100'000'000;  // as in the format's reference implementation
  require(header_length <= most, "its header is of ", header_length, " bytes; at most ", most, " are read");
  require(header_length <= file->size() - 8, "it has ", file->size() - 8, " bytes after the length of its header, ",
          header_length);
  const std::string_view header(reinterpret_cast<const char*>(file->data()) + 8, header_length);
  const std::span data = std::span(*file).subspan(8 + header_length);
  require(header.starts_with('{'), "its header does not begin with '{'");

  SafetensorsFile parsed;
  std::vector<Extent64> occupied;
  JsonReader json(header);
  json.object([&](const std::string& name) {
    if (name == "__metadata__") {
      json.object([&](const std::string& key) { parsed.metadata.emplace(key, json.string()); });
      return;
    }
    try {
      const SafetensorsEntry entry(json);
      if (auto reason = entry.unreadable(); !reason.empty()) parsed.unreadable.emplace(name, std::move(reason));
      else parsed.tensors.emplace(name, entry.tensor(name, data, file));
      occupied.push_back(entry.extent());
    } catch (const Error& error) {
      fail("tensor '", name, "': ", error.what());
    }
  });
  json.end();
  require_gapless(std::move(occupied), data.size());
  return parsed;
}

}  // namespace detail

/// Reads a safetensors file (https://github.com/huggingface/safetensors): a length (8 bytes), a header of
/// that length (JSON: dtype, shape and place of each tensor), the numbers. Everything that the header says
/// is checked against the bytes that are there, and the tensors must fill them without overlap or gap. A tensor of
/// another type, or of more than 6 axes, is an error only for who asks for it.
/// @throws Error if the file cannot be read, or says anything that does not hold
inline SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  const auto bytes = std::make_shared<const Bytes>(read_file(path));
  try {
    SafetensorsFile file = detail::parse_safetensors(bytes);
    file.path = path;
    return file;
  } catch (const Error& error) {
    fail("safetensors: ", detail::quoted(path), " is refused: ", error.what());
  }
}

namespace detail {

inline std::string metadata_json(const std::map<std::string, std::string>& metadata) {
  std::string json = "{", separator;
  for (const auto& [key, value] : metadata) json += std::exchange(separator, ",") + to_json(key) + ":" + to_json(value);
  return json + "}";
}

inline std::string entry_json(const NamedTensor& tensor, std::size_t first, std::size_t last) {
  std::string extents, separator;
  for (const Index extent : tensor.shape()) extents += text(std::exchange(separator, ","), extent);
  return text(R"({"dtype":")", dtype_of(tensor.stored()), R"(","shape":[)", extents, R"(],"data_offsets":[)", first,
              ",", last, "]}");
}

/// What a file begins with. Sorts the tensors into the order in which they follow it.
inline std::string safetensors_header(const std::filesystem::path& path, std::vector<NamedTensor>& tensors,
                                      const std::map<std::string, std::string>& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const NamedTensor& a, const NamedTensor& b) {
    return std::pair(size_of(b.stored()), a.name()) < std::pair(size_of(a.stored()), b.name());
  });
  std::string header = "{", separator;
  const auto add = [&](const std::string& key, const std::string& value) {
    header += std::exchange(separator, ",") + to_json(key) + ":" + value;
  };
  if (!metadata.empty()) add("__metadata__", metadata_json(metadata));
  std::set<std::string> taken{"__metadata__"};
  std::size_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    require(taken.insert(tensor.name()).second, "safetensors: the name '", tensor.name(), "' for ", quoted(path),
            " is taken");
    const std::size_t first = std::exchange(offset, offset + tensor.bytes().size());
    add(tensor.name(), entry_json(tensor, first, offset));
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');  // the numbers begin at a multiple of 8
  return header;
}

/// Writes what `write_safetensors` commits.
inline void write_safetensors_to(AtomicFile& file, const std::filesystem::path& path, std::vector<NamedTensor> tensors,
                                 const std::map<std::string, std::string>& metadata) {
  const std::string header = safetensors_header(path, tensors, metadata);
  const std::uint64_t length = header.size();
  file.write(&length, sizeof(length));
  file.write(header);
  for (const NamedTensor& tensor : tensors) file.write(tensor.bytes());
}

}  // namespace detail

/// Writes tensors and strings as a safetensors file, atomically. Wider types stand first, so that every
/// tensor is aligned to its type where the file is mapped into memory.
/// @throws Error if a name occurs twice or is not UTF-8, or the file cannot be written
inline void write_safetensors(const std::filesystem::path& path, std::vector<NamedTensor> tensors,
                              const std::map<std::string, std::string>& metadata = {}) {
  AtomicFile file(path);
  detail::write_safetensors_to(file, path, std::move(tensors), metadata);
  file.commit();
}

}  // namespace flipbook
