// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flipbook/core/tensor.hpp>
#include <flipbook/io/gif.hpp>
#include <flipbook/io/grid.hpp>
#include <flipbook/io/pixels.hpp>
#include <flipbook/io/png.hpp>
#include <flipbook/train/history.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A logged image or clip, as the bytes of a file.
struct LoggedPicture {
  Bytes file;  ///< a PNG, or an animated GIF if there are several frames
  Index frames = 1;
  Index height = 0, width = 0, channels = 0;

  std::string_view ending() const { return frames == 1 ? "png" : "gif"; }
};

/// A destination of a run's log, such as TensorBoardLog, CsvLog, JsonLinesLog or PageLog.
///
///     void losses(Index step, const Losses& values)
///     void picture(Index step, const std::string& name, const LoggedPicture& picture)
///     void flush()    makes all that was logged visible to readers
///
/// Each throws an Error if it cannot write; earlier output stays readable.
template <class S>
concept LogSink = std::movable<S> &&
    requires(S& sink, Index step, const std::string& name, const Losses& values, const LoggedPicture& picture) {
  sink.losses(step, values);
  sink.picture(step, name, picture);
  sink.flush();
};

/// A log of a run, which writes to several sinks. It is a function of a step and its losses, which Trainer::fit calls
/// after each step:
///
///     const fb::Log log{fb::TensorBoardLog("runs/1"), fb::PageLog("run.html", {.steps = 1000})};
///     trainer.fit(clips, {.steps = 1000}, log);
///
/// Copies log to the same sinks. A sink that cannot write, such as on a full disk, does not end the training: its first
/// failure is reported on stderr, and the next value is tried again. Not thread-safe.
class Log {
 public:
  template <LogSink... Sinks>
  explicit Log(Sinks... sinks) {
    (add(std::move(sinks)), ...);
  }

  template <LogSink Sink>
  void add(Sink sink) {
    sinks_->push_back(std::make_unique<Held<Sink>>(std::move(sink)));
  }
  bool empty() const noexcept { return sinks_->empty(); }

  /// @throws Error  for an invalid column name: see History
  void losses(Index step, const Losses& values) const {
    for (const auto& [name, value] : values) detail::require_column_name(name, "log");
    each([&](AnySink& sink) { sink.losses(step, values); });
  }
  void scalar(Index step, const std::string& name, double value) const { losses(step, {{name, value}}); }

  /// @param image   (H, W, C), where C is 1 or 3, in [0, 1] or 8 bits
  /// @throws Error  for another shape
  template <Pixel T, class B>
  void image(Index step, const std::string& name, const Tensor<T, B>& image) const {
    require(image.rank() == 3, "log: image '", name, "' needs (H, W, C), got ", image.shape());
    show(step, name, to<Cpu>(image.reshape({1, image.extent(0), image.extent(1), image.extent(2)})));
  }
  /// @param clip    (T, H, W, C), or several, (N, T, H, W, C), which are shown in a grid
  /// @throws Error  for another shape
  template <Pixel T, class B>
  void clip(Index step, const std::string& name, const Tensor<T, B>& clip) const {
    require(clip.rank() == 4 || clip.rank() == 5, "log: clip '", name, "' needs (T, H, W, C) or (N, T, H, W, C), got ",
            clip.shape());
    const Tensor<T> here = to<Cpu>(clip);
    if (clip.rank() == 4) return show(step, name, here);
    require(clip.extent(0) > 0, "log: clip '", name, "': none of shape ", clip.shape());
    const T grey = std::same_as<T, std::uint8_t> ? T(128) : T(0.5);  // between clips: visible on light and dark pages
    show(step, name, make_grid(here, std::min<Index>(clip.extent(0), 8), 2, grey));
  }

  /// The losses of a step.
  void operator()(Index step, const Losses& values) const { losses(step, values); }

  void flush() const {
    each([](AnySink& sink) { sink.flush(); });
  }

 private:
  struct AnySink {
    bool failed = false;
    virtual ~AnySink() = default;
    virtual void losses(Index step, const Losses& values) = 0;
    virtual void picture(Index step, const std::string& name, const LoggedPicture& picture) = 0;
    virtual void flush() = 0;
  };
  template <class Sink>
  struct Held final : AnySink {
    explicit Held(Sink held) : sink(std::move(held)) {}
    ~Held() override {
      attempt(*this, [](AnySink& self) { self.flush(); });
    }
    void losses(Index step, const Losses& values) override { sink.losses(step, values); }
    void picture(Index step, const std::string& name, const LoggedPicture& picture) override {
      sink.picture(step, name, picture);
    }
    void flush() override { sink.flush(); }
    Sink sink;
  };

  template <class Write>
  static void attempt(AnySink& sink, const Write& write) noexcept {
    try {
      write(sink);
    } catch (const std::exception& error) {
      if (!std::exchange(sink.failed, true)) std::fprintf(stderr, "\nflipbook: not logged: %s\n", error.what());
    }
  }
  template <class Write>
  void each(const Write& write) const {
    for (const auto& sink : *sinks_) attempt(*sink, write);
  }

  /// @param frames  (T, H, W, C)
  template <class T>
  void show(Index step, const std::string& name, const Tensor<T>& frames) const {
    detail::require_column_name(name, "log");
    const Shape& s = frames.shape();
    require(frames.size() > 0 && (s[3] == 1 || s[3] == 3) && s[1] < 1 << 16 && s[2] < 1 << 16, "log: '", name,
            "' is of shape ", s, "; 1 or 3 channels can be shown, and extents below 65536");
    if (empty()) return;
    const auto pixels = visible(frames);  // (T, H, W, C)
    const LoggedPicture picture{s[0] == 1 ? detail::encode_png(pixels[0]) : detail::encode_gif(pixels, {}), s[0], s[1],
                                s[2], s[3]};
    each([&](AnySink& sink) { sink.picture(step, name, picture); });
  }
  /// As `to_bytes`, but NaN is black: it is visible and not an error.
  template <class T>
  static Tensor<std::uint8_t> visible(const Tensor<T>& frames) {
    if constexpr (std::same_as<T, std::uint8_t>) {
      return frames;
    } else {
      Tensor<T> finite(frames.shape());
      std::transform(frames.begin(), frames.end(), finite.begin(),
                     [](T x) { return x >= 0 ? std::min(x, T(1)) : T(0); });
      return to_bytes(finite);
    }
  }

  std::shared_ptr<std::vector<std::unique_ptr<AnySink>>> sinks_ =
      std::make_shared<std::vector<std::unique_ptr<AnySink>>>();
};

FLIPBOOK_TEMPLATE(void Log::show(Index, const std::string&, const Tensor<float>&) const);

}  // namespace flipbook
