// SPDX-License-Identifier: MIT
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/linear.hpp>

#include "cases.hpp"

using namespace flipbook::nn;
using flipbook::Window;

int main(int argc, char** argv) {
  pytorch::Cases cases(argc, argv);
  cases.layer<Linear<7, 5>>("linear");
  cases.layer<Linear<16, 33, false>>("linear_without_bias");
  cases.layer<Linear<24, 17>>("linear_on_tokens");

  cases.layer<Conv1d<3, 5, Window{}>>("conv1d_k1");
  cases.layer<Conv1d<4, 8, Window{.kernel = 2}>>("conv1d_k2");
  cases.layer<Conv1d<16, 24, Window{.kernel = 3, .stride = 2, .padding = 1}>>("conv1d_k3_s2_p1");
  cases.layer<Conv1d<5, 7, Window{.kernel = 5, .padding = 6, .dilation = 3}>>("conv1d_k5_d3_p6");
  cases.layer<Conv1d<6, 9, Window{.kernel = 4, .stride = 4, .groups = 3}>>("conv1d_k4_s4_grouped");

  cases.layer<Conv2d<8, 16, Window{}>>("conv2d_k1");
  cases.layer<Conv2d<3, 4, Window{.kernel = 2, .stride = 2}>>("conv2d_k2_s2");
  cases.layer<Conv2d<17, 19, Window{.kernel = 3, .padding = 1}>>("conv2d_k3_p1");
  cases.layer<Conv2d<3, 8, Window{.kernel = 3, .stride = 2, .padding = 1}>>("conv2d_k3_s2_p1");
  cases.layer<Conv2d<32, 48, Window{.kernel = 4, .stride = 2, .padding = 1, .bias = false}>>(
      "conv2d_k4_s2_p1_without_bias");
  cases.layer<Conv2d<1, 6, Window{.kernel = 5, .padding = 2}>>("conv2d_k5_p2");
  cases.layer<Conv2d<4, 4, Window{.kernel = 3, .padding = 2, .dilation = 2}>>("conv2d_k3_d2_p2");
  cases.layer<Conv2d<5, 3, Window{.kernel = 3, .stride = 3, .padding = 2, .dilation = 2}>>("conv2d_k3_s3_d2_p2");
  cases.layer<Conv2d<4, 6, Window{.kernel = {3, 5}, .stride = {1, 2}, .padding = {0, 2}}>>("conv2d_k3x5_s1x2_p0x2");
  cases.layer<Conv2d<12, 8, Window{.kernel = 3, .stride = 2, .padding = 1, .groups = 4}>>("conv2d_grouped");
  cases.layer<Conv2d<16, 16, Window{.kernel = 5, .padding = 2, .groups = 16}>>("conv2d_depthwise");
  cases.layer<Conv2d<64, 1, Window{.kernel = 4, .bias = false}>>("conv2d_to_one");

  cases.layer<Conv3d<5, 4, Window{}>>("conv3d_k1");
  cases.layer<Conv3d<6, 16, Window{.kernel = 3, .padding = 1}>>("conv3d_k3_p1");
  cases.layer<Conv3d<1, 8, Window{.kernel = {3, 4, 4}, .stride = {1, 2, 2}, .padding = 1}>>("conv3d_k3x4x4_s1x2x2_p1");
  cases.layer<Conv3d<8, 12, Window{.kernel = 4, .stride = 2, .padding = 1}>>("conv3d_k4_s2_p1");
  cases.layer<Conv3d<4, 6, Window{.kernel = 2, .padding = 1, .dilation = 2, .groups = 2}>>("conv3d_k2_d2_grouped");
  cases.layer<Conv3d<2, 3, Window{.kernel = 5, .padding = 2}>>("conv3d_k5_p2");

  cases.layer<ConvTranspose1d<3, 5, Window{.kernel = 3}>>("transpose1d_k3");
  cases.layer<ConvTranspose1d<6, 4, Window{.kernel = 5, .stride = 3, .padding = 1, .output_padding = 2}>>(
      "transpose1d_k5_s3_p1_o2");
  cases.layer<ConvTranspose1d<8, 6, Window{.kernel = 4, .stride = 2, .padding = 1, .groups = 2}>>(
      "transpose1d_k4_s2_p1_grouped");

  cases.layer<ConvTranspose2d<4, 3, Window{.stride = 2}>>("transpose2d_k1_s2");
  cases.layer<ConvTranspose2d<16, 8, Window{.kernel = 2, .stride = 2}>>("transpose2d_k2_s2");
  cases.layer<ConvTranspose2d<7, 9, Window{.kernel = 3, .padding = 1}>>("transpose2d_k3_p1");
  cases.layer<ConvTranspose2d<8, 16, Window{.kernel = 3, .stride = 2, .padding = 1, .output_padding = 1}>>(
      "transpose2d_k3_s2_p1_o1");
  cases.layer<ConvTranspose2d<20, 32, Window{.kernel = 4, .bias = false}>>("transpose2d_k4_of_one");
  cases.layer<ConvTranspose2d<32, 3, Window{.kernel = 4, .stride = 2, .padding = 1, .bias = false}>>(
      "transpose2d_k4_s2_p1");
  cases.layer<ConvTranspose2d<4, 6, Window{.kernel = 3, .stride = 2, .padding = 1, .dilation = 2}>>(
      "transpose2d_k3_d2");
  cases.layer<
      ConvTranspose2d<3, 5, Window{.kernel = {5, 2}, .stride = {2, 1}, .padding = {1, 0}, .output_padding = {1, 0}}>>(
      "transpose2d_k5x2_s2x1");
  cases.layer<ConvTranspose2d<12, 8, Window{.kernel = 3, .stride = 2, .padding = 1, .groups = 4, .output_padding = 1}>>(
      "transpose2d_grouped");

  cases.layer<ConvTranspose3d<10, 16, Window{.kernel = {2, 4, 4}, .bias = false}>>("transpose3d_k2x4x4");
  cases.layer<ConvTranspose3d<16, 8, Window{.kernel = 4, .stride = 2, .padding = 1}>>("transpose3d_k4_s2_p1");
  cases.layer<ConvTranspose3d<8, 3, Window{.kernel = {3, 4, 4}, .stride = {1, 2, 2}, .padding = 1}>>(
      "transpose3d_k3x4x4_s1x2x2_p1");
  cases.layer<ConvTranspose3d<4, 6, Window{.kernel = 3, .stride = 2, .padding = 1, .groups = 2, .output_padding = 1}>>(
      "transpose3d_k3_s2_p1_o1_grouped");
  return cases.status();
}
