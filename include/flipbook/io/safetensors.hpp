#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <flipbook/io/atomic_file.hpp>
#include <flipbook/io/stored.hpp>

namespace flipbook {

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

  bool contains(const std::string& name) const { return tensors.contains(name); }

  /// The tensor of that name, converted to T.
  /// @throws Error if there is none, or its type does not convert
  template <Element T>
  Tensor<T> get(const std::string& name) const {
    const auto found = tensors.find(name);
    if (found == tensors.end()) fail("safetensors: ", detail::quoted(path), " has no tensor '", name, "'");
    return found->second.template get<T>();
  }
};

namespace detail {

inline constexpr std::pair<const char*, Stored> safetensors_types[] = {
    {"F64", Stored::f64}, {"F32", Stored::f32}, {"F16", Stored::f16}, {"BF16", Stored::bf16},
    {"I64", Stored::i64}, {"I32", Stored::i32}, {"I16", Stored::i16}, {"I8", Stored::i8},
    {"U8", Stored::u8},   {"BOOL", Stored::boolean}};

/// The header as JSON; a name given twice is refused, which the parser by itself would let pass, and so
/// is deep nesting, which would exhaust the stack when quoted in a message.
inline nlohmann::json parse_header(std::span<const std::uint8_t> header) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    require(depth <= 3, "its header is nested deeper than any of this format");
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      require(keys.back().insert(key).second, "'", key, "' stands twice in its header");
    }
    return true;
  };
  try {
    return nlohmann::json::parse(header.begin(), header.end(), check);
  } catch (const nlohmann::json::exception& error) {
    fail("its header is not JSON: ", error.what());
  }
}

struct Extent64 {
  std::uint64_t first, last;
};

/// One entry of the header, checked by itself: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}.
inline std::pair<NamedTensor, Extent64> parse_entry(const std::string& name, const nlohmann::json& entry,
                                                    const std::shared_ptr<const Bytes>& file, std::size_t data_begin) {
  const auto whole = [](const nlohmann::json& value) { return value.is_number_unsigned(); };
  const auto has = [&](const char* key) { return entry.contains(key); };
  require(entry.is_object() && entry.size() == 3 && has("dtype") && has("shape") && has("data_offsets"), "tensor '",
          name, "' needs dtype, shape and data_offsets, and nothing else");
  const auto &dtype = entry["dtype"], &extents = entry["shape"], &offsets = entry["data_offsets"];

  const auto type = std::find_if(std::begin(safetensors_types), std::end(safetensors_types),
                                 [&](const auto& known) { return dtype == known.first; });
  require(type != std::end(safetensors_types), "tensor '", name, "' is of unknown dtype ", dtype.dump());
  require(extents.is_array() && std::all_of(extents.begin(), extents.end(), whole), "tensor '", name,
          "' has the shape ", extents.dump());
  require(extents.size() <= Shape::max_rank, "tensor '", name, "' is of rank ", extents.size(), "; at most ",
          Shape::max_rank, " is supported");
  require(offsets.is_array() && offsets.size() == 2 && std::all_of(offsets.begin(), offsets.end(), whole), "tensor '",
          name, "' has the data_offsets ", offsets.dump());

  const auto sizes = extents.get<std::vector<std::uint64_t>>();
  const Extent64 at{offsets[0].get<std::uint64_t>(), offsets[1].get<std::uint64_t>()};
  require(at.first <= at.last && at.last <= file->size() - data_begin, "tensor '", name, "' lies at [", at.first, ", ",
          at.last, ") of ", file->size() - data_begin, " bytes");
  const auto bytes = checked_product(sizes, size_of(type->second));
  require(bytes && static_cast<std::uint64_t>(*bytes) == at.last - at.first, "tensor '", name, "' of ", type->first,
          " and shape ", extents.dump(), " cannot take ", at.last - at.first, " bytes");
  const std::span data(file->data() + data_begin + at.first, at.last - at.first);
  return {NamedTensor(name, type->second, Shape(sizes.begin(), sizes.end()), data, file), at};
}

inline SafetensorsFile parse_safetensors(std::shared_ptr<const Bytes> file) {
  require(file->size() >= 8, "it has ", file->size(), " bytes, fewer than the length of a header takes");
  std::uint64_t header_length = 0;
  std::memcpy(&header_length, file->data(), 8);
  require(header_length <= file->size() - 8, "it has ", file->size() - 8, " bytes after the length of its header, ",
          header_length);
  const std::size_t data_begin = 8 + header_length;
  require(header_length > 0 && (*file)[8] == '{', "its header is not a JSON object");
  const nlohmann::json header = parse_header({file->data() + 8, header_length});
  require(header.is_object(), "its header is not a JSON object");

  SafetensorsFile parsed;
  std::vector<Extent64> occupied;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      require(entry.is_object(), "its __metadata__ is not an object");
      for (const auto& [key, value] : entry.items()) {
        require(value.is_string(), "the metadata '", key, "' is not a string");
        parsed.metadata.emplace(key, value.get<std::string>());
      }
      continue;
    }
    auto [tensor, at] = parse_entry(name, entry, file, data_begin);
    parsed.tensors.emplace(name, std::move(tensor));
    occupied.push_back(at);
  }
  std::sort(occupied.begin(), occupied.end(), [](const Extent64& a, const Extent64& b) {
    return std::pair(a.first, a.last) < std::pair(b.first, b.last);
  });
  std::uint64_t reached = 0;
  for (const Extent64& at : occupied) {
    require(at.first == reached, "its tensors ", at.first < reached ? "overlap" : "leave a gap", " at byte ", at.first);
    reached = at.last;
  }
  require(reached == file->size() - data_begin, "its tensors end at byte ", reached, " of ", file->size() - data_begin);
  return parsed;
}

}  // namespace detail

/// Reads a safetensors file (https://github.com/huggingface/safetensors): a length (8 bytes), a header of
/// that length (JSON: dtype, shape and place of each tensor), the numbers. Everything that the header says
/// is checked against the bytes that are there, and the tensors must fill them without overlap or gap.
/// @throws Error if the file cannot be read, or says anything that does not hold
inline SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  auto bytes = std::make_shared<const Bytes>(read_file(path));
  try {
    SafetensorsFile file = detail::parse_safetensors(std::move(bytes));
    file.path = path;
    return file;
  } catch (const Error& error) {
    fail("safetensors: ", detail::quoted(path), " is refused: ", error.what());
  }
}

/// Writes tensors and strings as a safetensors file, atomically. Wider types stand first, so that every
/// tensor is aligned to its type where the file is mapped into memory.
/// @throws Error if a name occurs twice or is not UTF-8, or the file cannot be written
inline void write_safetensors(const std::filesystem::path& path, std::vector<NamedTensor> tensors,
                              const std::map<std::string, std::string>& metadata = {}) {
  std::sort(tensors.begin(), tensors.end(), [](const NamedTensor& a, const NamedTensor& b) {
    return std::pair(size_of(b.stored()), a.name()) < std::pair(size_of(a.stored()), b.name());
  });
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    require(!header.contains(tensor.name()) && tensor.name() != "__metadata__", "safetensors: the name '",
            tensor.name(), "' for ", detail::quoted(path), " is taken");
    const auto type = std::find_if(std::begin(detail::safetensors_types), std::end(detail::safetensors_types),
                                   [&](const auto& known) { return known.second == tensor.stored(); });
    header[tensor.name()] = {{"dtype", type->first},
                             {"shape", std::vector<Index>(tensor.shape().begin(), tensor.shape().end())},
                             {"data_offsets", {offset, offset + tensor.bytes().size()}}};
    offset += tensor.bytes().size();
  }
  std::string characters;
  try {
    characters = header.dump();
  } catch (const nlohmann::json::exception& error) {
    fail("safetensors: a name or metadata for ", detail::quoted(path), " is not UTF-8: ", error.what());
  }
  characters.resize((characters.size() + 7) / 8 * 8, ' ');  // the numbers begin at a multiple of 8

  AtomicFile file(path);
  const std::uint64_t length = characters.size();
  file.write(&length, sizeof(length));
  file.write(characters);
  for (const NamedTensor& tensor : tensors) file.write(tensor.bytes());
  file.commit();
}

}  // namespace flipbook
