// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/models/gan/dcgan.hpp>
#include <flipbook/models/gan/mocogan.hpp>
#include <flipbook/models/gan/video_gan.hpp>
#include <flipbook/models/vae/video_vae.hpp>

using namespace flipbook;

TEST_CASE("the networks of a DCGAN make and judge frames of 32×32 pixels, with the tutorial's numbers of parameters") {
  const Module<Dcgan<3>, float> gan{Rng{1}};
  Rng rng{2};
  const auto frames = gan->sample(2, rng);
  CHECK(frames.shape() == Shape{2, 32, 32, 3});
  Rng same{2};
  CHECK(to_vector(gan->sample(2, same)) == to_vector(frames));
  CHECK(to_vector(frames[0]) != to_vector(frames[1]));
  CHECK(gan->discriminator(frames).shape() == Shape{2, 1, 1, 1});
  CHECK(gan.part(gan->generator).size() ==
        100 * 512 * 16 + 512 * 256 * 16 + 256 * 128 * 16 + 128 * 3 * 16 + 2 * (512 + 256 + 128));
  CHECK(gan.part(gan->discriminator).size() ==
        3 * 128 * 16 + 128 * 256 * 16 + 256 * 512 * 16 + 512 * 16 + 2 * (256 + 512));
}

TEST_CASE("the networks of a video GAN make and judge clips of 16 frames of 64×64 pixels") {
  const Module<VideoGan<3, 4>, float> gan{Rng{1}};
  Rng rng{2};
  const auto clips = gan->sample(2, rng);
  CHECK(clips.shape() == Shape{2, 16, 64, 64, 3});
  CHECK(gan->discriminator(clips).shape() == Shape{2, 1, 1, 1, 1});

  const Module<DualVideoGan<3, 4>, float> dual{Rng{1}};
  const auto& [frames, coarse] = dual->discriminator.all;
  CHECK(frames(view::RandomFrames<8>::of(clips, rng)).shape() == Shape{16, 1, 1, 1});
  CHECK(coarse(view::Downsampled<2>::of(clips, rng)).shape() == Shape{2, 1, 1, 1, 1});
}

TEST_CASE("the networks of MoCoGAN make clips of any length, and judge frames and runs of 16 frames") {
  const Module<MoCoGan<3, 4>, float> gan{Rng{1}};
  Rng rng{2};
  const auto clips = gan->model.sample(2, 17, rng);
  CHECK(clips.shape() == Shape{2, 17, 64, 64, 3});
  const auto& [frames, runs] = gan->discriminator.all;
  CHECK(frames(view::RandomFrames<1>::of(clips, rng)).shape() == Shape{2, 1, 1, 1});
  CHECK(runs(clips).shape() == Shape{2, 2, 1, 1, 1});
}

TEST_CASE("autoencoders of clips and of frames take and give clips") {
  Rng rng{3};
  const auto clips = uniform<float>({2, 16, 64, 64, 1}, rng);
  const Module<VideoVae<1, 4, 8>, float> whole{Rng{1}};
  CHECK(whole->encode(clips).mean.shape() == Shape{2, 8});
  CHECK(whole->reconstruct(clips).shape() == clips.shape());
  CHECK(whole->elbo(clips, rng).shape() == Shape{2});
  const Module<FrameVae<1, 4, 8>, float> each{Rng{1}};
  CHECK(each->encode(clips).mean.shape() == Shape{2, 16, 8});
  CHECK(each->reconstruct(clips).shape() == clips.shape());
  CHECK(each->sample(Shape{2, 16}, rng).shape() == clips.shape());
  CHECK(each->elbo(clips, rng).shape() == Shape{2});
}
