// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/paint.hpp>
#include <flipbook/data/walker.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Synthetic clips of a surveillance camera over a street, for anomaly detection. All clips of a seed have the same
/// background; the light changes slowly, and people walk one way, some with a bag. In some clips an event happens: a
/// person runs, walks against the stream, or leaves a bag behind. `marks` are 1 in the frames that show it.
class FixedCamera {
 public:
  struct Options {
    Index frames = 20;
    Index canvas = 64;           ///< height and width of a frame
    Index walkers = 4;           ///< in each clip, in view or out of it; an event adds one more
    double events = 0.1;         ///< fraction of the clips with an event; 0 for training on normal clips
    double event_length = 0.5;   ///< fraction of the clip's frames that an event lasts; for a bag the last frames
    double light = 0.2;          ///< amplitude of the brightness about 1
    double light_period = 2000;  ///< period of the brightness, in frames; clip i begins with frame i · frames
    std::uint64_t seed = 0;
  };
  enum class Event { none, runner, against, bag };

  explicit FixedCamera(const Options& options) : options_(options) {
    const Options& o = options_;
    require(o.frames > 0 && o.canvas > 0 && o.walkers >= 0, "FixedCamera: ", o.frames, " frames of ", o.canvas,
            " pixels with ", o.walkers, " walkers");
    require(0 <= o.events && o.events <= 1 && 0 < o.event_length && o.event_length <= 1, "FixedCamera: events in ",
            o.events, " of the clips and ", o.event_length, " of their frames; both are parts, in [0, 1]");
    event_frames_ = std::max<Index>(1, std::lround(o.event_length * static_cast<double>(o.frames)));
    require(0 <= o.light && o.light < 1 && o.light_period > 0, "FixedCamera: light that changes by ", o.light, " in ",
            o.light_period, " frames; needs a part below 1, and a positive time");
    Rng rng{o.seed, ~std::uint64_t{0}};  // a stream of no clip
    direction_ = rng.uniform() < 0.5 ? -1 : 1;
    phase_ = rng.uniform();
    background_ = draw_background(rng);
  }
  FixedCamera() : FixedCamera(Options{}) {}

  Shape shape() const { return {options_.frames, options_.canvas, options_.canvas, 3}; }

  /// Clip `index` of the endless sequence selected by the seed.
  MarkedClip<> clip(Index index) const {
    const std::vector<Person> people = people_of(index);
    Tensor<float> clip(shape()), marks(Shape{options_.frames});
    for (Index t = 0; t < options_.frames; ++t) {
      const Tensor<float> frame = clip[t];  // (H, W, 3)
      std::copy(background_.begin(), background_.end(), clip[t].begin());
      marks.data()[t] = 0;
      for (const Person& person : people) {
        draw(person, t, frame);
        if (shows_event(person, t)) marks.data()[t] = 1;
      }
      const auto brightness = static_cast<float>(light(index, t));
      for (float& value : clip[t]) value = std::min(1.0F, value * brightness);
    }
    return {clip, marks};
  }

  /// The event of clip `index`.
  Event event(Index index) const {
    Rng rng{options_.seed, static_cast<std::uint64_t>(index)};
    const bool any = rng.uniform() < options_.events;
    return any ? static_cast<Event>(1 + rng.below(3)) : Event::none;
  }
  /// The brightness by which frame t of clip `index` is multiplied.
  double light(Index index, Index t) const {
    const double frame = static_cast<double>(index) * static_cast<double>(options_.frames) + static_cast<double>(t);
    return 1 + options_.light * std::sin(2 * std::numbers::pi * (frame / options_.light_period + phase_));
  }
  /// The scene without people, at a light of 1, (H, W, 3).
  const Tensor<float>& background() const noexcept { return background_; }
  const Options& options() const noexcept { return options_; }

 private:
  struct Person {
    Walker walker;
    double middle, speed, stride;  // column at frame `at`, pixels per frame, pixels of two steps
    double at, phase;
    bool bag;
    Event event = Event::none;
    Index begin = 0;
  };

  double size() const { return static_cast<double>(options_.canvas); }

  Person person(Rng& rng) const {
    const double feet = rng.uniform(0.5, 0.97), height = size() * (0.14 + 0.2 * feet);
    Person person{Walker::draw(rng, height, size() * feet), 0, 0, 0, 0, 0, false};
    person.speed = height * rng.uniform(0.065, 0.085);
    person.stride = height * rng.uniform(0.75, 0.9);
    person.phase = rng.uniform();
    person.middle = rng.uniform(-0.3, 1.3) * size();
    person.at = static_cast<double>(options_.frames) / 2;
    person.bag = rng.uniform() < 0.3;
    return person;
  }

  /// The people of clip `index`, those nearer to the camera last.
  std::vector<Person> people_of(Index index) const {
    const auto stream = [&](Index part) {
      return Rng::at(options_.seed, static_cast<std::uint64_t>(index), static_cast<std::uint64_t>(part) << 32);
    };
    std::vector<Person> people;
    for (Index i = 0; i < options_.walkers; ++i) {
      Rng rng = stream(2 + i);
      people.push_back(person(rng));
    }
    if (const Event what = event(index); what != Event::none) {
      Rng rng = stream(1);
      Person one = person(rng);
      one.event = what;
      one.bag = one.bag || what == Event::bag;
      one.middle = rng.uniform(0.4, 0.6) * size();
      const Index latest = options_.frames - event_frames_;
      one.begin = what == Event::bag ? latest : rng.below(latest + 1);
      one.at = static_cast<double>(one.begin) + static_cast<double>(what == Event::bag ? 0 : event_frames_) / 2;
      people.push_back(one);
    }
    std::sort(people.begin(), people.end(),
              [](const Person& a, const Person& b) { return a.walker.feet < b.walker.feet; });
    return people;
  }

  bool during(const Person& person, double t) const {
    return person.event != Event::none && t >= static_cast<double>(person.begin) &&
           t < static_cast<double>(person.begin + event_frames_);
  }

  /// A person's speed during their event, as a multiple of their normal speed.
  static double hurry(Event event) { return event == Event::runner ? 2.5 : event == Event::against ? -1 : 1; }

  /// The distance that a person has walked along the stream at frame t, relative to `middle`.
  double way(const Person& person, double t) const {
    const auto covered = [&](double time) {
      const double begin = static_cast<double>(person.begin), last = static_cast<double>(event_frames_);
      const double hurried = person.event == Event::none ? 0 : std::clamp(time - begin, 0.0, last);
      return time + (hurry(person.event) - 1) * hurried;
    };
    return person.speed * (covered(t) - covered(person.at));
  }

  bool shows_event(const Person& person, Index t) const {
    if (!during(person, static_cast<double>(t))) return false;
    const double x = person.event == Event::bag ? person.middle : column(person, static_cast<double>(t));
    return x >= 0 && x <= size();
  }
  double column(const Person& person, double t) const { return person.middle + direction_ * way(person, t); }

  void draw(const Person& person, Index frame_number, const Tensor<float>& frame) const {
    const double t = static_cast<double>(frame_number), x = column(person, t), height = person.walker.height;
    const bool now = during(person, t), runs = now && person.event == Event::runner;
    const double facing = now && person.event == Event::against ? -direction_ : direction_;
    const double shadow = person.walker.feet;
    paint::segment(frame, Colour{0.13F, 0.12F, 0.12F}, x - 0.15 * height, shadow, x + 0.15 * height, shadow, 0.5);
    const double stride = runs ? 1.7 * person.stride : person.stride;
    const double turns = person.phase + std::abs(way(person, t)) / stride;
    person.walker.paint_at(frame, x, turns, runs ? 0.85 : 0.45, facing);
    if (person.bag) {
      const bool left = now && person.event == Event::bag;
      const double bag_x = left ? person.middle : x, bag_y = person.walker.feet - (left ? 0.1 : 0.3) * height;
      const double half = 0.07 * height;
      paint::segment(frame, Colour{0.75F, 0.1F, 0.12F}, bag_x - half, bag_y, bag_x + half, bag_y, 0.1 * height);
    }
  }

  /// A wall with windows above a pavement in perspective, both with value noise.
  Tensor<float> draw_background(Rng& rng) const {
    const Index size = options_.canvas;
    const double horizon = rng.uniform(0.3, 0.36), windows = 3 + static_cast<double>(rng.below(3));
    const double warm = rng.uniform(-0.05, 0.08), bright = rng.uniform(0.45, 0.55), shift = rng.uniform();
    const Colour wall{static_cast<float>(bright * rng.uniform(0.95, 1.2)), static_cast<float>(bright * 0.85),
                      static_cast<float>(bright * rng.uniform(0.6, 0.95))};
    std::vector<Tensor<float>> noise;
    for (const Index cells : {5, 13, 37}) noise.push_back(uniform_lattice(rng, cells));
    Tensor<float> frame({size, size, 3});
    for (Index row = 0; row < size; ++row) {
      for (Index column = 0; column < size; ++column) {
        const double y = (static_cast<double>(row) + 0.5) / static_cast<double>(size);
        const double x = (static_cast<double>(column) + 0.5) / static_cast<double>(size);
        const double rough = 0.5 * at(noise[0], x, y) + 0.3 * at(noise[1], x, y) + 0.2 * at(noise[2], x, y) - 0.5;
        float* pixel = frame.data() + 3 * (row * size + column);
        if (y < horizon) {
          const double across = std::abs(std::fmod(x * windows + shift, 1.0) - 0.5), down = y / horizon - 0.45;
          const bool window = across < 0.24 && std::abs(down) < 0.28;
          const Colour glass{0.2F, 0.26F, 0.34F};
          for (std::size_t c = 0; c < 3; ++c) {
            pixel[c] = (window ? glass[c] : wall[c]) * static_cast<float>(1 + (window ? 0.4 : 0.35) * rough);
          }
        } else {
          // In perspective, equidistant rows of slabs are closer together further away.
          const double depth = 1 / (y - horizon + 0.25), side = (x - 0.5) * depth;
          const bool even = static_cast<Index>(std::floor(4 * depth) + std::floor(1.6 * side + 64)) % 2 == 0;
          const double grey = 0.56 + 0.16 * rough + (even ? 0.025 : -0.025);
          pixel[0] = static_cast<float>(grey + warm / 2);
          pixel[1] = static_cast<float>(grey);
          pixel[2] = static_cast<float>(grey - warm / 2);
        }
      }
    }
    return frame;
  }

  static Tensor<float> uniform_lattice(Rng& rng, Index cells) {
    Tensor<float> lattice({cells + 1, cells + 1});
    for (float& value : lattice) value = static_cast<float>(rng.uniform());
    return lattice;
  }
  /// Bilinear interpolation of the lattice's numbers at (x, y) in [0, 1).
  static double at(const Tensor<float>& lattice, double x, double y) {
    const Index corners = lattice.extent(0);
    x *= static_cast<double>(corners - 1);
    y *= static_cast<double>(corners - 1);
    const auto column = static_cast<Index>(x), row = static_cast<Index>(y);
    const double u = x - static_cast<double>(column), v = y - static_cast<double>(row);
    const float* corner = lattice.data() + row * corners + column;
    return std::lerp(std::lerp(double{corner[0]}, double{corner[1]}, u),
                     std::lerp(double{corner[corners]}, double{corner[corners + 1]}, u), v);
  }

  Options options_;
  Index event_frames_;
  double direction_, phase_;
  Tensor<float> background_;  // (H, W, 3)
};

}  // namespace flipbook
