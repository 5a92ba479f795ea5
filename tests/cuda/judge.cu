// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <flipbook/train/cuda.hpp>

using namespace flipbook;

namespace {

struct Judged {
  std::vector<float> buffers;
  double factor, report;
};

/// What becomes of so many buffers that were 1 and are 2, of which `bad` (−1: none) is infinite, in a step with this
/// factor.
Judged judged(int count, int bad, float factor) {
  using Changed = cuda::ChangedBuffers<float>::Buffer;
  cuda::Judgement<float> judgement;
  judgement.factor = full<float, Cuda>(Shape{}, factor);
  judgement.report = zeros<double, Cuda>({3});
  std::vector<Tensor<float, Cuda>> now, before;
  std::vector<Changed> changed;
  for (int i = 0; i < count; ++i) {
    const Shape shape{1 + 300 * (i % 3)};
    now.push_back(full<float, Cuda>(shape, i == bad ? std::numeric_limits<float>::infinity() : 2.0F));
    before.push_back(full<float, Cuda>(shape, 1));
    changed.push_back({now.back().data(), std::as_const(before.back()).data(), shape.size()});
  }
  cuda::judge<float>(changed, judgement);
  Judged result{{}, static_cast<double>(judgement.factor.item()), to_vector(judgement.report)[2]};
  for (const auto& buffer : now) {
    for (const float number : to_vector(buffer)) result.buffers.push_back(number);
  }
  return result;
}

bool all_are(const std::vector<float>& numbers, float number) {
  return std::all_of(numbers.begin(), numbers.end(), [=](float x) { return x == number; });
}

}  // namespace

TEST_CASE("buffers stay changed where all is finite, and are all put back otherwise, however many") {
  for (const int count : {1, 5, 150}) {
    CAPTURE(count);
    const Judged fine = judged(count, -1, 0.5F);
    CHECK(all_are(fine.buffers, 2));
    CHECK(fine.factor == 0.5);
    CHECK(fine.report == 0);
    for (const int bad : {0, count - 1}) {
      const Judged broken = judged(count, bad, 0.5F);
      CHECK(all_are(broken.buffers, 1));
      CHECK(std::isnan(broken.factor));
      CHECK(std::isnan(broken.report));
    }
    const Judged left_out = judged(count, -1, std::numeric_limits<float>::quiet_NaN());
    CHECK(all_are(left_out.buffers, 1));
    CHECK(left_out.report == 0);
  }
}
