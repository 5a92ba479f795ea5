# SPDX-License-Identifier: MIT
"""Layers without a state: activations, embeddings, softmax, resampling."""
import torch
from torch import nn
from torch.nn import functional as F

from case import Layer, function


def patches(x, t, h, w):
    """(N, C, T, H, W) to (N, t·h·w·C, T/t, H/h, W/w), channels innermost."""
    n, c, time, height, width = x.shape
    x = x.view(n, c, time // t, t, height // h, h, width // w, w)
    return x.permute(0, 3, 5, 7, 1, 2, 4, 6).reshape(n, t * h * w * c, time // t, height // h, width // w)


def sampled(mode, aligned):
    """grid_sample with the grid's two numbers in the place of channels."""
    return function(lambda x, grid: F.grid_sample(x, grid.movedim(1, -1), padding_mode=mode, align_corners=aligned),
                    (2, 3, 5, 7), (2, 2, 6, 4))


def transformed(aligned):
    """A spatial transformer: of x by transformations (N, 3, 2), the transposed ones of affine_grid."""
    def f(x, theta):
        grid = F.affine_grid(theta.transpose(1, 2), (2, 5, 4, 6), align_corners=aligned)
        return F.grid_sample(x, grid, align_corners=aligned)
    return function(f, (2, 5, 7, 6), (2, 3, 2))


def filtered(extents, blocks, kernel):
    """Pictures (N, C, H, W) by filters (N, K², h, w) of blocks of their pixels."""
    def f(x, filters):
        n, c, height, width = x.shape
        seen = F.unfold(x, kernel, padding=kernel // 2).view(n, c, kernel ** 2, height, width)
        each = filters.repeat_interleave(height // blocks[0], 2).repeat_interleave(width // blocks[1], 3)
        return (seen * each[:, None]).sum(2)                  # (N, C, H, W)
    return function(f, (2, 3, *extents), (2, kernel ** 2, *blocks))


def positions(frames):
    """Rows and columns (N, 2, T), from outside of one border to outside of the other."""
    return lambda: torch.rand(2, 2, frames) * 9 - 3


def moved(x, positions, size):
    """What windows of a size see whose first pixels lie at positions (N, 2, T) of pictures x (N, C, T, H, W)."""
    n, c, frames, *extents = x.shape
    rows = []
    for axis in (1, 0):  # affine_grid has the column first
        scale = size[axis] / extents[axis]
        offset = (size[axis] + 2 * positions[:, axis]) / extents[axis] - 1  # (N, T)
        row = [torch.zeros_like(offset)] * 3
        row[1 - axis], row[2] = torch.full_like(offset, scale), offset
        rows.append(torch.stack(row, -1))
    theta = torch.stack(rows, -2)                             # (N, T, 2, 3)
    grid = F.affine_grid(theta.flatten(0, 1), (n * frames, c, *size), align_corners=False)
    seen = F.grid_sample(x.transpose(1, 2).flatten(0, 1), grid, align_corners=False)
    return seen.unflatten(0, (n, frames)).transpose(1, 2)     # (N, C, T, *size)


def placed(extents, canvas):
    """Pictures on a canvas, which a window sees that moves the other way."""
    return function(lambda x, p: moved(x[:, :, None].expand(-1, -1, p.shape[2], -1, -1), -p, canvas),
                    (2, 3, *extents), positions(4))


def glimpsed(extents, size):
    return function(lambda x, p: moved(x, p, size), (2, 3, 4, *extents), positions(4))


CASES = {
    "relu": function(F.relu, (3, 37)),
    "leaky_relu": function(lambda x: F.leaky_relu(x, 0.2), (3, 37)),
    "elu": function(F.elu, (3, 37)),
    "silu": function(F.silu, (3, 37)),
    "gelu": function(F.gelu, (3, 37)),
    "sigmoid": function(torch.sigmoid, (3, 37)),
    "tanh": function(torch.tanh, (3, 37)),
    "softplus": function(F.softplus, (3, 37)),

    "softmax": function(lambda x: x.softmax(-1), (2, 5, 19), channels=-1),
    "log_softmax": function(lambda x: x.log_softmax(-1), (2, 5, 19), channels=-1),
    "log_sum_exp": function(lambda x: x.logsumexp(-1, keepdim=True), (2, 5, 19), channels=-1),

    "embedding": Layer(lambda: nn.Embedding(11, 6), lambda: torch.randint(11, (3, 17)), channels=-1),

    "upsample_1d": function(lambda x: F.interpolate(x, scale_factor=3), (2, 5, 7)),
    "upsample_2d": function(lambda x: F.interpolate(x, scale_factor=2), (2, 3, 4, 5)),
    "upsample_3d": function(lambda x: F.interpolate(x, scale_factor=(1, 2, 3)), (2, 8, 3, 4, 5)),
    "upsample_linear_1d": function(lambda x: F.interpolate(x, scale_factor=2, mode="linear"), (2, 5, 7)),
    "upsample_linear_2d": function(lambda x: F.interpolate(x, scale_factor=(2, 3), mode="bilinear"), (2, 3, 4, 5)),
    "upsample_linear_3d": function(lambda x: F.interpolate(x, scale_factor=2, mode="trilinear"), (2, 8, 3, 1, 5)),
    "resize_linear_down": function(lambda x: F.interpolate(x, (5, 3), mode="bilinear"), (2, 4, 8, 11)),
    **{f"grid_sample_{mode}{'_aligned' * aligned}": sampled(mode, aligned)
       for mode in ("zeros", "border", "reflection") for aligned in (False, True)},
    "local_filter": filtered((5, 7), (5, 7), 3),
    "local_filter_of_blocks": filtered((8, 12), (2, 3), 9),
    "local_filter_of_lines": filtered((4, 11), (4, 1), 5),
    "spatial_transformer": transformed(False),
    "spatial_transformer_aligned": transformed(True),
    "place": placed((4, 5), (7, 8)),
    "place_larger": placed((7, 8), (4, 5)),
    "place_one_pixel": placed((1, 1), (5, 6)),
    "glimpse": glimpsed((7, 8), (4, 5)),
    "glimpse_larger": glimpsed((4, 5), (7, 8)),
    "glimpse_one_pixel": glimpsed((5, 6), (1, 1)),
    "avg_pool_2d": function(lambda x: F.avg_pool2d(x, (2, 3)), (2, 5, 4, 9)),
    "avg_pool_3d": function(lambda x: F.avg_pool3d(x, 2), (2, 17, 2, 4, 6)),
    "max_pool_2d": function(lambda x: F.max_pool2d(x, 2), (2, 5, 4, 6)),
    "max_pool_3d": function(lambda x: F.max_pool3d(x, (1, 2, 2)), (2, 3, 3, 4, 6)),
    "pixel_shuffle": function(lambda x: F.pixel_shuffle(x, 2), (2, 12, 3, 5)),
    "pixel_unshuffle": function(lambda x: F.pixel_unshuffle(x, 3), (2, 2, 6, 9)),
    "patchify": function(lambda x: patches(x, 2, 4, 3), (2, 3, 4, 8, 6)),
}
