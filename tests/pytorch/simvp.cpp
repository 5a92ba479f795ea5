// SPDX-License-Identifier: MIT
#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/autoregressive/simvp.hpp>
#include <flipbook/optim/adam.hpp>

#include "cases.hpp"

namespace fb = flipbook;
using pytorch::Inputs;

namespace {

constexpr fb::simvp::Options small{.spatial = 4, .hidden = 10, .halvings = 2, .blocks = 3, .expansion = 2};
constexpr fb::simvp::Options mixer{
    .spatial = 4, .hidden = 12, .halvings = 1, .blocks = 2, .translator = fb::simvp::Translator::convmixer};

}  // namespace

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  cases.layer<fb::simvp::GatedAttention<6, 3>>("gated_attention");

  // Five frames: more than the network gives at once, in training and in inference.
  const auto predict = []<class X>(const auto& model, const Inputs<X>& in) {
    if constexpr (fb::training<X>) return model->loss(in[0]);
    else return model->predict(in[0], 5);
  };
  const fb::optim::Adam adam{.learning_rate = 1e-3, .epsilon = 0.1};
  cases.layer<fb::SimVp<3, 2, small>>("simvp", predict, adam);
  cases.layer<fb::SimVp<3, 1, mixer, fb::likelihood::Bernoulli>>("simvp_conv_mixer", predict, adam);
  cases.layer<fb::Autoregressive<fb::PredRnn<1, 5, 3, 3, 2>>>("pred_rnn", predict, adam);
  return cases.status();
}
