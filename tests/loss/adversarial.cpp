// SPDX-License-Identifier: MIT
#include <flipbook/loss/adversarial.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

#include <flipbook/testing/gradients.hpp>

using namespace flipbook;

namespace {

template <class... Games>
void each_game(const auto& check) {
  (check(Games{}), ...);
}
const auto all_games = [](const auto& check) {
  each_game<loss::Minimax, loss::NonSaturating, loss::LeastSquares, loss::Hinge, loss::Wasserstein>(check);
};

template <class T>
T close() {
  return std::is_same_v<T, float> ? T(1e-6) : T(1e-14);
}

// What each game says of one logit at data and one at a fake, in double and by the letter of its formula.
struct Expected {
  double discriminator, generator;
};
double probability(double logit) { return 1 / (1 + std::exp(-logit)); }
Expected expected(loss::Minimax, double r, double f) {
  return {-(std::log(probability(r)) + std::log(1 - probability(f))), std::log(1 - probability(f))};
}
Expected expected(loss::NonSaturating, double r, double f) {
  return {-(std::log(probability(r)) + std::log(1 - probability(f))), -std::log(probability(f))};
}
Expected expected(loss::LeastSquares, double r, double f) {
  return {0.5 * ((r - 1) * (r - 1) + f * f), 0.5 * (f - 1) * (f - 1)};
}
Expected expected(loss::Hinge, double r, double f) { return {std::max(0.0, 1 - r) + std::max(0.0, 1 + f), -f}; }
Expected expected(loss::Wasserstein, double r, double f) { return {f - r, -f}; }

}  // namespace

TEST_CASE_TEMPLATE("each game is its formula, averaged over the logits", T, float, double) {
  const Tensor<T> real({3, 1}, {T(-1.5), T(0.25), T(2)}), fake({2}, {T(0.75), T(-3)});
  all_games([&]<class Game>(Game game) {
    double discriminator_real = 0, generator = 0;
    for (const T r : real) {
      for (const T f : fake) {
        const Expected e = expected(game, static_cast<double>(r), static_cast<double>(f));
        discriminator_real += e.discriminator / 6;
        generator += e.generator / 6;
      }
    }
    CHECK(static_cast<double>(Game::discriminator(real, fake).item()) ==
          doctest::Approx(discriminator_real).epsilon(close<T>()));
    CHECK(static_cast<double>(Game::generator(fake).item()) == doctest::Approx(generator).epsilon(close<T>()));
  });
}

TEST_CASE_TEMPLATE("a sure discriminator neither overflows nor gives NaN", T, float, double) {
  const T large = T(1e4);
  for (const T sign : {T(1), T(-1)}) {
    all_games([&]<class Game>(Game) {
      Tape tape;
      const auto real = tape.variable(Tensor<T>({2}, {sign * large, 0})),
                 fake = tape.variable(Tensor<T>({2}, {-sign * large, 0}));
      const auto d = Game::discriminator(real, fake);
      const auto g = Game::generator(fake);
      CHECK(std::isfinite(d.item()));
      CHECK(std::isfinite(g.item()));
      for (const auto& x :
           {tape.gradient(d, real, {.retain_graph = true}), tape.gradient(d, fake), tape.gradient(g, fake)}) {
        for (const T element : x) CHECK(std::isfinite(element));
      }
    });
  }
  const Tensor<T> high({1}, {large}), low({1}, {-large});
  CHECK(loss::Minimax::discriminator(high, low).item() == 0);
  CHECK(loss::Minimax::discriminator(low, high).item() == 2 * large);
  CHECK(loss::NonSaturating::generator(low).item() == large);
}

TEST_CASE_TEMPLATE("where the discriminator is sure of a fake, only the non-saturating game still teaches", T, float,
                   double) {
  Tape tape;
  const auto fake = tape.variable(Tensor<T>({1}, {T(-20)}));
  CHECK(std::abs(tape.gradient(loss::Minimax::generator(fake), fake).item()) < T(1e-8));
  CHECK(tape.gradient(loss::NonSaturating::generator(fake), fake).item() == doctest::Approx(-1));
}

TEST_CASE("the gradients of each game agree with finite differences") {
  Rng rng{3};
  const auto real = normal<double>({7, 1}, rng), fake = normal<double>({7, 1}, rng);
  all_games([&]<class Game>(Game) {
    CHECK(gradient_error([](const auto& r, const auto& f) { return Game::discriminator(r, f); }, real, fake) < 1e-7);
    CHECK(gradient_error([](const auto& f) { return Game::generator(f); }, fake) < 1e-7);
    CHECK(second_gradient_error([](const auto& r, const auto& f) { return Game::discriminator(r, f); }, real, fake) <
          1e-7);
  });
}
