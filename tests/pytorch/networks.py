# SPDX-License-Identifier: MIT
"""Networks that PyTorch does not bring along, as their papers and textbooks define them."""
import functools

import torch
from torch import nn


class Generator(nn.Module):
    """The tutorial's generator: noise (N, 100, 1, 1) to frames (N, 3, 32, 32)."""

    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(100, 512, 4, 1, 0, bias=False), nn.BatchNorm2d(512), nn.ReLU(True),
            nn.ConvTranspose2d(512, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU(True),
            nn.ConvTranspose2d(256, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU(True),
            nn.ConvTranspose2d(128, 3, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, z):
        return self.main(z)


class Discriminator(nn.Module):
    """The tutorial's discriminator."""

    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(3, 128, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(128, 256, 4, 2, 1, bias=False), nn.BatchNorm2d(256), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(256, 512, 4, 2, 1, bias=False), nn.BatchNorm2d(512), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(512, 1, 4, 1, 0, bias=False), nn.Sigmoid())

    def forward(self, x):
        return self.main(x)


class ChannelsLast(nn.Module):
    """(N, C, …) to (N, D), places outermost: flipbook's order of a vector made of an image or clip."""

    def forward(self, x):
        return x.movedim(1, -1).flatten(1)


class ChannelsFirst(nn.Module):
    """The way back, to (N, C, …)."""

    def __init__(self, *extents):
        super().__init__()
        self.extents = extents

    def forward(self, x):
        return x.view(-1, *self.extents).movedim(-1, 1)


class VideoVae(nn.Module):
    """Clips of 16 frames of 64×64 pixels, w channels in the widest frames, z numbers behind them."""

    def __init__(self, w, z):
        super().__init__()
        c, ct, n = nn.Conv3d, nn.ConvTranspose3d, 8 * w * 2 * 4 * 4
        self.encoder = nn.Sequential(
            c(1, w, (3, 4, 4), (1, 2, 2), 1), nn.ReLU(), c(w, 2 * w, 4, 2, 1), nn.ReLU(),
            c(2 * w, 4 * w, 4, 2, 1), nn.ReLU(), c(4 * w, 8 * w, 4, 2, 1), nn.ReLU(),
            ChannelsLast(), nn.Linear(n, 2 * z))
        self.decoder = nn.Sequential(
            nn.Linear(z, n), ChannelsFirst(2, 4, 4, 8 * w),
            ct(8 * w, 4 * w, 4, 2, 1), nn.ReLU(), ct(4 * w, 2 * w, 4, 2, 1), nn.ReLU(),
            ct(2 * w, w, 4, 2, 1), nn.ReLU(), ct(w, 1, (3, 4, 4), (1, 2, 2), 1))

    def forward(self, x, noise):
        mean, log_variance = self.encoder(x).chunk(2, 1)
        return self.decoder(mean + noise * (0.5 * log_variance).exp()), mean, log_variance


def unrolled(step, x, *state):
    """The outputs of step(frame, *state), the first of which is the output, over (N, T, …)."""
    outputs = []
    for frame in x.unbind(1):
        state = step(frame, *state)
        outputs.append(state[0])
    return torch.stack(outputs, 1)


class ConvLstmCell(nn.Module):
    def __init__(self, channels, hidden, kernel):
        super().__init__()
        self.hidden = hidden
        self.gates = nn.Conv2d(channels + hidden, 4 * hidden, kernel, padding=kernel // 2)

    def step(self, x, h, c):
        i, f, o, u = self.gates(torch.cat([x, h], 1)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(u)
        return torch.sigmoid(o) * torch.tanh(c), c

    def forward(self, x):                                    # (N, T, C, H, W)
        zero = x.new_zeros(x.shape[0], self.hidden, *x.shape[3:])
        return unrolled(self.step, x, zero, zero)


class ConvGruCell(nn.Module):
    """The reset gate applies to what the hidden state gives to the candidate, as in nn.GRUCell."""

    def __init__(self, channels, hidden, kernel):
        super().__init__()
        self.hidden, self.padding = hidden, kernel // 2
        self.gates = nn.Conv2d(channels + hidden, 3 * hidden, kernel, padding=self.padding)

    def step(self, x, h):
        from_x, from_h = self.gates.weight.split([x.shape[1], self.hidden], 1)
        conv = nn.functional.conv2d
        xr, xz, xn = conv(x, from_x, self.gates.bias, padding=self.padding).chunk(3, 1)
        hr, hz, hn = conv(h, from_h, padding=self.padding).chunk(3, 1)
        r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        return (1 - z) * torch.tanh(xn + r * hn) + z * h,

    def forward(self, x):
        return unrolled(self.step, x, x.new_zeros(x.shape[0], self.hidden, *x.shape[3:]))


class SpatioTemporalLayer(nn.Module):
    """One layer of PredRNN; the gates of both memories are in the order i, f, g, and o comes last."""

    def __init__(self, channels, hidden, kernel):
        super().__init__()
        gates = lambda inputs, count, bias=False: nn.Conv2d(inputs, count * hidden, kernel, padding=kernel // 2,
                                                            bias=bias)
        self.x, self.h, self.m = gates(channels, 7, True), gates(hidden, 4), gates(hidden, 3)
        self.o = gates(2 * hidden, 1)
        self.last = nn.Conv2d(2 * hidden, hidden, 1, bias=False)

    def forward(self, x, h, c, m):
        xi, xf, xg, yi, yf, yg, xo = self.x(x).chunk(7, 1)
        hi, hf, hg, ho = self.h(h).chunk(4, 1)
        mi, mf, mg = self.m(m).chunk(3, 1)
        c = torch.sigmoid(xf + hf) * c + torch.sigmoid(xi + hi) * torch.tanh(xg + hg)
        m = torch.sigmoid(yf + mf) * m + torch.sigmoid(yi + mi) * torch.tanh(yg + mg)
        both = torch.cat([c, m], 1)
        return torch.sigmoid(xo + ho + self.o(both)) * torch.tanh(self.last(both)), c, m


class SpatioTemporalLstm(nn.Module):
    """Layers that share a memory, which the last hands on to the first of the next step."""

    def __init__(self, channels, hidden, layers, kernel):
        super().__init__()
        self.hidden, self.first = hidden, SpatioTemporalLayer(channels, hidden, kernel)
        for i in range(layers - 1):
            self.add_module(str(i), SpatioTemporalLayer(hidden, hidden, kernel))

    def forward(self, x):                                    # (N, T, C, H, W)
        m = x.new_zeros(x.shape[0], self.hidden, *x.shape[3:])
        states, outputs = [(m, m) for _ in self.children()], []
        for y in x.unbind(1):
            for i, layer in enumerate(self.children()):
                y, c, m = layer(y, *states[i], m)
                states[i] = y, c
            outputs.append(y)
        return torch.stack(outputs, 1)


def gated(cell, x):
    """A cell of nn over (N, T, C), from a state of zeros."""
    zero = x.new_zeros(x.shape[0], cell.hidden_size)
    if isinstance(cell, nn.LSTMCell):
        return unrolled(lambda frame, h, c: cell(frame, (h, c)), x, zero, zero)
    return unrolled(lambda frame, h: (cell(frame, h),), x, zero)


class NextFrame(nn.Module):
    """Predicts each frame of (N, T, C, H, W) from those before it; before the first there is one of zeros. Its cells
    run over the sequence, its other layers over every frame."""

    def __init__(self, *network):
        super().__init__()
        self.network = nn.ModuleList(network)

    def forward(self, clips):                                # logits, (N, T + 1, C, H, W)
        x = torch.cat([torch.zeros_like(clips[:, :1]), clips], 1)
        for layer in self.network:
            if isinstance(layer, nn.RNNCellBase):
                x = gated(layer, x)
            elif isinstance(layer, (ConvLstmCell, SpatioTemporalLstm)):
                x = layer(x)
            else:
                x = layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return x

    def predict(self, clips, frames):
        """The next frames, each the expectation given what was predicted before."""
        for _ in range(frames):
            clips = torch.cat([clips, torch.sigmoid(self(clips)[:, -1:])], 1)
        return clips[:, -frames:]


def attend(q, k, v, mask=None):
    """softmax(q·kᵀ/√D + mask)·v of (N, L, H, D)."""
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores + mask
    return (scores.softmax(-1) @ v).transpose(1, 2)


def causal(steps, block=1):
    """−∞ where a token would see a later time; `block` tokens are of one time."""
    time = torch.arange(steps) // block
    return torch.zeros(steps, steps).masked_fill(time[None] > time[:, None], float("-inf"))


def places(*extents):
    """The position of each token along each axis, (L, axes)."""
    return torch.cartesian_prod(*map(torch.arange, extents)).view(-1, len(extents))


@functools.cache
def turns(half, base, *extents):
    """Cosines and sines of the angles by which tokens of so many places turn, (L, 1, half) each."""
    positions, angles = places(*extents), []
    for axis in range(len(extents)):
        share = half * (axis + 1) // len(extents) - half * axis // len(extents)
        frequency = base ** (-torch.arange(share, dtype=torch.float64) / share)
        angles.append(positions[:, axis, None].double() * frequency)
    angle = torch.cat(angles, 1)[:, None]
    return angle.cos(), angle.sin()


def rotated(x, *extents, base=10000.0):
    """Numbers j and D/2 + j of (N, L, H, D) turned by the angles of each token's place."""
    half = x.shape[-1] // 2
    cosine, sine = (each.to(x) for each in turns(half, base, *extents))
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], -1)


def sinusoidal(channels, *extents):
    """Channels 2j and 2j + 1 are sine and cosine of angle j, (L, channels)."""
    cosine, sine = turns(channels // 2, 10000.0, *extents)
    return torch.stack([sine[:, 0], cosine[:, 0]], -1).flatten(1)


class Attention(nn.Module):
    """Of (N, T, …, width) to itself; `rotary` turns queries and keys by their positions."""

    def __init__(self, width, heads, rotary=False):
        super().__init__()
        self.heads, self.rotary = heads, rotary
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, mask=None):
        tokens = x.flatten(1, -2)
        q, k, v = self.qkv(tokens).unflatten(-1, (3, self.heads, -1)).unbind(2)
        if self.rotary:
            q, k = (rotated(each, *x.shape[1:-1]) for each in (q, k))
        return self.out(attend(q, k, v, mask).flatten(2)).view_as(x)


class CrossAttention(nn.Module):
    def __init__(self, width, heads, context):
        super().__init__()
        self.heads = heads
        self.q, self.kv, self.out = nn.Linear(width, width), nn.Linear(context, 2 * width), nn.Linear(width, width)

    def forward(self, x, context):
        k, v = self.kv(context).unflatten(-1, (2, self.heads, -1)).unbind(2)
        return self.out(attend(self.q(x).unflatten(-1, (self.heads, -1)), k, v).flatten(2))


class Block(Attention):
    """A transformer's block, normalised before each half."""

    def __init__(self, width, heads, rotary=False):
        super().__init__(width, heads, rotary)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x, mask=None):
        x = x + super().forward(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))


class TokenTransformer(nn.Module):
    """Logits of the token after each of (N, L), or, where it is not causal, of each."""

    def __init__(self, tokens, width, layers, heads, context, is_causal=True):
        super().__init__()
        self.is_causal = is_causal
        self.embed, self.position = nn.Embedding(tokens, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, tokens)

    def forward(self, index):
        length = index.shape[1]
        x = self.embed(index) + self.position.weight[:length]
        for block in self.blocks:
            x = block(x, causal(length).to(x) if self.is_causal else None)
        return self.head(self.norm(x))
