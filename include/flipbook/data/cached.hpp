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

/// How clips are stored on disk.
struct CachedOptions {
  bool bytes = false;  ///< 8 bits per value: a quarter of the space, lossless for pixels from 8 bits
};

/// A cache on disk of a slow source's clips: each is computed when it is first requested, and read from its own file
/// afterwards. Files are written atomically, so threads and processes may share a folder; two that compute the same
/// clip at once write the same file twice.
///
/// A folder belongs to one source, named in its file `source.txt`; the cache of another source is refused. Each clip's
/// file states the source, the clip's index and a checksum, which are compared when it is read.
template <Dataset Source>
class Cached {
  static_assert(std::same_as<decltype(std::declval<const Source&>().clip(Index{})), Tensor<float>>,
                "Cached: takes a data set whose clips are frames alone");

 public:
  /// @param folder  created if missing
  /// @param name    identifies the source: its kind, options and path; the shape and size of the source are added
  /// @throws Error if the folder contains another source's clips (states which), or cannot be created
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

  /// @throws Error if the clip's file is damaged or another clip's (names it), or cannot be written, or if the source's
  ///         clip has another shape; also whatever the source throws
  Tensor<float> clip(Index index) const {
    const auto file = folder_ / text(index, ".safetensors");
    if (std::filesystem::exists(file)) return read(file, index);
    const Tensor<float> clip = source_.clip(index);  // (T, H, W, C)
    require(clip.shape() == shape(), "Cached: clip ", index, " is of shape ", clip.shape(), ", not ", shape());
    if (!options_.bytes) return write(file, index, clip), clip;
    const auto pixels = to_bytes(clip, "Cached");
    write(file, index, pixels);
    return to_unit(pixels);  // the values that later calls read
  }

 private:
  /// Writes `source.txt` if it is missing, and requires that it names this source.
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
