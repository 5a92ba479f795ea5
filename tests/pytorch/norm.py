# SPDX-License-Identifier: MIT
"""Normalisation: scales, shifts, running statistics and the estimates of singular vectors included."""
import torch
from torch import nn
from torch.nn.utils import spectral_norm

from case import Layer


class RMSNorm(nn.Module):
    """x / √(mean(x²) + ε) · w, which this PyTorch does not have."""

    def __init__(self, channels, epsilon=1e-6):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(channels)), epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon) * self.weight


CASES = {
    "batch_of_vectors": Layer(lambda: nn.BatchNorm1d(7), (13, 7)),
    "batch_1d": Layer(lambda: nn.BatchNorm1d(5), (3, 5, 11)),
    "batch_2d": Layer(lambda: nn.BatchNorm2d(16), (4, 16, 5, 7)),
    "batch_2d_of_three": Layer(lambda: nn.BatchNorm2d(3), (3, 3, 1, 1)),
    "batch_2d_momentum_epsilon": Layer(lambda: nn.BatchNorm2d(6, eps=1e-3, momentum=0.3), (2, 6, 3, 4)),
    "batch_3d": Layer(lambda: nn.BatchNorm3d(9), (2, 9, 3, 4, 5)),

    "layer_of_vectors": Layer(lambda: nn.LayerNorm(19), (5, 19)),
    "layer_of_tokens": Layer(lambda: nn.LayerNorm(32), (2, 7, 32), channels=-1),
    "layer_plain": Layer(lambda: nn.LayerNorm(11, elementwise_affine=False), (3, 11)),

    "group_1_of_6": Layer(lambda: nn.GroupNorm(1, 6), (2, 6, 5, 3)),
    "group_4_of_16": Layer(lambda: nn.GroupNorm(4, 16), (3, 16, 4, 5)),
    "group_7_of_7": Layer(lambda: nn.GroupNorm(7, 7), (2, 7, 3, 2, 3)),

    "instance_1d": Layer(lambda: nn.InstanceNorm1d(4), (2, 4, 9)),
    "instance_2d": Layer(lambda: nn.InstanceNorm2d(17), (2, 17, 5, 4)),
    "instance_3d_affine": Layer(lambda: nn.InstanceNorm3d(8, affine=True), (2, 8, 3, 2, 5)),

    "rms_of_vectors": Layer(lambda: RMSNorm(13), (4, 13)),
    "rms_of_tokens": Layer(lambda: RMSNorm(32), (2, 5, 32), channels=-1),

    "spectral_linear": Layer(lambda: spectral_norm(nn.Linear(7, 5)), (3, 7)),
    "spectral_conv2d": Layer(lambda: spectral_norm(nn.Conv2d(4, 6, 3, 2, 1)), (2, 4, 5, 7)),
    "spectral_conv3d": Layer(lambda: spectral_norm(nn.Conv3d(3, 5, (2, 3, 4), bias=False)), (2, 3, 3, 4, 5)),
    "spectral_transpose2d": Layer(lambda: spectral_norm(nn.ConvTranspose2d(5, 3, 4, 2, 1), dim=1), (2, 5, 3, 4)),
}
