// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/train/trainer.hpp>

/// Small models and clips, which what trains is tested on.
namespace flipbook::test {

/// Learns the mean of all clips, which are then all that it makes.
struct Mean {
  template <Real T, class B>
  struct Instance {
    Parameter<T, B> at{zeros<T, B>({1})};

    static void fields(auto& self, auto&& field) { field("at", self.at); }
    template <Value V>
    V loss(const V& clips) const {
      return mean(square(clips - at));
    }
    Tensor<T, B> sample(const Shape& shape, Rng&) const { return full<T, B>(shape, at.value.item()); }
  };
};

/// Learns that a network gives zero.
template <class Network>
struct Squares {
  template <Real T, class B>
  struct Instance {
    Of<Network, T, B> net;

    explicit Instance(Rng& rng) : net(rng) {}
    static void fields(auto& self, auto&& field) { field("net", self.net); }
    template <Value V>
    V loss(const V& x) const {
      return mean(square(net(x)));
    }
  };
};

/// An autoencoder of clips (N, Frames, Size, Size, 3) with a code of four numbers.
template <int Frames, int Size>
using TinyVae = Vae<nn::Sequential<nn::Flatten, nn::Linear<Frames * Size * Size * 3, 8>>,
                    nn::Sequential<nn::Linear<4, Frames * Size * Size * 3>, nn::Unflatten<Frames, Size, Size, 3>>,
                    latent::DiagonalGaussian<4>>;

/// Clips of one grey.
struct GreyClips {
  Shape size;  // (T, H, W, C)
  Shape shape() const { return size; }
  Tensor<float> clip(Index) const { return full<float>(size, 0.5F); }
};

}  // namespace flipbook::test
