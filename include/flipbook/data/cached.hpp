// SPDX-License-Identifier: MIT
#pragma once

#include <zlib.h>

#include <concepts>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/io/atomic_file.hpp>
#include <flipbook/io/pixels.hpp>
#include <flipbook/io/safetensors.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// How clips are kept on disk.
struct CachedOptions {
  bool bytes = false;  ///< 8 bits a value: a quarter of the space, exact where pixels come from 8 bits
};

/// The clips of a slow source, kept on disk: each is made when it is first asked for, and read from a file of its own
/// ever after. Files are written whole or not at all, so threads and processes may share a folder; two that make the
/// same clip at once write the same file twice.
///
/// A folder belongs to one source, which its file `source.txt` names; a cache of another is refused. Each file states
/// the source, the clip's index and a checksum, which are compared when it is read.
template <Dataset Source>
class Cached {
  static_assert(std::same_as<decltype(std::declval<const Source&>().clip(Index{})), Tensor<float>>,
                "Cached: takes a data set whose clips are frames alone");

 public:
  /// @param folder  made if it is not there
  /// @param name    tells this source from others: its kind, its options, where it reads; the shape and size of the
  ///                source are added
  /// @throws Error if the folder holds another source's clips, or cannot be made: says which
  Cached(Source source, std::filesystem::path folder, const std::string& name, const CachedOptions& options = {})
      : source_(std::move(source)), folder_(std::move(folder)), options_(options) {
    key_ = text(name, "\nclips ", source_.shape(), options.bytes ? " of 8 bits" : "");
    if constexpr (FiniteDataset<Source>) key_ += text(", ", static_cast<Index>(source_.size()), " of them");
    key_ += "\n";
    std::error_code failed;
    std::filesystem::create_directories(folder_, failed);
    require(!failed, "Cached: folder ", detail::quoted(folder_), " cannot be made: ", failed.message());
    claim();
  }

  Shape shape() const { return source_.shape(); }
  Index size() const requires FiniteDataset<Source> { return source_.size(); }

  /// @throws Error if its file is damaged or another clip's (names it), or cannot be written, and what the source
  /// throws
  Tensor<float> clip(Index index) const {
    const auto file = folder_ / text(index, ".safetensors");
    if (std::filesystem::exists(file)) return read(file, index);
    const Tensor<float> clip = source_.clip(index);  // (T, H, W, C)
    require(clip.shape() == shape(), "Cached: clip ", index, " is of shape ", clip.shape(), ", not ", shape());
    if (!options_.bytes) return write(file, index, clip), clip;
    const auto pixels = to_bytes(clip, "Cached");
    write(file, index, pixels);
    return to_unit(pixels);  // what will be read from now on
  }

 private:
  /// Makes the folder this source's unless it has one.
  void claim() const {
    const auto owner = folder_ / "source.txt";
    if (!std::filesystem::exists(owner)) {
      AtomicFile file(owner);
      file.write(key_);
      file.commit_new();
    }
    const Bytes bytes = read_file(owner, 1 << 20);
    const std::string found(bytes.begin(), bytes.end());
    require(found == key_, "Cached: folder ", detail::quoted(folder_), " holds the clips of\n", found, "and not of\n",
            key_, "another folder is needed, or an empty one");
  }

  static std::string checksum(const NamedTensor& clip) {
    return text(::crc32(0, clip.bytes().data(), static_cast<uInt>(clip.bytes().size())));
  }

  template <class T>
  void write(const std::filesystem::path& file, Index index, const Tensor<T>& clip) const {
    const NamedTensor named("clip", clip);
    write_safetensors(file, {named}, {{"source", key_}, {"clip", text(index)}, {"crc32", checksum(named)}});
  }

  Tensor<float> read(const std::filesystem::path& file, Index index) const {
    const SafetensorsFile content = read_safetensors(file);
    const auto stated = [&](const char* what) {
      const auto found = content.metadata.find(what);
      return found == content.metadata.end() ? std::string() : found->second;
    };
    const auto found = content.tensors.find("clip");
    require(found != content.tensors.end() && stated("source") == key_ && stated("clip") == text(index) &&
                found->second.shape() == shape(),
            "Cached: ", detail::quoted(file), " is not clip ", index, " of\n", key_);
    require(checksum(found->second) == stated("crc32"), "Cached: ", detail::quoted(file),
            " is damaged: its checksum is ", checksum(found->second), ", not ", stated("crc32"),
            "; once it is removed, it will be made anew");
    return options_.bytes ? to_unit(found->second.get<std::uint8_t>()) : found->second.get<float>();
  }

  Source source_;
  std::filesystem::path folder_;
  CachedOptions options_;
  std::string key_;
};

}  // namespace flipbook
