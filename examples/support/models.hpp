// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/autoregressive/dynamic_filter.hpp>
#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/autoregressive/simvp.hpp>
#include <flipbook/models/gan/augmentation.hpp>
#include <flipbook/models/gan/dcgan.hpp>
#include <flipbook/models/gan/mocogan.hpp>
#include <flipbook/models/gan/video_gan.hpp>
#include <flipbook/models/flow/latent_diffusion.hpp>
#include <flipbook/models/state_space/rssm.hpp>
#include <flipbook/models/state_space/svg.hpp>
#include <flipbook/models/state_space/vrnn.hpp>
#include <flipbook/models/tokens/video_gpt.hpp>
#include <flipbook/models/tokens/video_mask_git.hpp>
#include <flipbook/models/vae/spatial_vae.hpp>
#include <flipbook/models/tokens/video_var.hpp>
#include <flipbook/models/vae/vae_gan.hpp>
#include <flipbook/models/vae/video_vae.hpp>
#include <flipbook/models/vae/vq_gan.hpp>
#include <flipbook/models/vae/vq_vae.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>
#include <flipbook/quantizer/multi_scale.hpp>

#include "flow_models.hpp"

/// What the example programs train, so that `sample` knows the types of the weights it loads.
namespace flipbook::examples {

// Adversarial.
using ClipGan = VideoGan<1, 16>;  // clips (16, 64, 64, 1)
using FrameGan = Dcgan<3>;        // the tutorial's two networks: frames (32, 32, 3)
// MoCoGAN, clips as ClipGan's: narrow discriminators that see clips moved and cut out do not outrun the generator.
using Moved = view::Then<view::Translation<>, view::Cutout<>>;
using MotionGan = Adversarial<
    mocogan::Generator<mocogan::FrameNetwork<1, 16, 60>, 50, 10>,
    Discriminators<ViewDiscriminator<mocogan::ImageDiscriminator<1, 8>, view::Then<Moved, view::RandomFrames<2>>>,
                   ViewDiscriminator<mocogan::VideoDiscriminator<1, 8>, Moved>>>;
inline constexpr ClipFormat clip_gan_format{.frames = 16, .size = 64, .channels = 1, .sprites = 1};
inline constexpr ClipFormat frame_gan_format{.frames = 1, .size = 32, .channels = 3, .sprites = 1, .sprite = 28};

// Autoregressive: clips (20, 64, 64, 1), of which the first ten frames are given when they are continued.
using LstmForecast = Autoregressive<FrameLstm<64, 64>>;
using ConvLstmForecast = Autoregressive<ConvLstm<1, 32, 3>>;
// [filters]
struct FilterForecast : Autoregressive<DynamicFilterNetwork<1, dynamic_filter::Options{.hidden = 48}>> {};
// [/filters]
using TransformerForecast = Autoregressive<PatchTransformer<1, 8, 128, 3, 4>>;
// [simvp]
// Ten frames from ten, in one pass. A type of its own: nvcc 13 cannot name one with such an argument.
struct SimVpForecast
    : SimVp<10, 1, simvp::Options{.spatial = 32, .hidden = 256, .blocks = 4, .expansion = 4}, likelihood::Bernoulli> {};
// [/simvp]
inline constexpr ClipFormat forecast_format{.frames = 20, .size = 64, .channels = 1, .sprites = 2};
inline constexpr Index forecast_context = 10;

// Variational.
using ClipVae = VideoVae<1, 16, 64>;                                  // clips (16, 64, 64, 1), one z each
using EachFrameVae = FrameVae<1, 16, 32>;                             // the same, one z for each frame
using ClipVaeGan = VaeGan<ClipVae, video_gan::Discriminator<1, 16>>;  // reconstructions that face a discriminator
inline constexpr ClipFormat vae_format{.frames = 16, .size = 64, .channels = 1, .sprites = 1};

// In codes: clips (16, 64, 64, 1) have 4 × 8 × 8, one for 4 frames of 8×8 pixels.
// [tokens]
using VectorTokenizer = VideoVqVae<1, 32, quantizer::Vector<256, 16>>;
using ScalarTokenizer = VideoVqVae<1, 32, quantizer::FiniteScalar<8, 6, 5>>;  // 240 codes
template <class Tokenizer>
using SharpTokenizer = VqGan<Tokenizer, 1, 16>;
template <class Tokenizer>
using ClipGpt = VideoGpt<Tokenizer, LatentGrid{4, 8, 8}, 128, 4, 4>;
// [/tokens]
// [masked]
template <class Tokenizer>
using ClipMaskGit = VideoMaskGit<Tokenizer, LatentGrid{4, 8, 8}, 128, 4, 4>;
// [/masked]
// [scales]
using FourScales = quantizer::Scales<Extent{1, 1, 1}, Extent{1, 2, 2}, Extent{2, 4, 4}, Extent{4, 8, 8}>;  // 293 codes
using ScaleTokenizer = VideoVqVae<1, 32, quantizer::MultiScale<quantizer::Vector<256, 16>, FourScales>>;
using ClipVar = VideoVar<ScaleTokenizer, 128, 4, 4>;
// [/scales]
// The same of classes.
template <class Tokenizer>
using ClipGptOfClasses = VideoGpt<Tokenizer, LatentGrid{4, 8, 8}, 128, 4, 4, classes>;
template <class Tokenizer>
using ClipMaskGitOfClasses = VideoMaskGit<Tokenizer, LatentGrid{4, 8, 8}, 128, 4, 4, classes>;
using ClipVarOfClasses = VideoVar<ScaleTokenizer, 128, 4, 4, classes>;
inline constexpr ClipFormat token_format{.frames = 16, .size = 64, .channels = 1, .sprites = 1};

// In latents: clips (16, 32, 32, 1) have 16 × 4 × 4, of 8 numbers.
// [latent]
struct LatentClips {  // a name without options in it, which nvcc 13 cannot always say
  using Autoencoder = SpatialFrameVae<1, 32, 8>;
  using Model = LatentDiffusion<Autoencoder, 96, 4, 0, flow::LevelPerFrame>;
};
// [/latent]
struct LatentClipsOfClasses {
  using Autoencoder = LatentClips::Autoencoder;
  using Model = LatentDiffusion<Autoencoder, 96, 4, classes, flow::LevelPerFrame>;
};

// State-space: clips (20, 64, 64, 1), continued from the first five frames in several ways.
using SvgFutures = Svg<1, 64, 16>;
using SvgFixedFutures = SvgFixedPrior<1, 64, 16>;
using VrnnFutures = Vrnn<1, 64, 16>;
inline constexpr ClipFormat futures_format{.frames = 20, .size = 64, .channels = 1, .sprites = 1};
inline constexpr Index futures_seen = 5;
// A world model of a pendulum (20, 64, 64, 3) that a motor turns, which foretells its state, (cos θ, sin θ, θ'), too.
using PendulumWorld = Rssm<1, 3, 64, 8, 256, 16, 16, 3>;

}  // namespace flipbook::examples
