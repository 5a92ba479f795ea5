// SPDX-License-Identifier: MIT
#include <flipbook/models/flow/flow_mlp.hpp>
#include <flipbook/nn/unet.hpp>

#include "cases.hpp"

using namespace flipbook::nn;
using pytorch::Inputs;

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  const auto of_level = []<class X>(const auto& net, const Inputs<X>& in) { return net(in[0], in[1], in[2]); };
  cases.layer<flipbook::FlowMlp<5, 24, 2, 3, 8>>("flow_mlp", of_level);
  constexpr SpaceTimeOptions transformer{
      .patch = {1, 2, 2}, .width = 16, .blocks = 2, .heads = 2, .expansion = 2, .condition = 3, .causal = true};
  cases.layer<SpaceTimeTransformer<2, transformer>>("space_time_transformer", of_level);
  constexpr UNetOptions unet{.widths = {8, 16},
                             .attention = {Attend::time, Attend::space_time},
                             .patch = {1, 2, 2},
                             .groups = 4,
                             .heads = 2,
                             .level = 8,
                             .condition = 3};
  cases.layer<UNet<3, 1, unet>>("unet", of_level);
  return cases.status();
}
