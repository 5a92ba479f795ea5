// SPDX-License-Identifier: MIT
#include "data.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include <flipbook/data/combined.hpp>
#include <flipbook/data/fixed_camera.hpp>
#include <flipbook/data/fluid_flow.hpp>
#include <flipbook/data/gravity_sprites.hpp>
#include <flipbook/data/gray_scott.hpp>
#include <flipbook/data/idx.hpp>
#include <flipbook/data/image_folder.hpp>
#include <flipbook/data/maze.hpp>
#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/data/pendulum.hpp>
#include <flipbook/data/rain.hpp>
#include <flipbook/data/split.hpp>
#include <flipbook/data/stochastic_sprites.hpp>
#include <flipbook/io/npy.hpp>
#if FLIPBOOK_VIDEO
#include <flipbook/data/video_files.hpp>
#endif

namespace flipbook::examples {

namespace {

const std::filesystem::path fashion_mnist = "/usr/share/datasets/fashion-mnist";
const auto fashion_training = fashion_mnist / "train-images-idx3-ubyte.gz",
           fashion_test = fashion_mnist / "t10k-images-idx3-ubyte.gz";
bool has_fashion() { return std::filesystem::exists(fashion_training) && std::filesystem::exists(fashion_test); }

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

/// The images of a file, moving.
MovingSprites moving(const std::filesystem::path& file, const ClipFormat& format, std::uint64_t seed) {
  const MovingSprites::Options options{
      .frames = format.frames, .canvas = format.size, .sprites = format.sprites, .seed = seed};
  return MovingSprites(sprites_of(file, sprite_size(format)), options);
}
/// Those of one file to learn from, of the other to judge by.
Data moving(const std::filesystem::path& training, const std::filesystem::path& test, const ClipFormat& format,
            std::uint64_t seed, std::string name) {
  const MovingSprites sprites = moving(training, format, 2 * seed);
  Data data{WithChannels(sprites, format.channels), WithChannels(moving(test, format, 2 * seed + 1), format.channels),
            std::move(name)};
  if (format.channels == 1) data.sprites = sprites;
  return data;
}

/// The last tenth of a finite source is kept to judge by; both parts are read for ever, shuffled.
/// @param overlapping  how many clips before a clip share frames with it: so many are used for neither
template <FiniteDataset Source>
Data held_out(const Source& source, std::uint64_t seed, std::string name, Index overlapping = 0) {
  const Index size = source.size(), kept = std::max<Index>(1, size / 10);
  const Subset training(source, 0, std::max<Index>(1, size - kept - overlapping)), test(source, size - kept, size);
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

/// The file of labels beside an IDX file of images, by MNIST's names; as it is where it has none of these.
std::filesystem::path labels_beside(const std::filesystem::path& images) {
  std::string name = images.filename().string();
  const auto at = name.rfind("images-idx3");
  if (at != std::string::npos) name.replace(at, 11, "labels-idx1");
  return images.parent_path() / name;
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
  const auto tell = [terminal = ::isatty(STDERR_FILENO) != 0](Index done, Index all) {
    if (terminal) std::fprintf(stderr, "\rindexing: %td of %td videos%s", done, all, done == all ? "\n" : "");
  };
  const VideoFiles files(path, {.frames = format.frames, .stride = stride, .size = size, .index = {.progress = tell}});
  const std::string name = text(path.string(), ", ", files.index().videos().size(), " videos");
  return held_out(files, seed, name, (format.frames - 1) / stride);
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

/// Discs, squares and triangles, (K, size, size), where there are no better images.
Tensor<std::uint8_t> drawn_images(Index count, Index size) {
  const MovingShapes drawn({.frames = 1, .canvas = size, .shapes = 1, .smallest = 0.4, .largest = 0.5, .step = 0});
  Tensor<float> images({count, size, size});
  for (Index i = 0; i < count; ++i) {
    const Tensor<float> clip = drawn.clip(i);  // (1, size, size, 3)
    const float* rgb = clip.data();
    for (float& pixel : images[i]) pixel = std::max({rgb[0], rgb[1], rgb[2]}), rgb += 3;
  }
  return to_bytes(images);
}
/// What sprites are made of, (K, h, w): Fashion-MNIST's images, where they are installed.
Tensor<std::uint8_t> images_of(const ClipFormat& format, DataSplit part) {
  const Index size = sprite_size(format);
  if (!has_fashion()) return split_of(drawn_images(200, size), part);
  return sprites_of(part == DataSplit::training ? fashion_training : fashion_test, size);
}

/// Clips that are made: one of the parts of those that a format and a seed stand for.
using Make = AnyClips (*)(const ClipFormat&, std::uint64_t, DataSplit);
template <class Source>
AnyClips made(const ClipFormat& format, std::uint64_t seed, DataSplit part) {
  return split_of(Source({.frames = format.frames, .canvas = format.size, .seed = seed}), part);
}
AnyClips shapes(const ClipFormat& format, std::uint64_t seed, DataSplit part) {
  return split_of(
      MovingShapes({.frames = format.frames, .canvas = format.size, .shapes = format.sprites, .seed = seed}), part);
}
template <class Source>
AnyClips sprites(const ClipFormat& format, std::uint64_t seed, DataSplit part) {
  const typename Source::Options options{
      .frames = format.frames, .canvas = format.size, .sprites = format.sprites, .seed = seed};
  return split_of(Source(images_of(format, part), options), part);
}
AnyClips maze(const ClipFormat& format, std::uint64_t seed, DataSplit part) {
  const Index rooms = std::clamp<Index>(format.size / 12, 2, 5);
  return split_of(Maze({.frames = format.frames, .canvas = format.size, .rooms = rooms, .seed = seed}), part);
}
/// What is usual, to learn from; a tenth of the others shows an event.
AnyClips camera(const ClipFormat& format, std::uint64_t seed, DataSplit part) {
  const double events = part == DataSplit::training ? 0 : 0.1;
  return split_of(FixedCamera({.frames = format.frames, .canvas = format.size, .events = events, .seed = seed}), part);
}
constexpr std::pair<const char*, Make> makers[] = {
    {"camera", camera},
    {"flow", made<FluidFlow>},
    {"gray-scott", made<GrayScott>},
    {"maze", maze},
    {"nbody", sprites<GravitySprites>},
    {"pendulum", made<Pendulum>},
    {"rain", made<Rain>},
    {"shapes", shapes},
    {"stochastic", sprites<StochasticSprites>},
};

Data making(Make make, const ClipFormat& format, std::uint64_t seed, std::string name) {
  return {WithChannels(make(format, seed, DataSplit::training), format.channels),
          WithChannels(make(format, seed, DataSplit::test), format.channels), std::move(name)};
}

}  // namespace

std::string data_names() {
  std::string names;
  for (const auto& [name, make] : makers) names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

void require_data(const std::filesystem::path& path) {
  const bool known =
      std::any_of(std::begin(makers), std::end(makers), [&](const auto& maker) { return path == maker.first; });
  std::error_code none;  // a name that is too long is one of no file
  require(known || std::filesystem::exists(path, none), "'", path.string(),
          "' is no file, no folder and no data set that is made here (", data_names(), ")");
}

Data procedural(const ClipFormat& format, std::uint64_t seed) {
  Data data = making(shapes, format, seed, "coloured shapes that move, made by this program");
  data.procedural = true;
  return data;
}

Data open_data(const std::filesystem::path& path, const ClipFormat& format, std::uint64_t seed) {
  if (path.empty()) {
    return has_fashion() ? moving(fashion_training, fashion_test, format, seed, "Moving Fashion-MNIST")
                         : procedural(format, seed);
  }
  require_data(path);
  for (const auto& [name, make] : makers)
    if (path == name) return making(make, format, seed, name);
  if (std::filesystem::is_directory(path)) return open_folder(path, format, seed);
  switch (kind_of(path)) {
    case FileKind::idx: return moving(path, path, format, seed, path.string() + ", moving");
    case FileKind::npy: return held_out(WithChannels(clips_of_npy(path, format), format.channels), seed, path.string());
    case FileKind::other: break;
  }
  return open_videos(path, format, seed);
}

SpritesOfClasses::SpritesOfClasses(MovingSprites source, Tensor<std::uint8_t> labels, Index classes)
    : source_(std::move(source)), labels_(std::move(labels)), classes_(classes) {
  const Index images = source_.images().extent(0), sprites = source_.options().sprites;
  require(sprites == 1, "clips of ", sprites, " sprites have no class; needs 1");
  require(labels_.shape() == Shape{images}, "--labels: labels ", labels_.shape(), " of ", images, " images");
  const int largest = *std::max_element(labels_.begin(), labels_.end());
  require(largest < classes, "--labels: a class ", largest, "; this model has ", classes, " classes, 0 … ",
          classes - 1);
}

LabelledClip<> SpritesOfClasses::clip(Index index) const {
  Tensor<float> label({classes_});
  std::fill(label.begin(), label.end(), 0.0F);
  label.data()[labels_.data()[source_.image(index, 0)]] = 1;
  return {source_.clip(index), label};
}

DataOfClasses open_classes(const std::filesystem::path& path, const ClipFormat& format, Index classes,
                           std::uint64_t seed) {
  const bool fashion = path.empty() && has_fashion();
  const std::filesystem::path &training = fashion ? fashion_training : path, &test = fashion ? fashion_test : path;
  require(!training.empty(), "--labels: shapes that this program draws have no classes; needs --data FILE of images");
  const auto source = [&](const std::filesystem::path& images, std::uint64_t stream) {
    const auto labels = labels_beside(images);
    require(labels != images && std::filesystem::exists(labels) && std::filesystem::exists(images), "--labels: '",
            images.string(),
            "' has no classes; needs an IDX file of images named …images-idx3…, with one of labels beside it, named "
            "…labels-idx1…");
    return SpritesOfClasses(moving(images, format, stream), read_idx(labels), classes);
  };
  return {source(training, 2 * seed), source(test, 2 * seed + 1),
          fashion ? "Moving Fashion-MNIST, with classes" : path.string() + ", moving, with classes"};
}

}  // namespace flipbook::examples
