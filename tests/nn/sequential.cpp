// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

using Network = Sequential<Conv2d<2, 4, Window{.kernel = 3, .padding = 1}>, LeakyReLU<0.2>,
                           ConvTranspose2d<4, 3, Window{.kernel = 4, .stride = 2, .padding = 1, .bias = false}>, Tanh>;

}  // namespace

TEST_CASE("a network knows its channels and dimensions") {
  CHECK(Network::in == 2);
  CHECK(Network::out == 3);
  CHECK(Network::dimensions == 2);
  CHECK(Sequential<ReLU, Linear<3, 5>, Tanh>::in == 3);
  CHECK(Sequential<ReLU>::out == any);
}

TEST_CASE("parameters are named by position, as in PyTorch, with PyTorch's initial ranges") {
  Module<Network, float> network{Rng{1}};
  std::vector<std::string> names;
  for_each_parameter(network, [&](const std::string& name, const auto& p) {
    names.push_back(name + to_string(p.shape()));
    const double bound = name[0] == '0' ? 1 / std::sqrt(2.0 * 9) : 1 / std::sqrt(3.0 * 16);
    const auto [least, most] = std::minmax_element(p.value.begin(), p.value.end());
    CHECK(*least >= -bound);
    CHECK(*most <= bound);
    CHECK(*least < -bound / 4);  // zeros, or numbers of one sign, would not do
    CHECK(*most > bound / 4);
  });
  CHECK(names == std::vector<std::string>{"0.weight(3, 3, 2, 4)", "0.bias(4)", "2.weight(4, 4, 3, 4)"});
  CHECK(network.parameters().size() == 72 + 4 + 192);
}

TEST_CASE_TEMPLATE("inference and training give the same values", T, float, double) {
  const Module<Network, T> network{Rng{2}};
  Rng rng{3};
  const Tensor<T> x = normal<T>({2, 4, 5, 2}, rng);
  Tape tape{network};
  const Tensor<T> y = network(x);
  CHECK(y.shape() == Shape{2, 8, 10, 3});
  CHECK(to_vector(y) == to_vector(network(tape.constant(x)).value()));
}

TEST_CASE("gradients in all parameters are exact") {
  Module<Network, double> network{Rng{4}};
  Rng rng{5};
  const auto x = normal<double>({1, 2, 3, 2}, rng);
  CHECK(parameter_gradient_error(network, [&](Tape& tape) { return network(tape.constant(x)); }) < 1e-7);
}

TEST_CASE_TEMPLATE("an activation after a normalisation is one step with it, to the same values", T, float, double) {
  using Norm = BatchNorm<3>;
  const Module<Sequential<Norm, LeakyReLU<0.2>, GroupNorm<1, 3>, SiLU, ReLU, LayerNorm<3>>, T> network{Rng{1}};
  const auto& layers = network->layers;
  Rng rng{2};
  const auto x = normal<T>({5, 7, 3}, rng);
  const auto apart = [&](const auto& v) {
    const auto one = get<1>(layers)(get<0>(layers)(v)), two = get<3>(layers)(get<2>(layers)(one));
    return get<5>(layers)(get<4>(layers)(two));
  };
  const auto close = [](const Tensor<T>& a, const Tensor<T>& b) {
    for (Index i = 0; i < a.size(); ++i) CHECK(a.data()[i] == doctest::Approx(b.data()[i]).epsilon(1e-4));
  };
  close(network(x), apart(x));
  Tape together{network}, alone{network};
  close(network(together.constant(x)).value(), apart(alone.constant(x)).value());
  CHECK(together.nodes() + 2 == alone.nodes());
  together.apply_updates();
  CHECK(network.buffers().data()[0] != 0);  // running statistics follow all the same
}

TEST_CASE("parameter gradients through normalisations and activations are exact") {
  Module<Sequential<Conv2d<2, 4, Window{.kernel = 3, .padding = 1}>, BatchNorm<4>, SiLU,
                    Conv2d<4, 4, Window{.kernel = 1}>, InstanceNorm<4>, Tanh>,
         double>
      network{Rng{4}};
  Rng rng{5};
  const auto x = normal<double>({2, 3, 3, 2}, rng);
  CHECK(parameter_gradient_error(network, [&](Tape& tape) { return network(tape.constant(x)); }) < 1e-6);
}

TEST_CASE("copies of a module are independent, and assigned ones equal") {
  Module<Network, float> a{Rng{6}};
  Module<Network, float> b = a;
  CHECK(to_vector(a.parameters()) == to_vector(b.parameters()));
  Tensor<float> parameters = b.parameters();
  fill(parameters, 0.0F);
  const auto x = full<float>({1, 2, 2, 2}, 1.0F);
  CHECK(sum(abs(b(x))).item() == 0);
  CHECK(sum(abs(a(x))).item() > 0);
  a = b;
  CHECK(sum(abs(a(x))).item() == 0);
}

TEST_CASE("the same seed makes the same module") {
  CHECK(to_vector(Module<Network, double>{Rng{7}}.parameters()) ==
        to_vector(Module<Network, double>{Rng{7}}.parameters()));
  CHECK(to_vector(Module<Network, double>{Rng{7}}.parameters()) !=
        to_vector(Module<Network, double>{Rng{8}}.parameters()));
}

TEST_CASE("layers that nothing records free what they have read") {
  const Module<Sequential<Tanh, Tanh, Tanh, Tanh, Tanh, Tanh, Tanh, Tanh>, float> network;
  const auto x = full<float>({1 << 18}, 0.5F);
  HostPool::instance().reset_peak();
  const std::size_t before = HostPool::instance().statistics().in_use;
  (void)network(x);
  CHECK(HostPool::instance().statistics().peak - before < 3 * (std::size_t{4} << 18));
}
