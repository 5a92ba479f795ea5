// SPDX-License-Identifier: MIT
#include <flipbook/metrics/ensemble.hpp>

#include <metrics/checks.hpp>

using namespace flipbook;
using metrics::Crps;

static_assert(metrics::Criterion<Crps>);

namespace {
const Crps standard({.estimator = Crps::Estimator::standard});

template <class T>
double of(Crps crps, const Tensor<T>& drawn, const Tensor<T>& target) {
  crps.add(drawn, target);
  return crps.value();
}
}  // namespace

TEST_CASE_TEMPLATE("it is the formula worked out by hand", T, float, double) {
  // 1, 4, 2 for 3: |·| sum to 4, pairs to 3 + 1 + 2 = 6; 0, 0, 0 for 2: 6 and 0.
  const Tensor<T> drawn({3, 2}, {1, 0, 4, 0, 2, 0}), target({2}, {3, 2});
  CHECK(of(standard, drawn, target) == doctest::Approx((4 / 3.0 - 6 / 9.0 + 2) / 2));
  CHECK(of(Crps{}, drawn, target) == doctest::Approx((4 / 3.0 - 6 / 6.0 + 2) / 2));
}

TEST_CASE("that of one member is the absolute error") {
  const auto x = test::drawn<float>({1, 7, 11}, 1), y = test::drawn<float>({7, 11}, 2);
  double error = 0;
  for (Index i = 0; i < 77; ++i) error += std::abs(static_cast<double>(x.data()[i]) - y.data()[i]) / 77;
  CHECK(of(standard, x, y) == doctest::Approx(error).epsilon(1e-12));
  CHECK(test::error_of([&] { of(Crps{}, x, y); }) ==
        "Crps.add: the fair estimator needs two members or more, got (1, 7, 11)");
}

TEST_CASE("the fair estimate does not depend on the number of members, the standard one falls with it") {
  Rng rng{1};
  const auto x = normal<float>({16, 20'000}, rng), y = normal<float>({20'000}, rng);
  const double exact = 1 / std::sqrt(std::acos(-1));  // of two draws from N(0, 1): E|x − y| / 2
  CHECK(of(Crps{}, x.slice(0, 2), y) == doctest::Approx(exact).epsilon(0.02));
  CHECK(of(Crps{}, x, y) == doctest::Approx(exact).epsilon(0.02));
  CHECK(of(standard, x.slice(0, 2), y) == doctest::Approx(exact * 1.5).epsilon(0.02));
}

TEST_CASE("shards joined are the whole, and what does not fit is refused") {
  const auto x = test::drawn<double>({3, 5, 7}, 1), y = test::drawn<double>({5, 7}, 2);
  test::check_shards(standard, 5, [&](Crps& crps, Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      Tensor<double> members({3, 7});
      for (Index m = 0; m < 3; ++m) std::copy_n(x[m][i].data(), 7, members.data() + 7 * m);
      crps.add(members, y[i]);
    }
  });
  Crps crps;
  CHECK_THROWS_AS(crps.merge(standard), Error);
  CHECK(test::error_of([&] {
          crps.add(x, zeros<double>({5, 6}));
        }) == "Crps.add: drawn (3, 5, 7) and target (5, 6); needs (M, …) and (…)");
  CHECK_THROWS_AS(crps.add(full<double>({2, 1}, HUGE_VAL), zeros<double>({1})), Error);
}
