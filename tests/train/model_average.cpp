// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/train/model_average.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

using Normalised = Sequential<Linear<3, 5>, BatchNorm<5>, ReLU>;
using Plain = Sequential<Linear<3, 5>, ReLU>;

template <class T>
void set(Tensor<T> x, T value) {
  for (T& each : x) each = value;
}
template <class T>
bool all(const Tensor<T>& x, double value) {
  for (const T each : x) {
    if (double(each) != doctest::Approx(value)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE_TEMPLATE("parameters and buffers follow by the same decay, and stand in the model's place while asked", T,
                   float, double) {
  Module<Normalised, T> model;
  set(model.parameters(), T(1)), set(model.buffers(), T(10));
  ModelAverage<T, Cpu> average(0.75, model);
  set(model.parameters(), T(5)), set(model.buffers(), T(30));
  average.update(model);
  average.in_place_of(model, [&] {
    CHECK(all(model.parameters(), 2));  // 0.75 · 1 + 0.25 · 5
    CHECK(all(model.buffers(), 15));
  });
  CHECK(all(model.parameters(), 5));
  CHECK(all(model.buffers(), 30));
  average.update(model);
  CHECK(average.in_place_of(model, [&] { return all(model.parameters(), 2.75) && all(model.buffers(), 18.75); }));
}

TEST_CASE("the model is back after an exception, and needs no buffers") {
  Module<Plain, double> model;
  REQUIRE(model.buffers().size() == 0);
  set(model.parameters(), 1.0);
  ModelAverage<double, Cpu> average(0.5, model);
  set(model.parameters(), 3.0);
  average.update(model);
  CHECK_THROWS_AS(average.in_place_of(model,
                                      [&] {
                                        CHECK(all(model.parameters(), 2));
                                        throw std::runtime_error("in the middle");
                                      }),
                  std::runtime_error);
  CHECK(all(model.parameters(), 3));
}

TEST_CASE("a decay outside of [0, 1) is refused") {
  const Module<Plain, float> model;
  CHECK_THROWS_WITH_AS((ModelAverage<float, Cpu>(1, model)),
                       "MovingAverage: the decay must lie in [0, 1), got 1.000000", Error);
}
