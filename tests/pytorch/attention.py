# SPDX-License-Identifier: MIT
"""Attention, transformers and positions."""
import torch
from torch import nn

from case import Layer, function
from networks import Attention, Block, CrossAttention, TokenTransformer, attend, causal, rotated, sinusoidal


def masked(mask):
    return lambda module, x: module(x, mask.to(x))


def added(tables, x):
    """A learned vector for each place along each axis of (N, T, H, W, C)."""
    t, h, w = tables
    return x + t[:x.shape[1], None, None] + h[:x.shape[2], None] + w[:x.shape[3]]


def blocks(layers, x):
    for block in layers:
        x = block(x, causal(x.shape[1]).to(x))
    return x


CASES = {
    "attention": function(attend, (2, 5, 3, 4), (2, 7, 3, 4), (2, 7, 3, 4), channels=-1),
    "attention_long": function(attend, (1, 131, 2, 8), (1, 131, 2, 8), (1, 131, 2, 8), channels=-1),
    "attention_masked": function(lambda q, k, v, mask: attend(q, k, v, mask.detach()),
                                 (2, 5, 3, 8), (2, 6, 3, 8), (2, 6, 3, 8),
                                 (2, 3, 5, 6), channels=-1),
    "rotary": function(lambda x: rotated(x, 7), (2, 7, 3, 6), channels=-1),
    "sinusoidal": function(lambda x: x + sinusoidal(8, 11).to(x), (2, 11, 8), channels=-1),
    "sinusoidal_3d": function(lambda x: x + sinusoidal(12, 2, 3, 4).view(2, 3, 4, 12).to(x),
                              (2, 2, 3, 4, 12), channels=-1),
    "learned_position_3d": Layer(lambda: nn.ParameterList(torch.randn(n, 6) for n in (5, 3, 4)), (2, 4, 3, 2, 6),
                                 forward=added,
                                 channels=-1),

    "self_attention": Layer(lambda: Attention(12, 3), (2, 7, 12), channels=-1),
    "self_attention_causal": Layer(lambda: Attention(16, 2), (2, 9, 16), forward=masked(causal(9)), channels=-1),
    "self_attention_by_frame": Layer(lambda: Attention(16, 4, rotary=True), (2, 3, 2, 2, 16),
                                     forward=masked(causal(12, 4)),
                                     channels=-1),
    "cross_attention": Layer(lambda: CrossAttention(12, 3, 10), (2, 5, 12), (2, 7, 10), channels=-1),
    "block": Layer(lambda: Block(16, 2), (2, 11, 16), forward=masked(causal(11)), channels=-1),
    "block_rotary": Layer(lambda: Block(16, 2, rotary=True), (2, 7, 16), forward=masked(causal(7)), channels=-1),
    "blocks": Layer(lambda: nn.ModuleList(Block(24, 3) for _ in range(3)), (2, 10, 24), forward=blocks, channels=-1),
    "token_transformer": Layer(lambda: TokenTransformer(13, 16, 2, 4, 20), lambda: torch.randint(13, (3, 17)),
                               channels=-1),
}
