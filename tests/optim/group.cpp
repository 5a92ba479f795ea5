// SPDX-License-Identifier: MIT
#include <flipbook/optim/group.hpp>

#include <doctest/doctest.h>

#include <string>

#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/optim/optimizer.hpp>
#include <flipbook/optim/sgd.hpp>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;
using optim::AdamW;

namespace {

using Net = nn::Sequential<nn::Linear<3, 5>, nn::Linear<5, 2>>;

ParameterChoice named(const std::string& pattern) {
  return [pattern](const std::string& name, const Shape&) { return flipbook::detail::matches(pattern, name); };
}
/// A rule without weight decay.
struct Plain {
  double learning_rate = 1;
  std::vector<const char*> state_names() const { return {}; }
  void update(Index, const auto& pass) const { pass(function::SgdPass{learning_rate, 0}); }
};
/// Three steps with a gradient in parts, or in one.
void train(const Module<Net, float>& module, auto& optimizer, bool parts = true) {
  for (int step = 0; step < 3; ++step) {
    std::vector<Tensor<float>> gradient;
    for_each_parameter(module, [&](const auto&, const auto& p) {
      Rng rng(static_cast<std::uint64_t>(10 * step) + gradient.size());
      gradient.push_back(normal<float>(p.shape(), rng));
    });
    Tensor<float> flat(module.parameters().shape());
    float* to = flat.data();
    for (const auto& part : gradient) to = std::copy(part.begin(), part.end(), to);
    if (parts) optimizer.step(module.parameters(), gradient);
    else optimizer.step(module.parameters(), flat);
  }
}
/// The parameters of a name after training by a rule alone.
template <class Rule>
std::vector<float> alone(const std::string& name, const Rule& rule) {
  const Module<Net, float> module{Rng{1}};
  Optimizer optimizer{rule, module.parameters()};
  train(module, optimizer);
  std::vector<float> found;
  for_each_parameter(module, [&](const std::string& each, const auto& p) {
    if (each == name) found = to_vector(p.value);
  });
  return found;
}

}  // namespace

TEST_CASE("each group is trained as by a rule of its own, whose gradient comes in parts or as one") {
  const AdamW rule{.learning_rate = 1e-2, .weight_decay = 0.1};
  for (const bool parts : {true, false}) {
    const Module<Net, float> module{Rng{1}};
    Optimizer optimizer{rule, module.parameters()};
    optimizer.set_group(module, is_vector, {.weight_decay = 0});
    optimizer.set_group(module, named("1.*"), {.rate_factor = 0.5});
    optimizer.set_group(module, named("0.bias"), {.rate_factor = 0});
    const Module<Net, float> before = module;
    train(module, optimizer, parts);
    CHECK(to_vector(get<0>(module->layers).weight.value) == alone("0.weight", rule));
    CHECK(to_vector(get<0>(module->layers).bias.value) == to_vector(get<0>(before->layers).bias.value));
    CHECK(to_vector(get<1>(module->layers).weight.value) ==
          alone("1.weight", AdamW{.learning_rate = 5e-3, .weight_decay = 0.1}));
    CHECK(to_vector(get<1>(module->layers).bias.value) ==
          alone("1.bias", AdamW{.learning_rate = 5e-3, .weight_decay = 0}));
  }
}

TEST_CASE("a copy of an optimiser has its groups, and a group may be set anew") {
  const AdamW rule{.learning_rate = 1e-2, .weight_decay = 0.1};
  const Module<Net, float> module{Rng{1}};
  Optimizer first{rule, module.parameters()};
  first.set_group(module, named("*"), {.rate_factor = 0});
  Optimizer copy = first;
  const auto before = to_vector(module.parameters());
  train(module, copy);
  CHECK(to_vector(module.parameters()) == before);
  copy.set_group(module, named("*"), {.rate_factor = 1});
  train(module, copy);
  CHECK(to_vector(module.parameters()) != before);
}

TEST_CASE("a name that no parameter has is refused with the names that there are, and numbers that cannot be") {
  const Module<Net, float> module{Rng{1}};
  Optimizer optimizer{AdamW{}, module.parameters()};
  mentions(error_of([&] { optimizer.set_group(module, named("2.*"), {}); }),
           "there are '0.weight', '0.bias', '1.weight', '1.bias'");
  mentions(error_of([&] { optimizer.set_group(module, named("*"), {.rate_factor = -1}); }), "a rate_factor of -1");
  Optimizer part{AdamW{}, module.part(get<1>(module->layers))};
  mentions(error_of([&] { part.set_group(module, named("0.*"), {}); }), "there are '1.weight', '1.bias'");
  Optimizer plain{Plain{}, module.parameters()};
  mentions(error_of([&] { plain.set_group(module, named("*"), {.weight_decay = 0}); }), "has no weight decay");
}

TEST_CASE("a star in a pattern stands for any characters") {
  using flipbook::detail::matches;
  CHECK(matches("*.bias", "a.b.bias"));
  CHECK(!matches("*.bias", "bias"));
  CHECK(matches("decoder.*", "decoder.0.weight"));
  CHECK(!matches("decoder.*", "encoder.decoder.0"));
  CHECK(matches("*norm*weight", "a.norm1.weight"));
  CHECK(matches("*", ""));
  CHECK(!matches("", "a"));
  CHECK(matches("a.weight", "a.weight"));
}

TEST_CASE("ranges of one group are joined") {
  std::vector<flipbook::detail::GroupRange> ranges{{0, 10, {}}};
  flipbook::detail::set_range(ranges, 2, 4, {.rate_factor = 2});
  flipbook::detail::set_range(ranges, 4, 6, {.rate_factor = 2});
  REQUIRE(ranges.size() == 3);
  CHECK(ranges[1].first == 2);
  CHECK(ranges[1].last == 6);
  flipbook::detail::set_range(ranges, 0, 10, {.rate_factor = 3, .weight_decay = 1});
  CHECK(ranges.size() == 1);
}
