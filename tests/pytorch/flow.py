# SPDX-License-Identifier: MIT
"""Networks of flows, which are told noise levels and a condition: a perceptron, a transformer with attention factorised
into space and time, and a U-Net of clips."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from case import Layer
from networks import Attention, causal


class Conditioning(nn.Module):
    def __init__(self, width, condition):
        super().__init__()
        self.level = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.half, self.condition = width // 2, nn.Linear(condition, width, bias=False) if condition else None

    def forward(self, level, condition=None):
        half = self.half
        frequency = math.pi / 2 * 1000 ** (torch.arange(half, dtype=torch.float64) / (half - 1))
        angle = level[..., None] * frequency.to(level)
        e = self.level(torch.cat([angle.sin(), angle.cos()], -1))
        if condition is None:
            return e
        c = self.condition(condition)
        return e + (c[:, None] if e.dim() == 3 else c)


def vectors(modulation, e, count, x):
    """`count` vectors of each sample or frame beside the places of x (N, …, C)."""
    one = modulation(F.silu(e))
    shape = one.shape[:-1] + (1,) * (x.dim() - one.dim()) + one.shape[-1:]
    return one.view(shape).chunk(count, -1)


class Perceptron(nn.Module):
    def __init__(self, width, level):
        super().__init__()
        self.modulation = nn.Linear(level, 2 * width)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, h, e):
        scale, shift = vectors(self.modulation, e, 2, h)
        return h + self.mlp(F.layer_norm(h, h.shape[-1:]) * (1 + scale) + shift)


class FlowMlp(nn.Module):
    def __init__(self, dim, width, blocks, condition, level):
        super().__init__()
        self.conditioning = Conditioning(level, condition)
        self.add_module("in", nn.Linear(dim, width))
        self.blocks = nn.ModuleList(Perceptron(width, level) for _ in range(blocks))
        self.out = nn.Sequential(nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, dim))

    def forward(self, x, level, condition):
        e, h = self.conditioning(level, condition), self.get_submodule("in")(x)
        for block in self.blocks:
            h = block(h, e)
        return self.out(h)


def along_time(attention, x, mask=None):
    n, t, h, w, c = x.shape
    y = attention(x.permute(0, 2, 3, 1, 4).reshape(-1, t, c), mask)
    return y.view(n, h, w, t, c).permute(0, 3, 1, 2, 4)


def within_frames(f, x):
    return f(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class SpaceTimeBlock(nn.Module):
    def __init__(self, width, heads, expansion):
        super().__init__()
        self.modulation = nn.Linear(width, 9 * width)
        self.space, self.time = Attention(width, heads, rotary=True), Attention(width, heads, rotary=True)
        self.mlp = nn.Sequential(nn.Linear(width, expansion * width), nn.GELU(), nn.Linear(expansion * width, width))

    def forward(self, x, e):
        m, mask = vectors(self.modulation, e, 9, x), causal(x.shape[1]).to(x)
        branches = lambda x: within_frames(self.space, x), lambda x: along_time(self.time, x, mask), self.mlp
        for i, branch in enumerate(branches):
            scale, shift, gate = m[3 * i:3 * i + 3]
            x = x + gate * branch(F.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift)
        return x


class SpaceTimeTransformer(nn.Module):
    """Over patches of 2×2 pixels of clips (N, T, H, W, C)."""

    def __init__(self, channels, width, blocks, heads, expansion, condition):
        super().__init__()
        self.conditioning = Conditioning(width, condition)
        self.add_module("in", nn.Linear(4 * channels, width))
        self.blocks = nn.ModuleList(SpaceTimeBlock(width, heads, expansion) for _ in range(blocks))
        self.modulation, self.out = nn.Linear(width, 2 * width), nn.Linear(width, 4 * channels)

    def forward(self, x, level, condition):
        n, t, h, w, c = x.shape
        e = self.conditioning(level, condition)
        patches = x.view(n, t, h // 2, 2, w // 2, 2, c).transpose(3, 4).flatten(4)
        y = self.get_submodule("in")(patches)
        for block in self.blocks:
            y = block(y, e)
        scale, shift = vectors(self.modulation, e, 2, y)
        y = self.out(F.layer_norm(y, y.shape[-1:]) * (1 + scale) + shift)
        return y.view(n, t, h // 2, w // 2, 2, 2, c).transpose(3, 4).reshape(x.shape)


class Residual(nn.Module):
    def __init__(self, channels, width, groups, level, kernel):
        super().__init__()
        self.groups, self.norm1 = groups, nn.GroupNorm(groups, channels)
        self.conv1, self.conv2 = (nn.Conv3d(c, width, kernel, padding="same") for c in (channels, width))
        self.modulation = nn.Linear(level, 2 * width)
        self.shortcut = nn.Linear(channels, width) if channels != width else nn.Identity()

    def forward(self, x, e):
        of_frames = lambda norm, x: within_frames(norm, x.transpose(1, 2)).transpose(1, 2)
        h = of_frames(lambda f: F.group_norm(f, self.groups), self.conv1(F.silu(of_frames(self.norm1, x))))
        scale, shift = (v.movedim(-1, 1) for v in vectors(self.modulation, e, 2, h))
        return self.shortcut(x.movedim(1, -1)).movedim(-1, 1) + self.conv2(F.silu(h * (1 + scale) + shift))


class ResidualAttention(nn.Module):
    def __init__(self, width, heads, space):
        super().__init__()
        if space:
            self.norm1, self.space = nn.LayerNorm(width), Attention(width, heads, rotary=True)
        self.norm2, self.time = nn.LayerNorm(width), Attention(width, heads, rotary=True)

    def forward(self, x):
        x = x.movedim(1, -1)
        if hasattr(self, "space"):
            x = x + within_frames(self.space, self.norm1(x))
        return (x + along_time(self.time, self.norm2(x))).movedim(-1, 1)


class UNetBlock(nn.Module):
    def __init__(self, channels, width, space, groups, heads, level, kernel):
        super().__init__()
        self.residual = Residual(channels, width, groups, level, kernel)
        self.attention = ResidualAttention(width, heads, space)

    def forward(self, x, e):
        return self.attention(self.residual(x, e))


class UNetLevel(nn.Module):
    def __init__(self, width, below, **options):
        super().__init__()
        self.down = nn.ModuleList([UNetBlock(width, width, below is None, **options)])
        self.up = nn.ModuleList([UNetBlock(2 * width, width, below is None, **options)])
        if below is not None:
            half = dict(kernel_size=(1, 4, 4), stride=(1, 2, 2), padding=(0, 1, 1))
            self.to_below = nn.Conv3d(width, below, **half)
            self.from_below = nn.ConvTranspose3d(below, width, **half)


class UNet(nn.Module):
    """Over patches of 2×2 pixels of clips (N, 1, T, H, W), of two levels."""

    def __init__(self, top, bottom, condition, groups=4, heads=2, level=8, kernel=3):
        super().__init__()
        options = dict(groups=groups, heads=heads, level=level, kernel=kernel)
        self.conditioning = Conditioning(level, condition)
        self.add_module("in", nn.Conv3d(4, top, kernel, padding="same"))
        self.levels = nn.ModuleList([UNetLevel(top, bottom, **options), UNetLevel(bottom, None, **options)])
        self.middle = UNetBlock(bottom, bottom, True, **options)
        self.norm, self.out = nn.GroupNorm(groups, top), nn.Conv3d(top, 4, kernel, padding="same")

    def forward(self, x, level, condition=None):
        n, _, t, h, w = x.shape
        e, (upper, lower) = self.conditioning(level, condition), self.levels
        patches = x.view(n, t, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).flatten(1, 2)
        high = upper.down[0](self.get_submodule("in")(patches), e)
        low = lower.down[0](upper.to_below(high), e)
        y = lower.up[0](torch.cat([self.middle(low, e), low], 1), e)
        y = upper.up[0](torch.cat([upper.from_below(y), high], 1), e)
        y = self.out(F.silu(within_frames(self.norm, y.transpose(1, 2)).transpose(1, 2)))
        return y.unflatten(1, (2, 2)).permute(0, 3, 4, 1, 5, 2).reshape(x.shape)


def levels(*shape):
    return lambda: torch.rand(shape)


CASES = {
    "flow_mlp": Layer(lambda: FlowMlp(5, 24, 2, 3, 8), (4, 5), levels(4), (4, 3)),
    "space_time_transformer": Layer(lambda: SpaceTimeTransformer(2, 16, 2, 2, 2, 3), (2, 3, 4, 6, 2), levels(2, 3),
                                    (2, 3), channels=-1),
    "unet": Layer(lambda: UNet(8, 16, 3), (2, 1, 3, 8, 12), levels(2, 3), (2, 3)),
}
