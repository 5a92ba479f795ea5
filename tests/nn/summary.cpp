// SPDX-License-Identifier: MIT
#include <flipbook/nn/summary.hpp>

#include <doctest/doctest.h>

#include <sstream>

#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/conv_cells.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/residual.hpp>
#include <flipbook/nn/resample.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/nn/spectral_norm.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr Window halving{.kernel = 4, .stride = 2, .padding = 1}, same{.kernel = 3, .padding = 1};
using Image = Sequential<Conv2d<1, 2, halving>, BatchNorm<2>, LeakyReLU<0.2>, Residual<Conv2d<2, 2, same>, ReLU>,
                         Upsample<2>, Flatten, Linear<128, 3>>;

/// A module of one's own, which uses one layer twice and one outside of any container.
struct Own {
  template <Real T, class B>
  struct Instance {
    Of<Sequential<Linear<3, 3>, Tanh>, T, B> body;
    Of<Linear<3, 2>, T, B> head;

    explicit Instance(Rng& rng) : body(rng), head(rng) {}
    static void fields(auto& self, auto&& field) {
      field("body", self.body);
      field("head", self.head);
    }
    template <Value X>
    X operator()(const X& x) const {
      return head(body(body(x)));
    }
  };
};

}  // namespace

TEST_CASE_TEMPLATE("every layer stands in the table with its shape, parameters and multiply-adds", T, float, double) {
  const Module<Image, T> module{Rng{1}};
  const Summary found = summary(module, {5, 8, 8, 1});
  struct Row {
    const char *name, *type;
    int depth;
    Shape output;
    Index parameters, multiply_adds;
  };
  const Row expected[] = {
      {"0", "Conv2d<1, 2>", 0, {5, 4, 4, 2}, 4 * 4 * 2 + 2, 5 * 16 * 16 * 2},
      {"1", "BatchNorm<2>", 0, {5, 4, 4, 2}, 4, 0},
      {"2", "LeakyReLU", 0, {5, 4, 4, 2}, 0, 0},
      {"3", "Residual", 0, {5, 4, 4, 2}, 9 * 2 * 2 + 2, 5 * 16 * 9 * 2 * 2},
      {"3.body.0", "Conv2d<2, 2>", 1, {5, 4, 4, 2}, 9 * 2 * 2 + 2, 5 * 16 * 9 * 2 * 2},
      {"3.body.1", "ReLU", 1, {5, 4, 4, 2}, 0, 0},
      {"4", "Upsample", 0, {5, 8, 8, 2}, 0, 0},
      {"5", "Flatten", 0, {5, 128}, 0, 0},
      {"6", "Linear<128, 3>", 0, {5, 3}, 128 * 3 + 3, 5 * 128 * 3},
  };
  REQUIRE(found.layers.size() == std::size(expected));
  Index parameters = 0, multiply_adds = 0;
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    const LayerSummary& layer = found.layers[i];
    CAPTURE(i);
    CHECK(layer.name == expected[i].name);
    CHECK(layer.type == expected[i].type);
    CHECK(layer.depth == expected[i].depth);
    CHECK(layer.output == expected[i].output);
    CHECK(layer.parameters == expected[i].parameters);
    CHECK(layer.multiply_adds == expected[i].multiply_adds);
    CHECK(layer.calls == 1);
    if (layer.depth == 0) parameters += layer.parameters, multiply_adds += layer.multiply_adds;
  }
  CHECK(found.output == Shape{5, 3});
  CHECK(found.parameters == parameters);
  CHECK(found.parameters == module.parameters().size());
  CHECK(found.multiply_adds == multiply_adds);
  CHECK(found.buffers == module.buffers().size());
  CHECK(found.bytes == static_cast<std::size_t>(found.parameters + found.buffers) * sizeof(T));
}

TEST_CASE("a layer that runs twice is one line, and what runs outside of containers is in the totals") {
  const Module<Own, float> module{Rng{1}};
  const Summary found = summary(module, {10, 3});
  REQUIRE(found.layers.size() == 2);
  CHECK(found.layers[0].name == "body.0");
  CHECK(found.layers[0].calls == 2);
  CHECK(found.layers[0].parameters == 12);
  CHECK(found.layers[0].multiply_adds == 2 * 10 * 9);
  CHECK(found.parameters == 12 + 8);
  CHECK(found.multiply_adds == 2 * 10 * 9 + 10 * 6);
  CHECK(to_string(found) ==
        "Layer                   Output   Parameters  Multiply-adds\n"
        "body.0 Linear<3, 3> ×2  (10, 3)          12            180\n"
        "body.1 Tanh ×2          (10, 3)           0              0\n"
        "outside of these                          8             60\n"
        "Total                   (10, 2)          20            240\n"
        "0 numbers in buffers; parameters and buffers take 80 bytes\n");
}

TEST_CASE("layers over frames and sequences say what they hold") {
  using Net = Sequential<PerFrame<Sequential<Conv2d<1, 2, same>, SpectralNorm<Conv2d<2, 1, same>>>>,
                         Stack<ConvLstmCell<1, 3, same>, Conv2d<3, 1, same>>, Repeat<2, Conv3d<1, 1, same>>>;
  const Summary found = summary(Module<Net, float>{Rng{1}}, {2, 5, 4, 4, 1});
  std::vector<std::string> lines;
  for (const LayerSummary& layer : found.layers) lines.push_back(layer.name + ' ' + layer.type);
  CHECK(lines == std::vector<std::string>{"0 PerFrame<Sequential>", "0.0 Conv2d<1, 2>",
                                          "0.1 SpectralNorm<Conv2d<2, 1>>", "1 Stack",
                                          "1.0 Recurrent<ConvLstmCell<1, 3>>", "1.1 PerFrame<Conv2d<3, 1>>",
                                          "2 Repeat<2>", "2.0 Conv3d<1, 1>", "2.1 Conv3d<1, 1>"});
  CHECK(found.layers[1].output == Shape{10, 4, 4, 2});
}

TEST_CASE("a layer by itself has totals, and a member of a module is summarised on given inputs") {
  const Summary linear = summary(Module<Linear<3, 4>, float>{Rng{1}}, {2, 3});
  CHECK(linear.layers.empty());
  CHECK(linear.parameters == 16);
  CHECK(linear.multiply_adds == 24);
  const Module<Own, float> module{Rng{1}};
  CHECK(summary(module->body, ones<float>({2, 3})).layers.size() == 2);
}

TEST_CASE("a summary leaves the module as it was, also where the module refuses the input") {
  const Module<Image, float> module{Rng{1}};
  const auto parameters = to_vector(module.parameters()), buffers = to_vector(module.buffers());
  summary(module, {5, 8, 8, 1});
  CHECK(to_vector(module.parameters()) == parameters);
  CHECK(to_vector(module.buffers()) == buffers);
  CHECK_THROWS_AS(summary(module, {5, 8, 8, 3}), Error);
  module(zeros<float>({5, 8, 8, 1}));  // nobody is told any more
  CHECK(summary(module, {1, 8, 8, 1}).layers.size() == 9);
}

TEST_CASE("a summary can be written to a stream, numbers in groups of three digits") {
  std::ostringstream out;
  out << summary(Module<Sequential<Linear<1000, 1001>>, float>{Rng{1}}, {1, 1000});
  CHECK(out.str().find("0 Linear<1000, 1001>  (1, 1001)   1,002,001      1,001,000\n") != std::string::npos);
}
