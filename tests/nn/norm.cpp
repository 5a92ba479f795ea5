// SPDX-License-Identifier: MIT
#include <flipbook/nn/norm.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/module.hpp>

#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

template <class M>
std::string names(M& module) {
  std::string joined;
  for_each_field(module,
                 [&](const std::string& name, const auto& leaf) { joined += name + to_string(leaf.shape()) + " "; });
  return joined;
}

}  // namespace

TEST_CASE("parameters and buffers have PyTorch's names") {
  Module<nn::BatchNorm<3>, float> batch;
  CHECK(names(batch) == "weight(3) bias(3) running_mean(3) running_var(3) ");
  Module<nn::BatchNorm<3, nn::NormOptions{.affine = false}>, float> plain;
  CHECK(names(plain) == "running_mean(3) running_var(3) ");
  Module<nn::GroupNorm<2, 4>, float> group;
  CHECK(names(group) == "weight(4) bias(4) ");
  Module<nn::RMSNorm<4>, float> rms;
  CHECK(names(rms) == "weight(4) ");
  Module<nn::InstanceNorm<4>, float> instance;
  CHECK(names(instance).empty());
}

TEST_CASE_TEMPLATE("running statistics follow the batches, once they are committed", T, float, double) {
  Module<nn::BatchNorm<3>, T> norm;
  const auto x = affine(random<T>({5, 7, 3}), 2, 3);
  const auto rows = x.reshape({35, 3});
  const auto mean_of = mean(rows, {0}, true), variance = sum(square(rows - mean_of), {0}, true) / 34;
  Tape tape;
  const auto y = norm(tape.constant(x));
  CHECK(same(norm->running_mean.value, zeros<T>({3})));
  tape.apply_updates();
  CHECK(difference(norm->running_mean.value, 0.1 * mean_of) < tolerance<T>);
  CHECK(difference(norm->running_var.value, 0.9 + 0.1 * variance) < 3 * tolerance<T>);
  const auto normal = (rows - mean_of) / sqrt(variance * 34 / 35 + 1e-5);
  CHECK(difference(y.value().reshape({35, 3}), normal) < 3 * tolerance<T>);
}

TEST_CASE_TEMPLATE("inference uses the running statistics and nothing of the batch", T, float, double) {
  Module<nn::BatchNorm<3>, T> norm;
  Tape tape;
  norm(tape.constant(affine(random<T>({50, 3}), 2, 3)));
  tape.apply_updates();
  const auto x = random<T>({1, 3}, 2);
  const auto expected = (x - norm->running_mean.value) / sqrt(norm->running_var.value + 1e-5);
  CHECK(difference(norm(x), expected) < tolerance<T>);
  const auto before = norm.buffers().clone();
  norm(random<T>({9, 3}));
  CHECK(same(norm.buffers(), before));
}

TEST_CASE("a batch seen twice in a step moves the running statistics twice") {
  Module<nn::BatchNorm<2>, double> norm;
  const auto x = full<double>({3, 2}, 1.0);
  Tape tape;
  norm(tape.constant(x));
  norm(tape.constant(x));
  tape.apply_updates();
  CHECK(norm->running_mean.value.data()[0] == doctest::Approx(0.19));
}

TEST_CASE("parameter gradients of the layers are exact") {
  const auto x = random<double>({2, 3, 2, 4});
  const auto exact = [&](auto module) {
    Tensor<double> parameters = module.parameters();
    Rng rng{5};
    const auto start = normal<double>(parameters.shape(), rng);
    std::copy(start.begin(), start.end(), parameters.begin());
    CHECK(parameter_gradient_error(module, [&](Tape& tape) { return module(tape.constant(x)); }) < 1e-8);
  };
  exact(Module<nn::BatchNorm<4>, double>{});
  exact(Module<nn::LayerNorm<4>, double>{});
  exact(Module<nn::GroupNorm<2, 4>, double>{});
  exact(Module<nn::InstanceNorm<4, nn::NormOptions{.affine = true}>, double>{});
  exact(Module<nn::RMSNorm<4>, double>{});
}

TEST_CASE_TEMPLATE("layers do what the operations of their names do", T, float, double) {
  const auto x = random<T>({2, 5, 3, 4});
  const None none;
  CHECK(same(Module<nn::LayerNorm<4>, T>{}(x), layer_norm(x, none, none)));
  CHECK(same(Module<nn::GroupNorm<2, 4>, T>{}(x), group_norm(x, 2, none, none)));
  CHECK(same(Module<nn::InstanceNorm<4>, T>{}(x), instance_norm(x, none, none)));
  CHECK(same(Module<nn::RMSNorm<4>, T>{}(x), rms_norm(x, none)));
}
