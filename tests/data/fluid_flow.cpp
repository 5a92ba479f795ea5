// SPDX-License-Identifier: MIT
#include <flipbook/data/fluid_flow.hpp>

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using namespace flipbook;

static_assert(Dataset<FluidFlow>);

namespace {
double mean_square_vorticity(const FluidFlow& source, const Tensor<float>& frame) {
  double sum = 0;
  for (const float pixel : frame) sum += std::pow(static_cast<double>(source.vorticity(pixel)), 2);
  return sum / static_cast<double>(frame.size());
}
}  // namespace

TEST_CASE("a flow moves, stays in [0, 1], and depends on the seed and its index alone") {
  const FluidFlow source({.frames = 3, .canvas = 32}), other({.frames = 3, .canvas = 32, .seed = 1});
  CHECK(source.shape() == Shape{3, 32, 32, 1});
  const auto clip = source.clip(4);
  CHECK(clip.shape() == source.shape());
  for (const float pixel : clip) REQUIRE((pixel >= 0 && pixel <= 1));
  CHECK(to_vector(clip[0]) != to_vector(clip[1]));
  CHECK(to_vector(clip) == to_vector(source.clip(4)));
  CHECK(to_vector(clip) != to_vector(source.clip(5)));
  CHECK(to_vector(clip) != to_vector(other.clip(4)));
}

TEST_CASE("threads that share a source get its clips") {
  const FluidFlow source({.frames = 2, .canvas = 32});
  std::vector<std::vector<float>> clips(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < clips.size(); ++i)
    threads.emplace_back([&, i] { clips[i] = to_vector(source.clip(static_cast<Index>(i))); });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < clips.size(); ++i) CHECK(clips[i] == to_vector(source.clip(static_cast<Index>(i))));
}

TEST_CASE("a pixel is a vorticity, and the mean is none") {
  const FluidFlow source({.frames = 1, .canvas = 32, .warmup = 0, .range = 50});
  CHECK(source.pixel(0) == 0.5F);
  CHECK(source.pixel(60) == 1);
  CHECK(source.pixel(-60) == 0);
  CHECK(source.vorticity(source.pixel(-12.5F)) == doctest::Approx(-12.5));
  double mean = 0;
  for (const float pixel : source.clip(0)) mean += pixel / (32 * 32.0);
  CHECK(mean == doctest::Approx(0.5));
}

TEST_CASE("the first field has the spectrum that is stated") {
  // ⟨ω²⟩ = 2 Σ k² E(k) / Σ E(k) · ½, where the energy is ½.
  const FluidFlow source({.frames = 1, .canvas = 64, .warmup = 0, .range = 100});
  double numerator = 0, denominator = 0, found = 0;
  for (int kx = -21; kx <= 21; ++kx) {
    for (int ky = -21; ky <= 21; ++ky) {
      const double k = std::hypot(kx, ky), s = k * k / 16;
      if (k > 0) numerator += k * s * s * std::exp(-2 * s), denominator += s * s * std::exp(-2 * s) / k;
    }
  }
  for (Index i = 0; i < 40; ++i) found += mean_square_vorticity(source, source.clip(i)) / 40;
  CHECK(found == doctest::Approx(numerator / denominator).epsilon(0.03));
}

TEST_CASE("viscosity calms a flow, and forces keep it going") {
  const FluidFlow calm({.frames = 2, .canvas = 32, .frame_time = 2, .viscosity = 0.05, .range = 50});
  const FluidFlow forced(
      {.frames = 2, .canvas = 32, .frame_time = 2, .viscosity = 0.05, .forcing = 1, .drag = 0.5, .range = 50});
  const auto ratio = [](const FluidFlow& source) {
    const auto clip = source.clip(0);
    return mean_square_vorticity(source, clip[1]) / mean_square_vorticity(source, clip[0]);
  };
  CHECK(ratio(calm) < 0.4);
  CHECK(ratio(forced) > 0.4);
}

TEST_CASE("options that make no flow are refused") {
  CHECK_THROWS_AS(FluidFlow({.canvas = 48}), Error);
  CHECK_THROWS_AS(FluidFlow({.frames = 0}), Error);
  CHECK_THROWS_AS(FluidFlow({.frame_time = 0}), Error);
  CHECK_THROWS_AS(FluidFlow({.viscosity = -1}), Error);
  CHECK_THROWS_AS(FluidFlow({.canvas = 16, .wave_number = 6}), Error);
}
