// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/io/safetensors.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE const char* dtype_of(Stored stored) {
  return std::find_if(std::begin(safetensors_types), std::end(safetensors_types),
                      [&](const auto& known) { return known.second == stored; })
      ->first;
}

FLIPBOOK_INLINE SafetensorsEntry::SafetensorsEntry(JsonReader& json) {
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

FLIPBOOK_INLINE std::string SafetensorsEntry::unreadable() const {
  const auto is_named = [&](const auto& known) { return *dtype == known.first; };
  if (std::none_of(std::begin(safetensors_types), std::end(safetensors_types), is_named))
    return text("its dtype, ", *dtype, ", is unknown");
  if (shape->size() > Shape::max_rank)
    return text("it is of rank ", shape->size(), "; at most ", Shape::max_rank, " is read");
  return "";
}

FLIPBOOK_INLINE NamedTensor SafetensorsEntry::tensor(const std::string& name, std::span<const std::uint8_t> data,
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

FLIPBOOK_INLINE void require_gapless(std::vector<Extent64> occupied, std::uint64_t size) {
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

FLIPBOOK_INLINE SafetensorsFile parse_safetensors(const std::shared_ptr<const Bytes>& file) {
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

FLIPBOOK_INLINE SafetensorsFile read_safetensors(const std::filesystem::path& path) {
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

FLIPBOOK_INLINE std::string metadata_json(const std::map<std::string, std::string>& metadata) {
  std::string json = "{", separator;
  for (const auto& [key, value] : metadata) json += std::exchange(separator, ",") + to_json(key) + ":" + to_json(value);
  return json + "}";
}

FLIPBOOK_INLINE std::string entry_json(const NamedTensor& tensor, std::size_t first, std::size_t last) {
  std::string extents, separator;
  for (const Index extent : tensor.shape()) extents += text(std::exchange(separator, ","), extent);
  return text(R"({"dtype":")", dtype_of(tensor.stored()), R"(","shape":[)", extents, R"(],"data_offsets":[)", first,
              ",", last, "]}");
}

FLIPBOOK_INLINE std::string safetensors_header(const std::filesystem::path& path, std::vector<NamedTensor>& tensors,
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

FLIPBOOK_INLINE void write_safetensors_to(AtomicFile& file, const std::filesystem::path& path,
                                          std::vector<NamedTensor> tensors,
                                          const std::map<std::string, std::string>& metadata) {
  const std::string header = safetensors_header(path, tensors, metadata);
  const std::uint64_t length = header.size();
  file.write(&length, sizeof(length));
  file.write(header);
  for (const NamedTensor& tensor : tensors) file.write(tensor.bytes());
}

}  // namespace detail

FLIPBOOK_INLINE void write_safetensors(const std::filesystem::path& path, std::vector<NamedTensor> tensors,
                                       const std::map<std::string, std::string>& metadata) {
  AtomicFile file(path);
  detail::write_safetensors_to(file, path, std::move(tensors), metadata);
  file.commit();
}

}  // namespace flipbook
