// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include <flipbook/metrics/codes.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/quantizer/vector.hpp>

#include "ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;
using quantizer::Vector;
using quantizer::VectorOptions;

namespace {

constexpr int codes = 5, size = 3;
using Small = Vector<codes, size, VectorOptions{.commitment = 0.3, .decay = 0.8, .revive = 0}>;
static_assert(quantizer::Quantizer<Small>);

/// A codebook whose averages are those of a training.
template <class T>
Module<Small, T> begun() {
  Module<Small, T> vq{Rng{1}};
  for (Index k = 0; k < codes; ++k) {
    const T count = static_cast<T>(3 + k);
    vq->counts.value.data()[k] = count;
    for (Index j = 0; j < size; ++j)
      vq->sums.value.data()[k * size + j] = count * vq->codebook.value.data()[k * size + j];
  }
  return vq;
}

template <class T>
Index nearest(const Tensor<T>& book, const T* z) {
  std::vector<double> distance;
  for (Index k = 0; k < book.extent(0); ++k) {
    distance.push_back(0);
    for (Index j = 0; j < book.extent(1); ++j) {
      const double apart = double(z[j]) - double(book.data()[k * book.extent(1) + j]);
      distance.back() += apart * apart;
    }
  }
  return std::min_element(distance.begin(), distance.end()) - distance.begin();
}

/// Vectors around `centres`, so many in turn: (count, 2).
Tensor<float> clustered(Index count, Index centres, Rng& rng) {
  Tensor<float> x = normal<float>({count, 2}, rng) * 0.05;
  for (Index i = 0; i < count; ++i) {
    const Index c = rng.below(centres);
    x.data()[2 * i] += static_cast<float>(c % 4);
    x.data()[2 * i + 1] += static_cast<float>(c / 4);
  }
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("z becomes the nearest vector, at the cost of its distance", T, float, double) {
  const auto vq = begun<T>();
  const auto z = random<T>({2, 7, size}, 2);
  const auto q = vq->quantize(z);
  REQUIRE(q.codes.shape() == Shape{2, 7});
  std::vector<double> cost(2);
  for (Index i = 0; i < 14; ++i) {
    const Index k = nearest(vq->codebook.value, z.data() + i * size);
    REQUIRE(q.codes.data()[i] == k);
    for (Index j = 0; j < size; ++j) {
      const T e = vq->codebook.value.data()[k * size + j];
      CHECK(q.z.data()[i * size + j] == e);
      cost[static_cast<std::size_t>(i / 7)] += 0.3 * std::pow(double(z.data()[i * size + j] - e), 2);
    }
  }
  for (Index n = 0; n < 2; ++n) CHECK(double(q.loss.data()[n]) == doctest::Approx(cost[std::size_t(n)]));
  CHECK(same(vq->decode(q.codes), q.z));
  CHECK_THROWS_AS(vq->decode(Tensor<std::int32_t>({1}, {codes})), Error);
  CHECK_THROWS_AS(vq->quantize(zeros<T>({2, size + 1})), Error);
}

TEST_CASE("gradients go straight through to z, and the loss draws it to its vector") {
  const auto vq = begun<double>();
  const auto z = random<double>({4, size}, 3), weight = random<double>({4, size}, 4);
  Tape tape;
  const auto v = tape.variable(z);
  const auto q = vq->quantize(v);
  CHECK(same(tape.gradient(sum(q.z * weight), v, {.retain_graph = true}), weight));
  CHECK(difference(tape.gradient(sum(q.loss), v), (z - q.z.value()) * 0.6) < 1e-14);
}

TEST_CASE_TEMPLATE("the codebook follows the means of what chose it, with the step and not before", T, float, double) {
  auto vq = begun<T>();
  const auto before = vq.buffers().clone();
  const auto z = random<T>({6, 3, size}, 5);
  std::vector<double> counts, sums;
  for (Index k = 0; k < codes; ++k) counts.push_back(0.8 * double(vq->counts.value.data()[k]));
  for (const T v : vq->sums.value) sums.push_back(0.8 * double(v));
  for (Index i = 0; i < 18; ++i) {
    const Index k = nearest(vq->codebook.value, z.data() + i * size);
    counts[std::size_t(k)] += 0.2;
    for (Index j = 0; j < size; ++j) sums[std::size_t(k * size + j)] += 0.2 * double(z.data()[i * size + j]);
  }
  Tape tape;
  (void)vq->quantize(tape.constant(z));
  CHECK(same(vq.buffers(), before));
  tape.apply_updates();
  double total = 0;
  for (const double count : counts) total += count;
  for (Index k = 0; k < codes; ++k) {
    CHECK(double(vq->counts.value.data()[k]) == doctest::Approx(counts[std::size_t(k)]));
    const double smooth = (counts[std::size_t(k)] + 1e-5) / (total + codes * 1e-5) * total;
    for (Index j = k * size; j < (k + 1) * size; ++j) {
      CHECK(double(vq->sums.value.data()[j]) == doctest::Approx(sums[std::size_t(j)]));
      CHECK(double(vq->codebook.value.data()[j]) == doctest::Approx(sums[std::size_t(j)] / smooth));
    }
  }
  const auto after = vq.buffers().clone();
  Tape frozen;
  frozen.in_mode(Mode::evaluation, [&] { return vq->quantize(frozen.constant(z)).z; });
  frozen.apply_updates();
  CHECK(same(vq.buffers(), after));
}

TEST_CASE("a codebook begins at vectors of the first batch, and all of it is used where the data have clusters") {
  const Module<Vector<16, 2>, float> vq{Rng{1}};
  Rng rng{2};
  const auto step = [&](const Tensor<float>& z) {
    Tape tape{rng.split()};
    const auto q = vq->quantize(tape.constant(z));
    tape.apply_updates();
    return q;
  };
  const auto first = clustered(64, 16, rng);
  const auto q = step(first);
  for (Index k = 0; k < 16; ++k) {  // code k begins at one of vectors 4k … 4k + 3
    Index equal = 0;
    for (Index i = 0; i < 64; ++i) {
      if (q.codes.data()[i] != k || !same(q.z.value()[i], first[i])) continue;
      CHECK(i / 4 == k);
      ++equal;
    }
    CHECK(equal == 1);
  }
  for (int i = 0; i < 400; ++i) (void)step(clustered(64, 16, rng));
  const auto unseen = vq->quantize(clustered(1600, 16, rng));
  CHECK(metrics::perplexity(unseen.codes, 16) > 12);
  CHECK(double(mean(unseen.loss).item()) / 0.25 < 0.1 * 2 * 2);  // of the variance between the clusters
}

TEST_CASE("codes that nothing has chosen for long are put where the data have gone to") {
  Module<Vector<8, 2>, float> vq{Rng{1}};
  Rng rng{2};
  for (int i = 0; i < 600; ++i) {
    Tape tape{rng.split()};
    const auto z = i < 10 ? normal<float>({64, 2}, rng) * 0.01 - 20.0 : clustered(64, 8, rng);
    (void)vq->quantize(tape.constant(z));
    tape.apply_updates();
  }
  CHECK(metrics::perplexity(vq->quantize(clustered(800, 8, rng)).codes, 8) > 5.5);
}

TEST_CASE("a seed gives the same codebook on any number of threads") {
  const auto trained = [](int team) {
    set_threads(team);
    const Module<Vector<16, 2>, float> vq{Rng{1}};
    Rng rng{2};
    for (int i = 0; i < 5; ++i) {
      Tape tape{rng.split()};
      (void)vq->quantize(tape.constant(clustered(500, 16, rng)));
      tape.apply_updates();
    }
    return vq.buffers().clone();
  };
  const int before = threads();
  const auto one = trained(1), three = trained(3);
  set_threads(before);
  CHECK(same(one, three));
}
