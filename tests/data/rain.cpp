// SPDX-License-Identifier: MIT
#include <flipbook/data/rain.hpp>

#include <doctest/doctest.h>

using namespace flipbook;

static_assert(Dataset<Rain>);

namespace {

const Rain::Wind calm{0, 0, {}};
// Round cells of one kind, each a storm of its own: 40 dBZ at their peak, 11.5 mm/h.
const Rain::Options plain{
    .frames = 1, .canvas = 32, .density = 0.002, .per_storm = 1, .stretch = 1, .weakest = 40, .strongest = 40};

float brightest(const Tensor<float>& x) { return *std::max_element(x.begin(), x.end()); }

struct Centre {
  double x = 0, y = 0, rain = 0;
};
/// Where a frame's rain is on the average, from the canvas' corner, and how much of it there is.
Centre centre(const Rain& rain, const Tensor<float>& frame) {
  Centre sum;
  const Index size = frame.extent(1);
  for (Index y = 0; y < size; ++y) {
    for (Index x = 0; x < size; ++x) {
      const double pixel = frame.data()[y * size + x], rate = pixel > 0 ? rain.options().scale.rate(pixel) : 0;
      sum.x += rate * (static_cast<double>(x) + 0.5), sum.y += rate * (static_cast<double>(y) + 0.5), sum.rain += rate;
    }
  }
  return {sum.x / sum.rain, sum.y / sum.rain, sum.rain};
}

/// The mean of f over a cell's age, from birth to death.
template <class F>
double over_life(const F& f) {
  double sum = 0;
  const int parts = 10000;
  for (int i = 0; i < parts; ++i) sum += f(std::pow(std::sin(std::numbers::pi * (i + 0.5) / parts), 2)) / parts;
  return sum;
}

}  // namespace

TEST_CASE("the scale is Marshall and Palmer's, and its two functions undo each other") {
  const RainScale scale;
  CHECK(scale.dbz(scale.pixel(1.0)) == doctest::Approx(10 * std::log10(200)));
  CHECK(scale.dbz(scale.pixel(10.0)) == doctest::Approx(10 * std::log10(200) + 16));
  for (const double rate : {0.05, 0.3, 7.0, 150.0}) CHECK(scale.rate(scale.pixel(rate)) == doctest::Approx(rate));
  CHECK(scale.pixel(0.0) == 0);
  CHECK(scale.pixel(0.03) == 0);
  CHECK(scale.pixel(1000.0) == 1);
  CHECK(RainScale{.lowest = -10, .highest = 50}.dbz(0.5) == 20);
}

TEST_CASE("a cell grows and decays, and its centre moves with the wind") {
  const Rain rain({.frames = 11, .canvas = 64, .stretch = 1});
  const Rain::Wind wind{1.7, -1.1, {}};
  const Rain::Cell cell{.born = 0, .life = 10, .x = 20, .y = 40, .radius = 3, .angle = 0, .peak = 30};
  const auto clip = rain.draw({cell}, wind);
  for (const Index t : {2, 3, 5, 8}) {
    const Centre found = centre(rain, clip[t]);
    const double time = static_cast<double>(t);
    CHECK(found.x == doctest::Approx(20 + 1.7 * time).epsilon(1e-3));
    CHECK(found.y == doctest::Approx(40 - 1.1 * time).epsilon(1e-3));
    const double grown = std::pow(std::sin(std::numbers::pi * time / 10), 2);
    CHECK(found.rain == doctest::Approx(30 * grown * 2 * std::numbers::pi * 9).epsilon(0.01));
  }
  for (const Index t : {0, 10}) CHECK(brightest(clip[t]) == 0);
}

TEST_CASE("cells that meet add up their rain, and one that leaves comes back where it is not seen") {
  const Rain rain(plain);
  const Rain::Cell a{.born = -5, .life = 10, .x = 12, .y = 16, .radius = 3, .angle = 0, .peak = 8},
      b{-5, 10, 16, 17, 2, 0, 5};
  const auto one = rain.draw({a}, calm), other = rain.draw({b}, calm), both = rain.draw({a, b}, calm);
  const RainScale& scale = rain.options().scale;
  const Index at = 16 * 32 + 14;
  CHECK(scale.rate(both.data()[at]) ==
        doctest::Approx(scale.rate(one.data()[at]) + scale.rate(other.data()[at])).epsilon(1e-4));
  auto far = a;
  far.x += 3 * rain.side(), far.y -= rain.side();
  CHECK(centre(rain, rain.draw({far}, calm)[0]).x == doctest::Approx(12).epsilon(1e-3));
  far.x = 32 + (rain.side() - 32) / 2, far.radius = 2.5;  // as far off on both sides
  CHECK(brightest(rain.draw({far}, calm)) == 0);
}

TEST_CASE("a cell is longer along its angle, of the same area") {
  const Rain rain({.frames = 1, .canvas = 64, .stretch = 16});
  const auto clip =
      rain.draw({{.born = -5, .life = 10, .x = 32, .y = 32, .radius = 3, .angle = 0.5, .peak = 20}}, calm);
  const double c = std::cos(0.5), s = std::sin(0.5);
  double along = 0, across = 0, all = 0;
  for (Index y = 0; y < 64; ++y) {
    for (Index x = 0; x < 64; ++x) {
      const double pixel = clip.data()[y * 64 + x], rate = pixel > 0 ? rain.options().scale.rate(pixel) : 0;
      const double dx = static_cast<double>(x) - 31.5, dy = static_cast<double>(y) - 31.5;
      along += rate * std::pow(c * dx + s * dy, 2), across += rate * std::pow(c * dy - s * dx, 2), all += rate;
    }
  }
  CHECK(all == doctest::Approx(20 * 2 * std::numbers::pi * 9).epsilon(0.01));
  CHECK(along / all == doctest::Approx(9 * 4).epsilon(0.03));
  CHECK(across / all == doctest::Approx(9 / 4.0).epsilon(0.03));
}

TEST_CASE("the wind has no divergence and the speeds that are asked for, and carries cells along its lines") {
  const Rain rain({.wind = 1.5, .eddies = 0.7});
  double mean = 0;
  for (Index i = 0; i < 400; ++i) mean += std::hypot(rain.wind(i).u, rain.wind(i).v) / 400;
  CHECK(mean == doctest::Approx(1.5).epsilon(0.1));

  const Rain::Wind wind = rain.wind(3);
  double square = 0;
  const double h = 1e-4, part = rain.side() / 20;
  for (int i = 0; i < 400; ++i) {
    const double x = part * (i % 20), y = part * (i / 20);
    const auto here = wind.at(x, y);
    square += (std::pow(here[0] - wind.u, 2) + std::pow(here[1] - wind.v, 2)) / 400;
    const double divergence =
        (wind.at(x + h, y)[0] - wind.at(x - h, y)[0] + wind.at(x, y + h)[1] - wind.at(x, y - h)[1]);
    CHECK(std::abs(divergence) < 1e-10);
    CHECK(wind.at(x + rain.side(), y - rain.side())[0] == doctest::Approx(here[0]));
  }
  CHECK(std::sqrt(square) == doctest::Approx(0.7));

  const auto clip = rain.draw({{.born = -2, .life = 18, .x = 32, .y = 30, .radius = 2, .angle = 0, .peak = 20}}, wind);
  double x = 32, y = 30;
  for (int i = 0; i < 1000; ++i) {
    const auto velocity = wind.at(x, y);
    x += velocity[0] * 0.01, y += velocity[1] * 0.01;
  }
  const Centre found = centre(rain, clip[8]);
  CHECK(found.x == doctest::Approx(x).epsilon(1e-3));
  CHECK(found.y == doctest::Approx(y).epsilon(1e-3));
}

TEST_CASE("as many cells live as are asked for, as long as they are to") {
  const Rain rain({.frames = 5, .canvas = 64, .density = 0.005, .per_storm = 4});
  double life = 0, all = 0, living = 0;
  const Index clips = 300;
  for (Index i = 0; i < clips; ++i) {
    for (const Rain::Cell& cell : rain.cells(i)) {
      life += cell.life, ++all;
      if (cell.born <= 2 && 2 < cell.born + cell.life) ++living;
    }
  }
  CHECK(life / all == doctest::Approx(20).epsilon(0.01));
  // On the whole square. A number of cells of a storm has the mean square of 3 + 4²; hence the error of the mean.
  const double expected = 0.005 * rain.side() * rain.side();
  CHECK(std::abs(living / clips - expected) < 4 * std::sqrt(expected * 19 / 4 / clips));
}

TEST_CASE("the mean rain is what Campbell's theorem says, whether cells come alone or in storms") {
  for (const double per_storm : {1.0, 5.0}) {
    auto options = plain;
    options.per_storm = per_storm, options.stretch = 2;
    const Rain rain(options);
    const double square = options.radius * options.radius * (1 + 1 / 12.0), peak = options.scale.rate_of_dbz(40);
    const double expected = options.density * peak / 2 * 2 * std::numbers::pi * square;
    double found = 0;
    const Index clips = 3000;
    for (Index i = 0; i < clips; ++i) {
      for (const float pixel : rain.clip(i)) found += pixel > 0 ? options.scale.rate(pixel) / (clips * 32 * 32) : 0;
    }
    CHECK(found == doctest::Approx(expected).epsilon(0.08));
  }
}

TEST_CASE("the share of wet pixels is that of discs strewn at random") {
  // 1 − exp(−density · mean area), a cell's area being 2π radius² ln(rain / least rain on the scale)
  const Rain rain(plain);
  const double square = plain.radius * plain.radius * (1 + 1 / 12.0), ratio = std::pow(10, 40 / 16.0);
  const double area =
      2 * std::numbers::pi * square * over_life([&](double grown) { return std::max(0.0, std::log(ratio * grown)); });
  const double expected = 1 - std::exp(-plain.density * area);
  double wet = 0;
  const Index clips = 2000;
  for (Index i = 0; i < clips; ++i) {
    const auto clip = rain.clip(i);
    wet +=
        static_cast<double>(std::count_if(clip.begin(), clip.end(), [](float x) { return x > 0; })) / (clips * 32 * 32);
  }
  CHECK(wet == doctest::Approx(expected).epsilon(0.04));
}

TEST_CASE("a clip depends on the seed and its index alone, and stays in [0, 1]") {
  const Rain rain({.frames = 3, .canvas = 37}), other({.frames = 3, .canvas = 37, .seed = 1});
  const auto clip = rain.clip(2);
  CHECK(clip.shape() == Shape{3, 37, 37, 1});
  for (const float pixel : clip) REQUIRE((pixel >= 0 && pixel <= 1));
  CHECK(to_vector(clip) == to_vector(rain.clip(2)));
  CHECK(to_vector(clip) != to_vector(rain.clip(3)));
  CHECK(to_vector(clip) != to_vector(other.clip(2)));
  CHECK_THROWS_AS(Rain({.frames = 0}), Error);
  CHECK_THROWS_AS(Rain({.per_storm = 0.5}), Error);
  CHECK_THROWS_AS(Rain({.stretch = 0.5}), Error);
  CHECK_THROWS_AS(Rain({.strongest = 70}), Error);
  CHECK_THROWS_AS(Rain({.weakest = 55}), Error);
}
