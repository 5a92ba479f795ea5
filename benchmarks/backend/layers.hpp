// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/conv/geometry.hpp>

/// The convolutions whose kernels are timed.

namespace flipbook::networks {

/// A layer of one of the networks that are compared with PyTorch's.
struct Layer {
  const char* name;
  bool transposed;  ///< the geometry is that of the convolution which the layer is the adjoint of
  Index batch;
  ConvGeometry::Axes input;
  Index in, out;
  ConvGeometry::Axes kernel, stride, padding;
  Index groups = 1;
  ConvGeometry::Axes dilation = {1, 1, 1};
};

/// Named as a network would run them; a transposed layer's input is the smaller side.
inline const Layer layers[] = {
    {"video 64to64 k3", false, 4, {8, 16, 16}, 64, 64, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}},
    {"video 64to128 k4s2", false, 4, {8, 32, 32}, 64, 128, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}},
    {"video 3to64 k4s2", false, 4, {16, 32, 32}, 3, 64, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}},
    {"video transposed 128to64 k4s2", true, 4, {8, 32, 32}, 64, 128, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}},
    {"video transposed 64to3 k4s2", true, 4, {16, 64, 64}, 3, 64, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}},
    {"dcgan transposed 100to512 k4", true, 64, {1, 4, 4}, 512, 100, {1, 4, 4}, {1, 1, 1}, {0, 0, 0}},
    {"dcgan transposed 512to256 k4s2", true, 64, {1, 8, 8}, 256, 512, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan transposed 256to128 k4s2", true, 64, {1, 16, 16}, 128, 256, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan transposed 128to3 k4s2", true, 64, {1, 32, 32}, 3, 128, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan 3to128 k4s2", false, 64, {1, 32, 32}, 3, 128, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan 128to256 k4s2", false, 64, {1, 16, 16}, 128, 256, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan 256to512 k4s2", false, 64, {1, 8, 8}, 256, 512, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"dcgan 512to1 k4", false, 64, {1, 4, 4}, 512, 1, {1, 4, 4}, {1, 1, 1}, {0, 0, 0}},
    {"convlstm 64to256 k5", false, 8, {1, 16, 16}, 64, 256, {1, 5, 5}, {1, 1, 1}, {0, 2, 2}},
    {"image 64to64 k3", false, 16, {1, 32, 32}, 64, 64, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}},
    {"video 32to64 k4s2", false, 8, {16, 32, 32}, 32, 64, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}},
    {"convlstm 80to256 k5", false, 8, {1, 16, 16}, 80, 256, {1, 5, 5}, {1, 1, 1}, {0, 2, 2}},
    {"convnext depthwise 96 k7", false, 8, {1, 28, 28}, 96, 96, {1, 7, 7}, {1, 1, 1}, {0, 3, 3}, 96},
    {"mobilenet depthwise 32 k3s2", false, 4, {1, 112, 112}, 32, 32, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}, 32},
    {"mobilenet depthwise 512 k3", false, 8, {1, 14, 14}, 512, 512, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, 512},
    {"clip depthwise 64 k311", false, 2, {8, 28, 28}, 64, 64, {3, 1, 1}, {1, 1, 1}, {1, 0, 0}, 64},
    {"clip depthwise 64 k333", false, 2, {8, 28, 28}, 64, 64, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, 64},
    {"resnext 32 groups of 4 k3", false, 2, {1, 56, 56}, 128, 128, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, 32},
    {"filtered 32to64 k344s122", false, 4, {16, 32, 32}, 32, 64, {3, 4, 4}, {1, 2, 2}, {1, 1, 1}},
    {"filtered 64to128 k444s122", false, 4, {13, 32, 32}, 64, 128, {4, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"filtered 64to64 k311", false, 8, {16, 16, 16}, 64, 64, {3, 1, 1}, {1, 1, 1}, {1, 0, 0}},
    {"filtered 96to160 k35", false, 8, {1, 24, 24}, 96, 160, {1, 3, 5}, {1, 1, 1}, {0, 1, 2}},
    {"filtered 64to64 k5s2", false, 8, {1, 32, 32}, 64, 64, {1, 5, 5}, {1, 2, 2}, {0, 2, 2}},
    {"filtered 64to64 k7", false, 4, {1, 32, 32}, 64, 64, {1, 7, 7}, {1, 1, 1}, {0, 3, 3}},
    {"filtered 64to64 k4", false, 4, {1, 32, 32}, 64, 64, {1, 4, 4}, {1, 1, 1}, {0, 1, 1}},
    {"filtered 64to64 k3d2", false, 4, {1, 32, 32}, 64, 64, {1, 3, 3}, {1, 1, 1}, {0, 2, 2}, 1, {1, 2, 2}},
    {"filtered line 64to128 k5", false, 8, {1, 1, 512}, 64, 128, {1, 1, 5}, {1, 1, 1}, {0, 0, 2}},
    {"one image 512to512 k3", false, 1, {1, 4, 4}, 512, 512, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}},
};

inline ConvGeometry geometry(const Layer& layer) {
  ConvGeometry g;
  g.batch = layer.batch, g.input = layer.input, g.in_channels = layer.in, g.out_channels = layer.out;
  g.groups = layer.groups;
  g.kernel = layer.kernel, g.stride = layer.stride, g.padding = layer.padding, g.dilation = layer.dilation;
  g.fit_output();
  return g;
}

}  // namespace flipbook::networks
