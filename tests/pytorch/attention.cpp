// SPDX-License-Identifier: MIT
#include <flipbook/models/autoregressive/token_transformer.hpp>
#include <flipbook/nn/attention.hpp>
#include <flipbook/nn/position.hpp>
#include <flipbook/nn/transformer.hpp>

#include "cases.hpp"

namespace fb = flipbook;
using namespace flipbook::nn;
using pytorch::Inputs;

inline constexpr TransformerOptions see_all{.causal = Causal::no};
inline constexpr TransformerOptions by_frame{.causal = Causal::frame, .rotary = true};

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  for (const char* name : {"attention", "attention_long"}) {
    cases.function(name, [](const auto& in) { return fb::attention(in[0], in[1], in[2]); });
  }
  cases.function("attention_masked",
                 [](const auto& in) { return fb::attention(in[0], in[1], in[2], {}, fb::tensor_of(in[3])); });
  cases.function("rotary", []<class X>(const Inputs<X>& in) {
    return fb::apply_rotary(in[0], fb::position_angles<typename X::Scalar, fb::Cpu>({7}, 3));
  });
  cases.layer<SinusoidalPosition>("sinusoidal");
  cases.layer<SinusoidalPosition>("sinusoidal_3d");
  cases.layer<LearnedPosition<6, 5, 3, 4>>("learned_position_3d");

  cases.layer<MultiHeadAttention<12, 3, see_all>>("self_attention");
  cases.layer<MultiHeadAttention<16, 2>>("self_attention_causal");
  cases.layer<MultiHeadAttention<16, 4, by_frame>>("self_attention_by_frame");
  cases.layer<CrossAttention<12, 3, 10>>("cross_attention",
                                         [](const auto& net, const auto& in) { return net(in[0], in[1]); });
  cases.layer<TransformerBlock<16, 2>>("block");
  cases.layer<TransformerBlock<16, 2, TransformerOptions{.rotary = true}>>("block_rotary");
  cases.layer<Transformer<3, 24, 3>>("blocks");
  cases.layer<fb::TokenTransformer<13, 16, 2, 4, 20>>("token_transformer",
                                                      []<class X>(const auto& net, const Inputs<X>& in) {
                                                        if constexpr (fb::training<X>)
                                                          return net(in.tape(), in.whole(0));
                                                        else return net(in.whole(0));
                                                      });
  return cases.status();
}
