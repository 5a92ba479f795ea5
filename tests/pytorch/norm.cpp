// SPDX-License-Identifier: MIT
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/spectral_norm.hpp>

#include "cases.hpp"

using namespace flipbook::nn;
using flipbook::Window;

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  cases.layer<BatchNorm<7>>("batch_of_vectors");
  cases.layer<BatchNorm<5>>("batch_1d");
  cases.layer<BatchNorm<16>>("batch_2d");
  cases.layer<BatchNorm<3>>("batch_2d_of_three");
  cases.layer<BatchNorm<6, NormOptions{.epsilon = 1e-3, .momentum = 0.3}>>("batch_2d_momentum_epsilon");
  cases.layer<BatchNorm<9>>("batch_3d");

  cases.layer<LayerNorm<19>>("layer_of_vectors");
  cases.layer<LayerNorm<32>>("layer_of_tokens");
  cases.layer<LayerNorm<11, NormOptions{.affine = false}>>("layer_plain");

  cases.layer<GroupNorm<1, 6>>("group_1_of_6");
  cases.layer<GroupNorm<4, 16>>("group_4_of_16");
  cases.layer<GroupNorm<7, 7>>("group_7_of_7");

  cases.layer<InstanceNorm<4>>("instance_1d");
  cases.layer<InstanceNorm<17>>("instance_2d");
  cases.layer<InstanceNorm<8, NormOptions{.affine = true}>>("instance_3d_affine");

  cases.layer<RMSNorm<13>>("rms_of_vectors");
  cases.layer<RMSNorm<32>>("rms_of_tokens");

  cases.layer<SpectralNorm<Linear<7, 5>>>("spectral_linear");
  cases.layer<SpectralNorm<Conv2d<4, 6, Window{.kernel = 3, .stride = 2, .padding = 1}>>>("spectral_conv2d");
  cases.layer<SpectralNorm<Conv3d<3, 5, Window{.kernel = {2, 3, 4}, .bias = false}>>>("spectral_conv3d");
  cases.layer<SpectralNorm<ConvTranspose2d<5, 3, Window{.kernel = 4, .stride = 2, .padding = 1}>>>(
      "spectral_transpose2d");
  return cases.status();
}
