// SPDX-License-Identifier: MIT
#include <flipbook/quantizer/multi_scale.hpp>

#include <doctest/doctest.h>

#include <filesystem>

#include <flipbook/metrics/codes.hpp>
#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>
#include <flipbook/train/weights.hpp>

#include "ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;
using quantizer::MultiScale;
using quantizer::Scales;
using quantizer::Vector;

namespace {

using Three = Scales<Extent{1, 1, 1}, Extent{1, 2, 3}, Extent{2, 4, 3}>;
using Small = MultiScale<Vector<16, 3, quantizer::VectorOptions{.commitment = 0.3}>, Three>;
static_assert(quantizer::Quantizer<Small> && quantizer::OfScales<Small> && Small::length == 1 + 6 + 24);
static_assert(Three::places_of_first(2) == 7 && Three::with_places(7) == 2 && Three::with_places(8) == -1);

/// Latents that are smooth, and hold details.
template <class T>
Tensor<T> latents(Index n, Rng& rng) {
  return resize_linear(normal<T>({n, 1, 2, 2, 3}, rng), Extent{2, 4, 3}) + normal<T>({n, 2, 4, 3, 3}, rng) * 0.3;
}
template <class Q, class T>
Module<Q, T> trained(Rng& rng, int steps = 100) {
  Module<Q, T> quantizer{Rng{1}};
  for (int i = 0; i < steps; ++i) {
    Tape tape{rng.split()};
    (void)quantizer->quantize(tape.constant(latents<T>(16, rng)));
    tape.apply_updates();
  }
  return quantizer;
}
double error(const auto& a, const auto& b) { return double(mean(square(a - b)).item()); }

}  // namespace

TEST_CASE_TEMPLATE("a grid's blocks have their means, and a scale lies between its places", T, float, double) {
  const auto x = random<T>({2, 2, 4, 3, 5}, 3);
  const auto one = Three::down(x, 0);
  REQUIRE(one.shape() == Shape{2, 1, 1, 1, 5});
  CHECK(difference(one.reshape({2, 5}), mean(x.reshape({2, 24, 5}), {1}, true)) < 1e-6);
  CHECK(difference(Three::up(one, 0), one + zeros<T>(x.shape())) < 1e-6);  // one place is everywhere
  const auto some = Three::down(x, 1);
  REQUIRE(some.shape() == Shape{2, 1, 2, 3, 5});
  for (Index h = 0; h < 2; ++h) {
    const auto block = mean(slice(x, 2, 2 * h, 2 * h + 2), {1, 2}, true);  // (2, 3, 5)
    CHECK(difference(slice(some, 2, h, h + 1).reshape({2, 3, 5}), block) < 1e-6);
  }
  CHECK(same(Three::down(x, 2), x));
  CHECK(same(Three::up(x, 2), x));
}

TEST_CASE_TEMPLATE("each scale codes what the coarser ones have left, and their sum comes ever nearer to z", T, float,
                   double) {
  Rng rng{2};
  const auto model = trained<Small, T>(rng);
  const auto z = latents<T>(5, rng);
  const auto q = model->quantize(z);
  REQUIRE(q.codes.shape() == Shape{5, 31});
  CHECK(metrics::perplexity(q.codes, 16) > 4);
  const Of<Vector<16, 3>, T, Cpu> plain = [&] {
    Rng any{9};
    Of<Vector<16, 3>, T, Cpu> book(any);
    book.codebook.value = model->codebook.codebook.value;
    return book;
  }();
  auto sum = zeros<T>(z.shape());
  auto loss = zeros<T>({5});
  double last = error(z, sum);
  for (int k = 0; k < 3; ++k) {
    const auto one = plain.quantize(Three::down(z - sum, k));
    const Index first = Three::places_of_first(k);
    CHECK(same(slice(q.codes, 1, first, first + Three::places(k)), one.codes.reshape({5, Three::places(k)})));
    sum = sum + Three::up(one.z, k);
    loss = loss + sum_per_sample(square(z - sum));
    CHECK(error(z, sum) < last);
    CHECK(difference(model->decode(slice(q.codes, 1, 0, Three::places_of_first(k + 1))), sum) < 1e-6);
    last = error(z, sum);
  }
  CHECK(difference(q.z, sum) < 1e-6);
  CHECK(difference(q.loss, loss * 0.1) < 1e-5);
  CHECK(same(model->decode(q.codes), q.z));
}

TEST_CASE("the gradient goes straight through once, and the loss draws z to the sums of all scales") {
  Rng rng{2};
  const auto model = trained<Small, double>(rng);
  const auto z = latents<double>(2, rng), weight = random<double>(z.shape(), 4);
  Tape tape;
  const auto v = tape.variable(z);
  const auto q = tape.in_mode(Mode::evaluation, [&] { return model->quantize(v); });
  CHECK(same(tape.gradient(sum(q.z * weight), v, {.retain_graph = true}), weight));
  auto expected = zeros<double>(z.shape());
  for (int k = 1; k <= 3; ++k) {
    expected = expected + (z - model->decode(slice(q.codes, 1, 0, Three::places_of_first(k)))) * 0.2;
  }
  CHECK(difference(tape.gradient(sum(q.loss), v), expected) < 1e-13);
}

TEST_CASE("one scale is a codebook by itself, to the bit, in training too") {
  using One = MultiScale<Vector<16, 3>, Scales<Extent{2, 4, 3}>>;
  Rng first{2}, second{2};
  const auto scaled = trained<One, float>(first, 10);
  const auto plain = trained<Vector<16, 3>, float>(second, 10);
  CHECK(same(scaled.buffers(), plain.buffers()));
  const auto z = latents<float>(3, first);
  CHECK(same(scaled->quantize(z).codes, plain->quantize(z).codes.reshape({3, 24})));
  CHECK(same(scaled->quantize(z).z, plain->quantize(z).z));
}

TEST_CASE("the codebook follows the vectors of all scales, with the step and not before") {
  Module<Small, double> model{Rng{1}};
  for (double& count : model->codebook.counts.value) count = 1e6;  // too many to begin anew
  model->codebook.sums.value = model->codebook.codebook.value * 1e6;
  const auto before = model.buffers().clone();
  Rng rng{2};
  Tape tape{rng.split()};
  (void)model->quantize(tape.constant(latents<double>(4, rng)));
  CHECK(same(model.buffers(), before));
  tape.apply_updates();
  const double counted = double(sum(model->codebook.counts.value).item());
  CHECK(counted == doctest::Approx(16e6 * 0.99 + 4 * 31 * 0.01).epsilon(1e-12));
}

TEST_CASE("an autoencoder of scales learns, on any number of threads the same, and is loaded as it was saved") {
  using Model = Autoencoder<nn::Linear<2, 3>, Small, nn::Linear<3, 2>>;
  Rng data{4};
  const auto field = normal<float>({32, 1, 2, 2, 2}, data) * 2.0;
  const auto x = sigmoid(resize_linear(field, Extent{2, 4, 3}));  // (32, 2, 4, 3, 2)
  const auto learned = [&](int team) {
    set_threads(team);
    Trainer trainer{Module<Model, float>{Rng{1}}, optim::Adam{.learning_rate = 1e-2}, 5};
    for (int i = 0; i < 200; ++i) (void)trainer.step(x);
    return trainer.model;
  };
  const int before = threads();
  const auto model = learned(2), again = learned(1);
  set_threads(before);
  CHECK(same(model.parameters(), again.parameters()));
  CHECK(same(model.buffers(), again.buffers()));
  CHECK(error(model->reconstruct(x), x) < 0.4 * error(x, x * 0.0F + mean(x)));
  CHECK(same(model->decode(model->codes(x)), model->reconstruct(x)));

  const auto path = std::filesystem::temp_directory_path() / "multi_scale.safetensors";
  save_weights(path, model);
  Module<Model, float> loaded{Rng{7}};
  load_weights(path, loaded);
  CHECK(same(loaded->codes(x), model->codes(x)));
  CHECK(same(loaded->reconstruct(x), model->reconstruct(x)));
  std::filesystem::remove(path);
}

TEST_CASE("latents of other extents, codes of no whole scales and codes that there are not are refused") {
  const Module<Small, float> model{Rng{1}};
  CHECK_THROWS_WITH_AS(model->quantize(zeros<float>({1, 2, 4, 4, 3})),
                       "MultiScale: needs z (N, 2, 4, 3, 3), got (1, 2, 4, 4, 3)", Error);
  CHECK_THROWS_AS(model->quantize(zeros<float>({24, 3})), Error);
  CHECK_THROWS_WITH_AS(model->decode(zeros<std::int32_t>({2, 8})),
                       "MultiScale: needs codes (N, 31), or those of the coarsest scales, got (2, 8)", Error);
  CHECK_THROWS_AS(model->decode(full<std::int32_t>({1, 31}, 16)), Error);
}
