// SPDX-License-Identifier: MIT
// What docs/metrics.md shows, but for the Fréchet distance, which is long to compile: tests/metrics/frechet.cpp.
#include <doctest/doctest.h>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/metrics/best_of.hpp>
#include <flipbook/metrics/calibration.hpp>
#include <flipbook/metrics/curve.hpp>
#include <flipbook/metrics/ensemble.hpp>
#include <flipbook/metrics/error.hpp>
#include <flipbook/metrics/forecast.hpp>
#include <flipbook/metrics/kernel_distance.hpp>
#include <flipbook/metrics/likelihood.hpp>
#include <flipbook/metrics/roc.hpp>
#include <flipbook/metrics/sprites.hpp>
#include <flipbook/metrics/ssim.hpp>

namespace fb = flipbook;

namespace {

fb::MovingSprites sprites() {
  fb::Rng rng{1};
  auto images = fb::uniform<float>({4, 9, 9}, rng);
  for (float& pixel : images) pixel = 0.3F + 0.7F * pixel;
  return {images, {.frames = 6, .canvas = 24, .sprites = 1}};
}

// A poor model: the truth and some noise.
fb::Tensor<float> predict(const fb::Tensor<float>& clips, std::uint64_t seed = 2) {
  fb::Rng rng{seed};
  auto predicted = fb::uniform<float>(clips.shape(), rng);
  for (fb::Index i = 0; i < clips.size(); ++i) {
    predicted.data()[i] = 0.9F * clips.data()[i] + 0.1F * predicted.data()[i];
  }
  return predicted;
}

fb::Tensor<float> several(const fb::Tensor<float>& clips) {
  fb::Tensor<float> drawn({3, clips.extent(0), clips.extent(1), clips.extent(2), clips.extent(3), clips.extent(4)});
  for (fb::Index i = 0; i < 3; ++i) {
    const auto one = predict(clips, static_cast<std::uint64_t>(i));
    std::copy(one.begin(), one.end(), drawn[i].data());
  }
  return drawn;
}

}  // namespace

TEST_CASE("the page about metrics measures predictions as it says") {
  const auto test_set = sprites();
  // [stream]
  fb::metrics::Ssim ssim;
  fb::metrics::Psnr psnr({.data_range = 1});
  for (fb::Index first = 0; first < 8; first += 4) {
    const auto clips = fb::batch_of(test_set, first, 4);  // (4, T, H, W, C)
    const auto predicted = predict(clips);                // (4, T, H, W, C)
    ssim.add(predicted, clips);
    psnr.add(predicted, clips);
  }
  const double similarity = ssim.value(), decibels = psnr.value();
  // [/stream]
  CHECK(similarity < 1);
  CHECK(decibels > 20);

  const auto clips = fb::batch_of(test_set, 0, 8), predicted = predict(clips), drawn = several(clips);
  // [merge]
  fb::metrics::Mse whole, shard;  // the shard may come from another thread
  whole.add(predicted.slice(0, 5), clips.slice(0, 5));
  shard.add(predicted.slice(5, 8), clips.slice(5, 8));
  whole.merge(shard);
  // [/merge]
  CHECK(whole.frames() == 48);
  // [openstl]
  using fb::metrics::Reduction;
  fb::metrics::Mse mse({.over_frame = Reduction::sum});
  fb::metrics::Mae mae({.over_frame = Reduction::sum});
  fb::metrics::Ssim openstl(fb::metrics::StructuralSimilarity::openstl());
  // [/openstl]
  mse.add(predicted, clips), mae.add(predicted, clips), openstl.add(predicted, clips);
  CHECK(mse.value() == doctest::Approx(24 * 24 * whole.value()));
  // [curve]
  fb::metrics::Curve<fb::metrics::Ssim> by_time;
  by_time.add(predicted, clips);
  const std::vector<double> values = by_time.value();  // one for each frame of a clip
  // [/curve]
  CHECK(values.size() == 6);
  // [best_of]
  fb::metrics::BestOf<fb::metrics::Psnr> best;
  best.add(drawn, clips);  // drawn (n, N, T, H, W, C)
  fb::metrics::BestOf<fb::metrics::Psnr, fb::metrics::Curve<fb::metrics::Psnr>> best_by_time;
  best_by_time.add(drawn, clips);
  // [/best_of]
  CHECK(best.value() > psnr.value() - 1);
  // [crps]
  fb::metrics::Crps crps;  // the fair estimator
  crps.add(drawn, clips);  // drawn (M, N, T, H, W, C)
  // [/crps]
  CHECK(crps.value() > 0);
}

TEST_CASE("the page about metrics measures probabilities, events and sprites as it says") {
  const auto clips = fb::batch_of(sprites(), 0, 8), generated = predict(clips);
  const auto log_prob = fb::full<float>({8}, -100);
  // [likelihood]
  fb::metrics::NegativeLogLikelihood nll;
  nll.add(log_prob, clips.shape());  // (N), in nats, of clips (N, T, H, W, C)
  const double frame = nll.nats_per_frame(), dimension = nll.bits_per_dimension();
  // [/likelihood]
  CHECK(frame == doctest::Approx(100 / 6.0));
  CHECK(dimension > 0);

  fb::Rng rng{5};
  const auto features = fb::normal<float>({20, 3}, rng), real_features = fb::normal<float>({20, 3}, rng);
  // [kernel]
  fb::metrics::KernelDistance kernel;
  kernel.add(features, real_features);  // (N, D), (M, D)
  // [/kernel]
  CHECK(kernel.value() < 2);

  const auto probability = fb::uniform<float>({60}, rng);
  auto outcome = fb::zeros<float>({60});
  for (fb::Index i = 0; i < 60; ++i) outcome.data()[i] = probability.data()[i] > 0.4F ? 1 : 0;
  const auto &score = probability, &anomalous = outcome;
  // [calibration]
  fb::metrics::Brier brier;
  fb::metrics::Reliability reliability({.bins = 10});
  brier.add(probability, outcome);  // outcome: 0 or 1
  reliability.add(probability, outcome);
  const double error = reliability.value();  // expected calibration error
  for (const auto& [count, predicted, happened] : reliability.curve()) CHECK(count > 0);
  // [/calibration]
  CHECK(error > 0);
  // [roc]
  fb::metrics::Roc roc;
  roc.add(score, anomalous);  // anomalous: 0 or 1
  const double area = roc.value();
  // [/roc]
  CHECK(area == 1);
  // [forecast]
  using fb::metrics::Csi, fb::metrics::Fss;
  fb::metrics::Several<Csi> csi({Csi({.threshold = 0.3}), Csi({.threshold = 0.6})});
  fb::metrics::Fss fss({.threshold = 0.6, .window = 5});
  csi.add(generated, clips);
  fss.add(generated, clips);
  // [/forecast]
  CHECK(csi.value()[0] > 0);
  CHECK(fss.value() > 0);
  // [sprites]
  fb::metrics::SpriteMotion motion, real_motion;
  motion.add(generated), real_motion.add(clips);
  fb::metrics::ContentChange change({.crop = 9});
  change.add(generated);
  fb::metrics::PathError path;  // of predictions, whose truth is known
  path.add(generated, clips);
  // [/sprites]
  CHECK(real_motion.value() > 0.3);
  CHECK(change.value() < 0.2);
  CHECK(path.value() < 2);
}
