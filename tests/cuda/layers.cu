// SPDX-License-Identifier: MIT
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/dropout.hpp>
#include <flipbook/nn/embedding.hpp>
#include <flipbook/nn/evaluating.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/per_frame.hpp>
#include <flipbook/nn/resample.hpp>
#include <flipbook/nn/residual.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/nn/spectral_norm.hpp>

#include "networks.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

// Several layers a network: an error in one shows in the output, or in the gradients of those before it.

namespace {

constexpr Window keeps{.kernel = 3, .padding = 1}, halves{.kernel = 4, .stride = 2, .padding = 1};
constexpr Window grouped{.kernel = 3, .padding = 1, .groups = 2, .bias = false};
constexpr Window flat{.kernel = {3, 4, 4}, .stride = {1, 2, 2}, .padding = 1};
constexpr Window causal{.kernel = 3, .dilation = 2, .causal = true};
constexpr Window odd{.kernel = 3, .stride = 2, .padding = 1, .output_padding = 1};

using Images = Sequential<                                          //
    Conv2d<3, 8, keeps>, BatchNorm<8>, LeakyReLU<0.2>, MaxPool<2>,  //
    Conv2d<8, 8, grouped>, GroupNorm<2, 8>, SiLU, Upsample<2>,      //
    InstanceNorm<8>, ELU, AvgPool<2>,                               //
    ConvTranspose2d<8, 4, halves>, UpsampleLinear<2>, PixelUnshuffle<4, 2>, PixelShuffle<16, 2>, RMSNorm<4>, GELU>;
using Clips = Sequential<                                                          //
    Patchify<2, Extent(1, 2, 2)>, Conv3d<8, 6, keeps>, Softplus,                   //
    ConvTranspose3d<6, 5, flat>, PerFrame<Sequential<Conv2d<5, 4, keeps>, ReLU>>,  //
    Unpatchify<4, Extent(1, 2, 2)>, Tanh>;
using Vectors = Sequential<                                            //
    Linear<12, 16>, LayerNorm<16>, GELU, Unflatten<2, 2, 4>, Flatten,  //
    Repeat<2, Residual<Linear<16, 16>, Tanh>>, Dropout<0.3>,           //
    ProjectedResidual<Linear<16, 5, false>, Linear<16, 7>, Sigmoid, Linear<7, 5>>>;
using Sequences = Sequential<Conv1d<3, 6, causal>, SiLU, ConvTranspose1d<6, 4, odd>>;
using Bounded = Sequential<SpectralNorm<Conv2d<3, 4, halves>>, ReLU, SpectralNorm<ConvTranspose2d<4, 2, halves>>,
                           Flatten, SpectralNorm<Linear<2 * 6 * 4, 5>>>;

}  // namespace

TEST_CASE("layers of images are the CPU's, in training and in inference") { check_network<Images>({3, 8, 12, 3}); }
TEST_CASE("layers of clips are the CPU's, in training and in inference") { check_network<Clips>({2, 3, 4, 8, 2}); }
TEST_CASE("layers of vectors are the CPU's, in training and in inference") { check_network<Vectors>({7, 12}); }
TEST_CASE("layers of sequences are the CPU's, in training and in inference") { check_network<Sequences>({2, 9, 3}); }
TEST_CASE("layers with bounded weights are the CPU's, in training and in inference") {
  check_network<Bounded>({2, 6, 4, 3});
}

TEST_CASE_TEMPLATE("an evaluating and a frozen network on a tape are the CPU's", T, float, double) {
  using Network = Sequential<SpectralNorm<Linear<3, 5>>, BatchNorm<5>, SiLU, Dropout<0.5>>;
  const auto x = random<double>({7, 3});
  const auto evaluated = [](const auto& module, const auto& v) { return evaluating(module)(v); };
  CHECK(module_disagreement<T, Network>(evaluated, x) < device_tolerance<T>);
  const auto fixed = [](const auto& module, const auto& v) { return frozen(module)(v); };
  CHECK(module_disagreement<T, Network>(fixed, x) < device_tolerance<T>);
}

TEST_CASE("a network of short numbers stays near the CPU's") {
  CHECK(module_disagreement<bfloat16, Vectors>(random<double>({7, 12})) < 0.1);
}

TEST_CASE_TEMPLATE("an embedding and the gradient of its table are the CPU's", T, float, double) {
  const auto run = []<class B>(B) {
    const Module<Embedding<7, 5>, T, B> table{Rng{2}};
    const auto tokens = to<B>(Tensor<std::int32_t>({2, 3}, {0, 6, 3, 3, 1, 0}));
    Tape tape{table};
    const auto loss = sum(square(table(tape, tokens)));
    return std::tuple{to<Cpu>(table(tokens)), to<Cpu>(tape.gradient(loss, table))};
  };
  const auto [y, dy] = run(Cpu{});
  const auto [device_y, device_dy] = run(Cuda{});
  CHECK(difference(device_y, y) < device_tolerance<T>);
  CHECK(difference(device_dy, dy) < device_tolerance<T>);
}
