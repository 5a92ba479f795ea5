// SPDX-License-Identifier: MIT
#include <flipbook/autodiff/parameter.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <flipbook/autodiff/variable.hpp>
#include <flipbook/core/fill.hpp>

using namespace flipbook;

namespace {

struct Layer {
  Parameter<float, Cpu> weight{zeros<float>({2, 3})};
  Buffer<float, Cpu> running{zeros<float>({3})};
  double rate = 0.5;
  Index period = 3;
  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("rate", self.rate);
    field("running", self.running);
    field("period", self.period);
  }
};
struct Nothing {};
struct Net {
  Layer first, second;
  Nothing activation;
  None bias;
  Parameter<float, Cpu> scale{zeros<float>({1})};
  static void fields(auto& self, auto&& field) {
    field("0", self.first);
    field("1", self.activation);
    field("2", self.second);
    field("bias", self.bias);
    field("scale", self.scale);
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("leaves are visited depth first, in the order listed, with their paths") {
  Net net;
  Names all, parameters, buffers, prefixed;
  for_each_field(net, [&](const std::string& name, auto&) { all.push_back(name); });
  for_each_parameter(net, [&](const std::string& name, auto&) { parameters.push_back(name); });
  for_each_buffer(net, [&](const std::string& name, auto&) { buffers.push_back(name); });
  for_each_field(
      net, [&](const std::string& name, auto&) { prefixed.push_back(name); }, FieldName{"net"});
  CHECK(all == Names{"0.weight", "0.running", "2.weight", "2.running", "scale"});
  CHECK(parameters == Names{"0.weight", "2.weight", "scale"});
  CHECK(buffers == Names{"0.running", "2.running"});
  CHECK(prefixed.front() == "net.0.weight");
}

TEST_CASE("what a visitor changes is the module's, and a constant module is visited as one") {
  Net net;
  for_each_parameter(net, [](const std::string&, auto& p) { p.value = full<float>(p.shape(), 2); });
  CHECK(net.second.weight.value.data()[5] == 2);
  CHECK(net.second.running.value.data()[2] == 0);
  Index size = 0;
  const Net& constant = net;
  for_each_parameter(constant, [&](const std::string&, const Parameter<float, Cpu>& p) { size += p.value.size(); });
  CHECK(size == 13);
}

TEST_CASE("settings are listed as numbers, and are no leaves") {
  Net net;
  net.second.period = 7;
  CHECK(settings_of(net) == std::vector<double>{0.5, 3, 0.5, 7});
  for_each_setting(net, [](auto& setting) { setting += 1; });
  CHECK(settings_of(net) == std::vector<double>{1.5, 4, 1.5, 8});
}

TEST_CASE("what counts as a value and as an operand") {
  static_assert(HasFields<Net> && !HasFields<Nothing>);
  static_assert(Value<Tensor<float>> && Value<Variable<double>> && !Value<Parameter<float, Cpu>> && !Value<int>);
  static_assert(Operand<Parameter<float, Cpu>> && Operand<Buffer<float, Cpu>> && !Operand<None>);
  static_assert(training<Variable<float>> && !training<Tensor<float>>);
  const Layer layer;
  CHECK(tensor_of(layer.weight).data() == layer.weight.value.data());
  CHECK(tensor_of(layer.running).data() == layer.running.value.data());
}
