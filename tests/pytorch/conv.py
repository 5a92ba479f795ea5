# SPDX-License-Identifier: MIT
"""Convolutions, transposed convolutions and linear layers."""
from torch import nn

from case import Layer

CASES = {
    "linear": Layer(lambda: nn.Linear(7, 5), (3, 7)),
    "linear_without_bias": Layer(lambda: nn.Linear(16, 33, bias=False), (1, 16)),
    "linear_on_tokens": Layer(lambda: nn.Linear(24, 17), (2, 11, 24), channels=-1),

    "conv1d_k1": Layer(lambda: nn.Conv1d(3, 5, 1), (2, 3, 7)),
    "conv1d_k2": Layer(lambda: nn.Conv1d(4, 8, 2), (2, 4, 13)),
    "conv1d_k3_s2_p1": Layer(lambda: nn.Conv1d(16, 24, 3, 2, 1), (3, 16, 12)),
    "conv1d_k5_d3_p6": Layer(lambda: nn.Conv1d(5, 7, 5, 1, 6, 3), (2, 5, 17)),
    "conv1d_k4_s4_grouped": Layer(lambda: nn.Conv1d(6, 9, 4, 4, groups=3), (2, 6, 19)),

    "conv2d_k1": Layer(lambda: nn.Conv2d(8, 16, 1), (2, 8, 5, 3)),
    "conv2d_k2_s2": Layer(lambda: nn.Conv2d(3, 4, 2, 2), (2, 3, 7, 6)),
    "conv2d_k3_p1": Layer(lambda: nn.Conv2d(17, 19, 3, 1, 1), (2, 17, 6, 11)),
    "conv2d_k3_s2_p1": Layer(lambda: nn.Conv2d(3, 8, 3, 2, 1), (2, 3, 9, 7)),
    "conv2d_k4_s2_p1_without_bias": Layer(lambda: nn.Conv2d(32, 48, 4, 2, 1, bias=False), (2, 32, 8, 8)),
    "conv2d_k5_p2": Layer(lambda: nn.Conv2d(1, 6, 5, 1, 2), (1, 1, 13, 5)),
    "conv2d_k3_d2_p2": Layer(lambda: nn.Conv2d(4, 4, 3, 1, 2, 2), (2, 4, 7, 8)),
    "conv2d_k3_s3_d2_p2": Layer(lambda: nn.Conv2d(5, 3, 3, 3, 2, 2), (2, 5, 11, 9)),
    "conv2d_k3x5_s1x2_p0x2": Layer(lambda: nn.Conv2d(4, 6, (3, 5), (1, 2), (0, 2)), (2, 4, 6, 10)),
    "conv2d_grouped": Layer(lambda: nn.Conv2d(12, 8, 3, 2, 1, groups=4), (2, 12, 7, 5)),
    "conv2d_depthwise": Layer(lambda: nn.Conv2d(16, 16, 5, 1, 2, groups=16), (2, 16, 6, 7)),
    "conv2d_to_one": Layer(lambda: nn.Conv2d(64, 1, 4, bias=False), (3, 64, 4, 4)),

    "conv3d_k1": Layer(lambda: nn.Conv3d(5, 4, 1), (2, 5, 2, 3, 4)),
    "conv3d_k3_p1": Layer(lambda: nn.Conv3d(6, 16, 3, 1, 1), (1, 6, 4, 5, 6)),
    "conv3d_k3x4x4_s1x2x2_p1": Layer(lambda: nn.Conv3d(1, 8, (3, 4, 4), (1, 2, 2), 1), (2, 1, 5, 8, 6)),
    "conv3d_k4_s2_p1": Layer(lambda: nn.Conv3d(8, 12, 4, 2, 1), (1, 8, 4, 6, 8)),
    "conv3d_k2_d2_grouped": Layer(lambda: nn.Conv3d(4, 6, 2, 1, 1, 2, groups=2), (2, 4, 3, 4, 5)),
    "conv3d_k5_p2": Layer(lambda: nn.Conv3d(2, 3, 5, 1, 2), (1, 2, 5, 3, 4)),

    "transpose1d_k3": Layer(lambda: nn.ConvTranspose1d(3, 5, 3), (2, 3, 7)),
    "transpose1d_k5_s3_p1_o2": Layer(lambda: nn.ConvTranspose1d(6, 4, 5, 3, 1, 2), (2, 6, 5)),
    "transpose1d_k4_s2_p1_grouped": Layer(lambda: nn.ConvTranspose1d(8, 6, 4, 2, 1, groups=2), (2, 8, 7)),

    "transpose2d_k1_s2": Layer(lambda: nn.ConvTranspose2d(4, 3, 1, 2), (2, 4, 3, 4)),
    "transpose2d_k2_s2": Layer(lambda: nn.ConvTranspose2d(16, 8, 2, 2), (2, 16, 5, 3)),
    "transpose2d_k3_p1": Layer(lambda: nn.ConvTranspose2d(7, 9, 3, 1, 1), (2, 7, 6, 5)),
    "transpose2d_k3_s2_p1_o1": Layer(lambda: nn.ConvTranspose2d(8, 16, 3, 2, 1, 1), (2, 8, 5, 7)),
    "transpose2d_k4_of_one": Layer(lambda: nn.ConvTranspose2d(20, 32, 4, bias=False), (3, 20, 1, 1)),
    "transpose2d_k4_s2_p1": Layer(lambda: nn.ConvTranspose2d(32, 3, 4, 2, 1, bias=False), (2, 32, 8, 8)),
    "transpose2d_k3_d2": Layer(lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, dilation=2), (2, 4, 5, 4)),
    "transpose2d_k5x2_s2x1": Layer(lambda: nn.ConvTranspose2d(3, 5, (5, 2), (2, 1), (1, 0), (1, 0)), (2, 3, 4, 6)),
    "transpose2d_grouped": Layer(lambda: nn.ConvTranspose2d(12, 8, 3, 2, 1, 1, groups=4), (2, 12, 4, 5)),

    "transpose3d_k2x4x4": Layer(lambda: nn.ConvTranspose3d(10, 16, (2, 4, 4), bias=False), (2, 10, 1, 1, 1)),
    "transpose3d_k4_s2_p1": Layer(lambda: nn.ConvTranspose3d(16, 8, 4, 2, 1), (1, 16, 2, 3, 4)),
    "transpose3d_k3x4x4_s1x2x2_p1": Layer(lambda: nn.ConvTranspose3d(8, 3, (3, 4, 4), (1, 2, 2), 1), (2, 8, 4, 3, 4)),
    "transpose3d_k3_s2_p1_o1_grouped": Layer(lambda: nn.ConvTranspose3d(4, 6, 3, 2, 1, 1, groups=2), (1, 4, 3, 2, 4)),
}
