// SPDX-License-Identifier: MIT
#include "data.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include <flipbook/data/idx.hpp>
#include <flipbook/data/image_folder.hpp>
#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/io/npy.hpp>
#if FLIPBOOK_VIDEO
#include <flipbook/data/video_files.hpp>
#endif

#include "generated.hpp"

namespace flipbook::examples {

namespace {

const std::filesystem::path fashion_mnist = "/usr/share/datasets/fashion-mnist";
const auto fashion_training = fashion_mnist / "train-images-idx3-ubyte.gz",
           fashion_test = fashion_mnist / "t10k-images-idx3-ubyte.gz";
bool has_fashion() { return std::filesystem::exists(fashion_training) && std::filesystem::exists(fashion_test); }

bool is_generated(const std::filesystem::path& name) {
  const auto names = generated_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The images of an IDX file, resized to size × size.
Tensor<std::uint8_t> sprites_of(const std::filesystem::path& file, Index size) {
  const auto images = read_idx(file);
  require(images.rank() == 3 && images.size() > 0, "--data '", file.string(), "': needs images (N, H, W), it has ",
          images.shape());
  if (images.extent(1) == size && images.extent(2) == size) return images;
  Tensor<std::uint8_t> resized({images.extent(0), size, size});
  for (Index i = 0; i < images.extent(0); ++i) {
    const auto image = to_frame(images[i].reshape({images.extent(1), images.extent(2), 1}), {size, size, 1, false});
    std::copy(image.begin(), image.end(), resized[i].begin());
  }
  return resized;
}

/// How large the images of sprites are.
Index sprite_size(const ClipFormat& format) {
  return std::min(format.size, format.sprite > 0 ? format.sprite : std::max<Index>(1, format.size * 28 / 64));
}

/// Images of one file to learn from, of the other to judge by, moving.
Data moving(const std::filesystem::path& training, const std::filesystem::path& test, const ClipFormat& format,
            std::uint64_t seed, std::string name) {
  const Index size = sprite_size(format);
  const auto source = [&](const std::filesystem::path& file, std::uint64_t stream) {
    const MovingSprites::Options options{
        .frames = format.frames, .canvas = format.size, .sprites = format.sprites, .seed = stream};
    return MovingSprites(sprites_of(file, size), options);
  };
  const MovingSprites sprites = source(training, 2 * seed);
  Data data{WithChannels(sprites, format.channels), WithChannels(source(test, 2 * seed + 1), format.channels),
            std::move(name)};
  if (format.channels == 1) data.sprites = sprites;
  return data;
}

/// The last tenth of a finite source is kept to judge by; both parts are read for ever, shuffled.
/// @param overlapping  how many clips before a clip share frames with it: so many are used for neither
template <FiniteDataset Source>
Data held_out(const Source& source, std::uint64_t seed, std::string name, Index overlapping = 0) {
  const Index size = source.size(), kept = std::max<Index>(1, size / 10);
  const Part training(source, 0, std::max<Index>(1, size - kept - overlapping)), test(source, size - kept, size);
  return {Shuffled(training, seed), Shuffled(test, seed), std::move(name)};
}

/// An array of videos cut into clips of the format, one after another.
TensorDataset clips_of_npy(const std::filesystem::path& file, const ClipFormat& format) {
  auto videos = read_npy_video(file);
  if (videos.extent(0) == 20 && videos.extent(1) >= 1000) videos = read_npy_video(file, NpyLayout::frames_first);
  const Index count = videos.extent(0), each = videos.extent(1) / format.frames;
  require(count * each > 0 && (videos.extent(4) == 1 || videos.extent(4) == 3), "--data '", file.string(), "': shape ",
          videos.shape(), "; needs videos (N, T, H, W, 1 or 3) of at least ", format.frames, " frames");
  Tensor<float> clips({count * each, format.frames, format.size, format.size, videos.extent(4)});
  float* to = clips.data();
  for (Index n = 0; n < count; ++n) {
    for (Index t = 0; t < each * format.frames; ++t) {
      const auto frame = resize(centre_crop(videos[n][t], format.size, format.size), format.size, format.size);
      to = std::copy(frame.begin(), frame.end(), to);
    }
  }
  return TensorDataset(clips);
}

/// What the first bytes of a file say that it is.
enum class FileKind { idx, npy, other };
FileKind kind_of(const std::filesystem::path& file) {
  std::array<std::uint8_t, 6> head{};
  const std::unique_ptr<std::FILE, detail::CloseFile> opened(std::fopen(file.c_str(), "rb"));
  require(opened != nullptr, "--data '", file.string(), "' cannot be opened: ", detail::reason());
  require(std::fread(head.data(), 1, head.size(), opened.get()) >= 4, "--data '", file.string(),
          "' holds next to nothing");
  if (std::memcmp(head.data(), "\x93NUMPY", 6) == 0) return FileKind::npy;
  const bool gzip = head[0] == 0x1f && head[1] == 0x8b,
             idx = head[0] == 0 && head[1] == 0 && head[2] == 8 && head[3] <= 4;
  return gzip || idx ? FileKind::idx : FileKind::other;
}

Data open_videos([[maybe_unused]] const std::filesystem::path& path, [[maybe_unused]] const ClipFormat& format,
                 [[maybe_unused]] std::uint64_t seed) {
#if FLIPBOOK_VIDEO
  const FrameSize size{format.size, format.size, format.channels};
  const Index stride = std::max<Index>(1, format.frames / 2);
  return held_out(VideoFiles(path, {.frames = format.frames, .stride = stride, .size = size}), seed, path.string(),
                  (format.frames - 1) / stride);
#else
  fail("--data '", path.string(),
       "' is not IDX, .npy or a folder of images, and this program was built without FFmpeg, "
       "which reads videos");
#endif
}

/// Whether there are images in a folder or in those inside it.
bool holds_images(const std::filesystem::path& folder) {
  const auto here = [](const std::filesystem::path& each) {
    return !files_in(each, {".png", ".jpg", ".jpeg"}).empty();
  };
  bool found = here(folder);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    found = found || (entry.is_directory() && here(entry.path()));
  }
  return found;
}

Data open_folder(const std::filesystem::path& folder, const ClipFormat& format, std::uint64_t seed) {
  if (!holds_images(folder)) return open_videos(folder, format, seed);
  const FrameSize size{format.size, format.size, format.channels};
  return held_out(ImageFolder(folder, {.frames = format.frames, .size = size}), seed, folder.string(),
                  format.frames - 1);
}

}  // namespace

Data procedural(const ClipFormat& format, std::uint64_t seed) {
  const auto source = [&](std::uint64_t stream) {
    return WithChannels(
        MovingShapes({.frames = format.frames, .canvas = format.size, .shapes = format.sprites, .seed = stream}),
        format.channels);
  };
  return {source(2 * seed), source(2 * seed + 1), "coloured shapes that move, made by this program", true};
}

std::string unknown_data(const std::filesystem::path& path) {
  if (std::filesystem::exists(path) || is_generated(path)) return "";
  std::string names;
  for (const std::string& name : generated_names()) names += ", " + name;
  return "'" + path.string() + "': there is no such file or folder, nor is it one of " + names.substr(2);
}

Data open_data(const std::filesystem::path& path, const ClipFormat& format, std::uint64_t seed) {
  if (path.empty()) {
    return has_fashion() ? moving(fashion_training, fashion_test, format, seed, "Moving Fashion-MNIST")
                         : procedural(format, seed);
  }
  if (is_generated(path)) {
    return generated(path, format, seed, [&](DataSplit part) {
      const Index size = sprite_size(format);
      if (!has_fashion()) return split_of(drawn_images(200, size), part);
      return sprites_of(part == DataSplit::training ? fashion_training : fashion_test, size);
    });
  }
  if (const std::string wrong = unknown_data(path); !wrong.empty()) fail("--data ", wrong);
  if (std::filesystem::is_directory(path)) return open_folder(path, format, seed);
  switch (kind_of(path)) {
    case FileKind::idx: return moving(path, path, format, seed, path.string() + ", moving");
    case FileKind::npy: return held_out(WithChannels(clips_of_npy(path, format), format.channels), seed, path.string());
    case FileKind::other: break;
  }
  return open_videos(path, format, seed);
}

}  // namespace flipbook::examples
