// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <flipbook/metrics/codes.hpp>
#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>
#include <flipbook/quantizer/vector.hpp>
#include <flipbook/testing/gradients.hpp>
#include <flipbook/train/train_step.hpp>
#include <flipbook/train/weights.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr int pixels = 36;
/// Two codes for each picture of 6×6.
template <class Q>
using Small = Autoencoder<Sequential<Linear<pixels, 32>, Tanh, Linear<32, 2 * Q::size>, Unflatten<2, Q::size>>, Q,
                          Sequential<Linear<Q::size, 16>, Flatten, Linear<32, 32>, Tanh, Linear<32, pixels>>>;
using Scalars = quantizer::FiniteScalar<5, 5>;
using Vectors = quantizer::Vector<16, 4>;

/// Blurred bars, one of twelve: six rows and six columns.
template <class T>
Tensor<T> bars(Index count, Rng& rng) {
  Tensor<T> x = full<T>({count, pixels}, T(0.05));
  for (Index i = 0; i < count; ++i) {
    const Index which = rng.below(12);
    for (Index j = 0; j < 6; ++j) x.data()[i * pixels + (which < 6 ? which * 6 + j : j * 6 + which - 6)] = T(0.95);
  }
  return x;
}

template <class Q>
Module<Small<Q>, float> trained(int steps) {
  Module<Small<Q>, float> model{Rng{1}};
  Optimizer adam{optim::Adam{.learning_rate = 1e-2}, model.parameters()};
  Rng rng{2};
  for (int i = 0; i < steps; ++i) {
    const auto x = bars<float>(32, rng);
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape.constant(x)); });
  }
  return model;
}

template <class X>
bool same(const X& a, const X& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

}  // namespace

TEST_CASE_TEMPLATE("two codes learn to tell twelve pictures apart", Q, Scalars, Vectors) {
  const auto model = trained<Q>(500);
  Rng rng{3};
  const auto x = bars<float>(200, rng);
  const auto codes = model->codes(x);
  REQUIRE(codes.shape() == Shape{200, 2});
  const double nats = double(model->loss(x).item());
  MESSAGE(nats << " nats, perplexity " << metrics::perplexity(codes, Q::codes));
  CHECK(nats < 10);  // those of pictures that are known are 36 · H(0.05) = 7.1, without codes 18
  CHECK(metrics::perplexity(codes, Q::codes) > 4);
  CHECK(metrics::usage(codes, Q::codes) > 0.25);

  const auto y = model->reconstruct(x);
  CHECK(same(model->decode(codes), y));
  Index near = 0;
  for (Index i = 0; i < x.size(); ++i) near += std::abs(x.data()[i] - y.data()[i]) < 0.2F;
  CHECK(double(near) > 0.97 * double(x.size()));
}

TEST_CASE("the gradient is exact behind the codes, and goes through them to the encoder") {
  const Module<Small<Scalars>, double> model{Rng{5}};
  Rng rng{6};
  const auto x = bars<double>(3, rng);
  const auto z = model->quantize(x).z;
  auto decoder = model->decoder;
  const auto loss = [&](const auto& q) { return -mean(model->likelihood.log_prob(model->decoder(q), x)); };
  CHECK(gradient_error(loss, z) < 1e-6);
  Tape tape{model};
  const auto gradient = tape.gradient(model->loss(tape.constant(x)), model);
  for (Index first = 0; first < gradient.size(); first += gradient.size() / 16) {
    const auto part = gradient.slice(first, std::min(gradient.size(), first + gradient.size() / 8));
    CHECK(std::any_of(part.begin(), part.end(), [](double g) { return g != 0; }));
  }
  for (const double g : gradient) REQUIRE(std::isfinite(g));
}

TEST_CASE("a seed gives the same model on any number of threads, and a file gives it back, codebook and all") {
  const int before = threads();
  set_threads(1);
  const auto one = trained<Vectors>(10);
  set_threads(3);
  const auto three = trained<Vectors>(10);
  set_threads(before);
  CHECK(same(one.parameters(), three.parameters()));
  CHECK(same(one.buffers(), three.buffers()));

  const auto path = std::filesystem::temp_directory_path() / "flipbook_vq_vae.safetensors";
  save_weights(path, one);
  Module<Small<Vectors>, float> loaded{Rng{9}};
  load_weights(path, loaded);
  std::filesystem::remove(path);
  Rng rng{4};
  const auto x = bars<float>(5, rng);
  CHECK(same(loaded->reconstruct(x), one->reconstruct(x)));
  CHECK(same(loaded->codes(x), one->codes(x)));
}

TEST_CASE("clips of other channels are refused") {
  const Module<Small<Scalars>, float> model{Rng{5}};
  CHECK_THROWS_WITH_AS(model->codes(zeros<float>({2, 35})),
                       "Autoencoder: clips of shape (2, 35) have 35 channels; its network takes 36", Error);
}
