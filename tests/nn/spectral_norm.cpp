// SPDX-License-Identifier: MIT
#include <flipbook/nn/spectral_norm.hpp>

#include <doctest/doctest.h>

#include <Eigen/SVD>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/core/eigen.hpp>
#include <flipbook/nn/module.hpp>

#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

using nn::SpectralNorm;

// The weight as PyTorch's matrix: output channels × (inputs, kernel).
Eigen::MatrixXd matrix_of(const Parameter<double, Cpu>& p) {
  const Shape& shape = p.shape();
  const bool transposed = p.layout == WeightLayout::transposed_convolution;
  const Index last = shape[-1], before = shape[-2], taps = p.value.size() / (last * before);
  Eigen::MatrixXd matrix(transposed ? before : last, (transposed ? last : before) * taps);
  each_index({taps, before, last}, [&](const Indices& i) {
    const double w = p.value.data()[(i[0] * before + i[1]) * last + i[2]];
    const Index o = transposed ? i[1] : i[2], in = transposed ? i[2] : i[1];
    matrix(o, in * taps + i[0]) = w;
  });
  return matrix;
}

template <class M>
void steps(M& module, const Tensor<double>& x, int count) {
  for (int i = 0; i < count; ++i) {
    Tape tape;
    module(tape.constant(x));
    tape.apply_updates();
  }
}

}  // namespace

TEST_CASE_TEMPLATE("a power iteration a step leads to the largest singular value", L, nn::Linear<7, 5>,
                   nn::Conv2d<3, 5, Window{.kernel = {2, 3}}>, nn::ConvTranspose2d<3, 5, Window{.kernel = {2, 3}}>,
                   nn::Conv3d<2, 1, Window{.kernel = 2, .bias = false}>) {
  Module<SpectralNorm<L>, double> module{Rng{3}};
  const auto x = random<double>(L::dimensions < 0    ? Shape{2, 7}
                                : L::dimensions == 2 ? Shape{1, 4, 5, 3}
                                                     : Shape{1, 3, 3, 3, 2});
  const Eigen::MatrixXd w = matrix_of(module->layer.weight);
  const auto vector = [](const Tensor<double>& t) {
    return Eigen::VectorXd(Eigen::Map<const Eigen::VectorXd>(t.data(), t.size()));
  };

  // The first step, by the definition.
  const Eigen::VectorXd v = (w.transpose() * vector(module->u.value)).normalized(), u = (w * v).normalized();
  steps(module, x, 1);
  CHECK((vector(module->u.value) - u).norm() < 1e-12);
  CHECK((vector(module->v.value) - v).norm() < 1e-12);

  const Module<L, double> layer{Rng{3}};  // with the same weight and bias
  const auto nothing = zeros<double>(x.shape());
  CHECK(difference(module(x) - module(nothing), (layer(x) - layer(nothing)) / u.dot(w * v)) < 1e-12);

  steps(module, x, 3000);
  const double sigma = vector(module->u.value).dot(w * vector(module->v.value));
  CHECK(sigma == doctest::Approx(w.jacobiSvd().singularValues()(0)).epsilon(1e-6));
}

TEST_CASE("names are those of torch.nn.utils.spectral_norm") {
  Module<SpectralNorm<nn::Conv2d<3, 5, Window{.kernel = 2}>>, float> module;
  std::string names;
  for_each_field(module,
                 [&](const std::string& name, const auto& leaf) { names += name + to_string(leaf.shape()) + " "; });
  CHECK(names == "weight_orig(2, 2, 3, 5) bias(5) weight_u(5) weight_v(12) ");
}

TEST_CASE("the gradient goes through σ, but not through u and v") {
  Module<SpectralNorm<nn::Linear<3, 2>>, double> module{Rng{3}};
  const auto x = random<double>({4, 3});
  steps(module, x, 200);  // at the fixed point, the iteration itself no longer depends on the weight to first order
  CHECK(parameter_gradient_error(module, [&](Tape& tape) { return module(tape.constant(x)); }) < 1e-5);
  CHECK(gradient_error([&](const auto& v) { return module(v); }, x) < 1e-8);
}

TEST_CASE("inference leaves u and v alone") {
  Module<SpectralNorm<nn::Linear<3, 2>>, float> module;
  const auto before = module.buffers().clone();
  module(random<float>({4, 3}));
  CHECK(same(module.buffers(), before));
}
