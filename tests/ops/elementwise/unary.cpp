// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/ops/elementwise/unary.hpp>

using namespace flipbook;

namespace {

template <class T>
Tensor<T> wide(Index count) {  // −6 … 6, away from the kinks at 0, ±0.5 and ±1
  Tensor<T> x({count});
  for (Index i = 0; i < count; ++i) x.data()[i] = static_cast<T>(std::sin(1.7 * double(i) + 0.3) * 6);
  return x;
}

/// Compares a function with its plain reference over sizes around the vector width, and checks both
/// derivatives.
template <class T, class F, class Reference>
void check(const F& f, const Reference& reference, const std::function<double(double)>& into_domain) {
  for (const Index count : {1, 3, 7, 16, 17, 31, 130}) {
    Tensor<T> x = wide<T>(count);
    for (T& v : x) v = static_cast<T>(into_domain(double(v)));
    const Tensor<T> y = f(x);
    for (Index i = 0; i < count; ++i) {
      const double expected = reference(double(x.data()[i]));
      CHECK(double(y.data()[i]) == doctest::Approx(expected).epsilon(std::is_same_v<T, float> ? 1e-6 : 1e-13));
    }
  }
  if constexpr (std::is_same_v<T, double>) {
    Tensor<T> x = wide<T>(19);
    for (T& v : x) v = into_domain(v);
    CHECK(gradient_error(f, x) < 1e-6);
    CHECK(second_gradient_error(f, x) < 1e-6);
  }
}

const auto everywhere = [](double x) { return x; };
const auto away_from_zero = [](double x) { return x + (x < 0 ? -0.3 : 0.3); };
const auto positive = [](double x) { return std::abs(x) + 0.1; };

}  // namespace

TEST_CASE_TEMPLATE("element-wise functions match their definitions and have exact derivatives", T, float, double) {
  check<T>([](const auto& x) { return relu(x); }, [](double x) { return std::max(x, 0.0); }, everywhere);
  check<T>([](const auto& x) { return leaky_relu(x, 0.2); }, [](double x) { return x > 0 ? x : 0.2 * x; }, everywhere);
  check<T>([](const auto& x) { return elu(x, 1.5); }, [](double x) { return x > 0 ? x : 1.5 * std::expm1(x); },
           everywhere);
  check<T>([](const auto& x) { return silu(x); }, [](double x) { return x / (1 + std::exp(-x)); }, everywhere);
  check<T>([](const auto& x) { return gelu(x); }, [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); },
           everywhere);
  check<T>([](const auto& x) { return sigmoid(x); }, [](double x) { return 1 / (1 + std::exp(-x)); }, everywhere);
  check<T>([](const auto& x) { return tanh(x); }, [](double x) { return std::tanh(x); }, everywhere);
  check<T>([](const auto& x) { return softplus(x); }, [](double x) { return std::log1p(std::exp(x)); }, everywhere);
  check<T>([](const auto& x) { return minus_log_sigmoid(x); }, [](double x) { return std::log1p(std::exp(-x)); },
           everywhere);
  check<T>([](const auto& x) { return exp(x); }, [](double x) { return std::exp(x); }, everywhere);
  check<T>([](const auto& x) { return log(x); }, [](double x) { return std::log(x); }, positive);
  check<T>([](const auto& x) { return sqrt(x); }, [](double x) { return std::sqrt(x); }, positive);
  check<T>([](const auto& x) { return square(x); }, [](double x) { return x * x; }, everywhere);
  check<T>([](const auto& x) { return sin(x); }, [](double x) { return std::sin(x); }, everywhere);
  check<T>([](const auto& x) { return cos(x); }, [](double x) { return std::cos(x); }, everywhere);
  for (const double p : {0.0, 1.0, 2.0, 3.0, -1.0, -2.0}) {
    check<T>([p](const auto& x) { return pow(x, p); }, [p](double x) { return std::pow(x, p); }, away_from_zero);
  }
  for (const double p : {0.5, 1.7, -0.5, 2.2, 9.0}) {
    check<T>([p](const auto& x) { return pow(x, p); }, [p](double x) { return std::pow(x, p); }, positive);
  }
  check<T>([](const auto& x) { return abs(x); }, [](double x) { return std::abs(x); }, everywhere);
  check<T>([](const auto& x) { return clamp(x, -0.5, 0.5); }, [](double x) { return std::clamp(x, -0.5, 0.5); },
           everywhere);
  check<T>([](const auto& x) { return affine(x, 3, -1); }, [](double x) { return 3 * x - 1; }, everywhere);
}

TEST_CASE_TEMPLATE("functions of large numbers neither overflow nor lose their limit", T, float, double) {
  const Tensor<T> x({4}, {-1e4, 1e4, -80, 80});
  CHECK(to_vector(sigmoid(x).slice(0, 2)) == std::vector<T>{0, 1});
  CHECK(to_vector(softplus(x).slice(0, 2)) == std::vector<T>{0, T(1e4)});
  CHECK(to_vector(tanh(x)) == std::vector<T>{-1, 1, -1, 1});
  CHECK(to_vector(silu(x).slice(0, 2)) == std::vector<T>{0, T(1e4)});
  CHECK(to_vector(gelu(x).slice(0, 2)) == std::vector<T>{0, T(1e4)});
  CHECK(to_vector(elu(x).slice(0, 2)) == std::vector<T>{-1, T(1e4)});
}

TEST_CASE("an element's value does not depend on where it stands or on the number of threads") {
  const int before = threads();
  const Tensor<float> x = full<float>({40'003}, 0.7F);
  for (const int team : {1, 2, 3}) {
    set_threads(team);
    const Tensor<float> y = gelu(x);
    for (const float v : y) REQUIRE(v == y.data()[0]);
  }
  set_threads(before);
}

TEST_CASE_TEMPLATE("sine and cosine are exact far from zero too, whatever their neighbours", T, float, double) {
  const double tolerance = std::is_same_v<T, float> ? 2.4e-7 : 4.5e-16;
  Rng rng{3};
  for (const double scale : {1.0, 100.0, 8e3, 7e4, 1e9, 1e30}) {
    const Tensor<T> x = affine(uniform<T>({1031}, rng, -1, 1), scale, 0), s = sin(x), c = cos(x);
    for (Index i = 0; i < x.size(); ++i) {
      const double v = static_cast<double>(x.data()[i]);
      CHECK(std::abs(static_cast<double>(s.data()[i]) - std::sin(v)) <= tolerance);
      CHECK(std::abs(static_cast<double>(c.data()[i]) - std::cos(v)) <= tolerance);
      const Tensor<T> alone({1}, {x.data()[i]});
      REQUIRE(sin(alone).item() == s.data()[i]);
      REQUIRE(cos(alone).item() == c.data()[i]);
    }
  }
  const T infinity = std::numeric_limits<T>::infinity();
  for (const T v : {infinity, -infinity, std::numeric_limits<T>::quiet_NaN()}) {
    const Tensor<T> x({3}, {T(1), v, T(0)});
    CHECK(std::isnan(sin(x).data()[1]));
    CHECK(std::isnan(cos(x).data()[1]));
    CHECK(sin(x).data()[0] == sin(Tensor<T>({1}, {T(1)})).item());
    CHECK(cos(x).data()[2] == 1);
  }
}

TEST_CASE_TEMPLATE("powers have their limits at zero, and are NaN where they have no value", T, float, double) {
  const Tensor<T> x({3}, {0, T(-2), 4});
  CHECK(to_vector(pow(x, 0)) == std::vector<T>{1, 1, 1});
  CHECK(to_vector(pow(x, 3)) == std::vector<T>{0, -8, 64});
  CHECK(std::isinf(pow(x, -2).data()[0]));
  CHECK(std::isnan(pow(x, 1.5).data()[1]));
  CHECK(std::isnan(pow(x, 0.5).data()[1]));
  CHECK(pow(x, 1.5).data()[2] == doctest::Approx(8));
  for (const double p : {0.0, 1.0, 2.0}) {  // no 0 · ∞ in a derivative
    Tape tape;
    const auto v = tape.variable<Order::higher>(zeros<T>({1}));
    const auto slope = tape.recorded_gradient(sum(pow(v, p)), v);
    CHECK(slope.item() == (p == 1 ? 1 : 0));
    CHECK(tape.gradient(sum(slope), v).item() == (p == 2 ? 2 : 0));
  }
}

TEST_CASE("NaN passes through") {
  const Tensor<float> x({1}, {std::nanf("")});
  CHECK(std::isnan(relu(x).item()));
  CHECK(std::isnan(leaky_relu(x).item()));
  CHECK(std::isnan(tanh(x).item()));
}

TEST_CASE_TEMPLATE("rounding gives the nearest integer, the even one of two, and lets no gradient through", T, float,
                   double) {
  const double infinity = std::numeric_limits<double>::infinity(), large = std::is_same_v<T, float> ? 0x1p23 : 0x1p52;
  const T below_half = std::nextafter(T(0.5), T(0));  // which becomes 1 where 0.5 is added and floor taken
  std::vector<T> x{T(-2.5), T(-1.5), T(-0.4), T(0), below_half, T(0.5), T(0.6), T(1.5), T(2.5)};
  for (const double v : {large - 1, large + 1, -large - 3, 1e18, infinity, -infinity}) x.push_back(static_cast<T>(v));
  for (std::size_t n = 1; n <= x.size(); ++n) {  // in vectors and in what is left of them
    const Tensor<T> y = round(Tensor<T>({static_cast<Index>(n)}, std::vector<T>(x.begin(), x.begin() + Index(n))));
    for (std::size_t i = 0; i < n; ++i) CHECK(y.data()[i] == std::nearbyint(x[i]));
  }
  CHECK(std::isnan(round(Tensor<T>({1}, {std::numeric_limits<T>::quiet_NaN()})).item()));
  Tape tape;
  const auto v = tape.variable(wide<T>(19));
  CHECK(to_vector(tape.gradient(sum(round(v)), v)) == std::vector<T>(19, T(0)));
}

TEST_CASE("a leaky rectifier needs a positive slope") {
  CHECK_THROWS_WITH_AS(leaky_relu(Tensor<float>({1}), 0), doctest::Contains("the slope must be positive"), Error);
}
