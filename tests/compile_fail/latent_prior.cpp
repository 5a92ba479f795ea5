// SPDX-License-Identifier: MIT
// A model of latents is one of numbers of any range; a flow of clips, which lie in [0, 1], is not.
// WITHIN: 16, since compilers say what a concept misses after where it is asked for.
// EXPECT: constraints? not satisfied
// EXPECT: LatentsNeedALatentPrior
#include <flipbook/models/flow/flow_mlp.hpp>
#include <flipbook/models/flow/in_latents.hpp>
#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/linear.hpp>

using namespace flipbook;

#ifdef CONTROL
constexpr auto range = flow::Range::unbounded;
#else
constexpr auto range = flow::Range::unit_interval;
#endif
using Small = Vae<nn::Linear<3, 4>, nn::Linear<2, 3>, latent::DiagonalGaussian<2>>;
const Module<InLatents<Small, Flow<FlowMlp<2, 8, 1>, flow::Straight, flow::OneLevel, range>>, float> model;
