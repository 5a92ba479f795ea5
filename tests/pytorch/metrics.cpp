// SPDX-License-Identifier: MIT
// Metrics, as metrics.py computes them with scikit-image, SciPy and scikit-learn.
#include <flipbook/io/safetensors.hpp>
#include <flipbook/metrics/calibration.hpp>
#include <flipbook/metrics/ensemble.hpp>
#include <flipbook/metrics/error.hpp>
#include <flipbook/metrics/forecast.hpp>
#include <flipbook/metrics/frechet.hpp>
#include <flipbook/metrics/kernel_distance.hpp>
#include <flipbook/metrics/roc.hpp>
#include <flipbook/metrics/sprites.hpp>
#include <flipbook/metrics/ssim.hpp>

#include "cases.hpp"

namespace fb = flipbook;
using namespace flipbook::metrics;

namespace {

template <class T>
void write(pytorch::Folder<T>& folder, const char* name, const std::vector<double>& values) {
  fb::Tensor<T> x({static_cast<fb::Index>(values.size())});
  std::transform(values.begin(), values.end(), x.begin(), [](double value) { return static_cast<T>(value); });
  folder.write(name, x);
}

/// The value of a metric of the case's two tensors, added sample by sample.
template <class T, class M>
void write_value(pytorch::Folder<T>& folder, const char* name, M metric) {
  const auto x = folder.real("x"), y = folder.real("y");
  for (fb::Index n = 0; n < y.extent(0); ++n) metric.add(x.slice(n, n + 1), y.slice(n, n + 1));
  write(folder, name, {metric.value()});
}

template <class T>
void reliability(pytorch::Folder<T>& folder) {
  Reliability metric;
  metric.add(folder.real("x"), folder.real("y"));
  std::vector<double> probability, frequency;
  for (const auto& bin : metric.curve()) probability.push_back(bin.probability), frequency.push_back(bin.frequency);
  write(folder, "probability", probability);
  write(folder, "frequency", frequency);
  write(folder, "error", {metric.value()});
  write_value(folder, "brier", Brier{});
}

template <class T>
void roc(pytorch::Folder<T>& folder) {
  Roc metric;
  metric.add(folder.real("x"), folder.real("y"));
  std::vector<double> false_positives, true_positives, thresholds;
  for (const auto& [false_positive_rate, true_positive_rate, threshold] : metric.curve()) {
    false_positives.push_back(false_positive_rate), true_positives.push_back(true_positive_rate);
    if (threshold < HUGE_VAL) thresholds.push_back(threshold);
  }
  write(folder, "false_positive_rate", false_positives);
  write(folder, "true_positive_rate", true_positives);
  write(folder, "thresholds", thresholds);
  write(folder, "area", {metric.value()});
}

}  // namespace

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  cases.each("errors", [](auto& folder) {
    write_value(folder, "mse", Mse{});
    write_value(folder, "mse_openstl", Mse({.over_frame = Reduction::sum}));
    write_value(folder, "mae", Mae{});
    write_value(folder, "mae_openstl", Mae({.over_frame = Reduction::sum}));
    write_value(folder, "psnr", Psnr{});
    write_value(folder, "psnr_of_errors", Psnr({.data_range = 2, .mean_of = PeakSignalToNoise::Mean::errors}));
  });
  for (const char* name : {"ssim", "ssim_colour"}) {
    cases.each(name, [](auto& folder) {
      write_value(folder, "wang", Ssim{});
      write_value(folder, "openstl", Ssim(StructuralSimilarity::openstl()));
    });
  }
  for (const char* name : {"distances", "distances_of_few"}) {
    cases.each(name, [](auto& folder) {
      FrechetDistance frechet;
      KernelDistance kernel;
      frechet.add(folder.real("x"), folder.real("y"));
      kernel.add(folder.real("x"), folder.real("y"));
      write(folder, "frechet", {frechet.value()});
      write(folder, "kernel", {kernel.value()});
    });
  }
  cases.each("crps", [](auto& folder) {
    Crps fair, standard({.estimator = Crps::Estimator::standard});
    fair.add(folder.real("x"), folder.real("y")), standard.add(folder.real("x"), folder.real("y"));
    write(folder, "fair", {fair.value()});
    write(folder, "standard", {standard.value()});
  });
  cases.each("reliability", [](auto& folder) { reliability(folder); });
  for (const char* name : {"roc", "roc_with_ties"}) cases.each(name, [](auto& folder) { roc(folder); });
  cases.each("events", [](auto& folder) {
    write_value(folder, "csi", Csi({.threshold = 0.75}));
    write_value(folder, "pod", Pod({.threshold = 0.75}));
    write_value(folder, "far", Far({.threshold = 0.75}));
    for (const auto& [name, window] : {std::pair{"fss_1", 1}, {"fss_3", 3}, {"fss_9", 9}}) {
      write_value(folder, name, Fss({.threshold = 0.75, .window = window}));
    }
  });
  cases.each("centroids", []<class T>(pytorch::Folder<T>& folder) {
    const auto path = centroid_path(folder.real("x"), 0.25);
    write(folder, "path", fb::to_vector(path.at));
  });
  return cases.status();
}
