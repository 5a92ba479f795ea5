# SPDX-License-Identifier: MIT
"""SimVP, as its papers define it: gated attention alone, and the whole with it and with ConvMixer; and PredRNN."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from case import Layer
from networks import NextFrame, SpatioTemporalLstm


def keep(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(2, outputs), nn.SiLU())


def halve(c):
    return nn.Sequential(nn.Conv2d(c, c, 3, 2, 1), nn.GroupNorm(2, c), nn.SiLU())


def double(c):
    return nn.Sequential(nn.Conv2d(c, 4 * c, 3, padding=1), nn.PixelShuffle(2), nn.GroupNorm(2, c), nn.SiLU())


class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.body(x)


class LayerScale(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.weight = nn.Parameter(torch.full((c,), 1e-2))

    def forward(self, x):
        return x * self.weight[:, None, None]


def depthwise(c, kernel, dilation=1):
    return nn.Conv2d(c, c, kernel, padding=dilation * (kernel // 2), dilation=dilation, groups=c)


def gated_attention(c, expansion):
    wide = expansion * c
    attention = Residual(nn.Conv2d(c, c, 1), nn.GELU(), depthwise(c, 5), depthwise(c, 7, 3), nn.Conv2d(c, 2 * c, 1),
                         nn.GLU(1), nn.Conv2d(c, c, 1))
    return nn.Sequential(Residual(nn.BatchNorm2d(c), attention, LayerScale(c)),
                         Residual(nn.BatchNorm2d(c), nn.Conv2d(c, wide, 1), depthwise(wide, 3), nn.GELU(),
                                  nn.Conv2d(wide, c, 1), LayerScale(c)))


def conv_mixer(c):
    return nn.Sequential(Residual(depthwise(c, 11), nn.GELU(), nn.BatchNorm2d(c)), nn.Conv2d(c, c, 1), nn.GELU(),
                         nn.BatchNorm2d(c))


class Network(nn.Module):
    """(N, frames, channels, H, W) to the frames that follow; the extents are multiples of 2 ** halvings."""

    def __init__(self, frames, channels, spatial, hidden, halvings, blocks, block):
        super().__init__()
        codes, s = frames * spatial, spatial
        several = lambda *layers: (nn.Sequential(*(nn.Sequential(*(make() for make in layers))
                                                   for _ in range(halvings - 1))) if halvings > 1 else nn.Identity())
        bridge = lambda i, o: nn.Identity() if i == o else nn.Conv2d(i, o, 1)
        self.first = keep(channels, s)
        self.encoder = nn.Sequential(halve(s), several(lambda: keep(s, s), lambda: halve(s)))
        self.translator = nn.Sequential(block(codes), bridge(codes, hidden),
                                        nn.Sequential(*(block(hidden) for _ in range(blocks - 1))),
                                        bridge(hidden, codes))
        self.decoder = nn.Sequential(several(lambda: double(s), lambda: keep(s, s)), double(s))
        self.last, self.readout = keep(s, s), nn.Conv2d(s, channels, 1)

    def forward(self, clips):
        skip = self.first(clips.flatten(0, 1))
        seen = self.encoder(skip)
        n, (places, extents) = len(clips), (seen.shape[1:], seen.shape[-2:])
        codes = self.translator(seen.reshape(n, -1, *extents)).reshape(-1, *places)
        return self.readout(self.last(self.decoder(codes) + skip)).view_as(clips)


class OnePass(nn.Module):
    """In training the loss, in nats per frame of those after the context; in inference five frames."""

    def __init__(self, frames, channels, *sizes, bernoulli=False):
        super().__init__()
        self.network, self.frames, self.bernoulli = Network(frames, channels, *sizes), frames, bernoulli

    def unrolled(self, clips, count):
        """Outputs of the network and the means that they stand for, of `count` frames."""
        outputs, means = [], clips
        for _ in range(0, count, self.frames):
            outputs.append(self.network(means[:, -self.frames:]))
            means = torch.cat([means, torch.sigmoid(outputs[-1]) if self.bernoulli else outputs[-1]], 1)
        return torch.cat(outputs, 1)[:, :count], means[:, clips.shape[1]:][:, :count]

    def forward(self, clips):
        if not self.training:
            return self.unrolled(clips, 5)[1]
        target = clips[:, self.frames:]
        outputs, _ = self.unrolled(clips[:, :self.frames], target.shape[1])
        if self.bernoulli:
            total = F.binary_cross_entropy_with_logits(outputs, target, reduction="sum")
        else:
            total = F.mse_loss(outputs, target, reduction="sum") + target.numel() * math.log(math.pi) / 2
        return total / (target.shape[0] * target.shape[1])


def pred_rnn():
    return NextFrame(nn.PixelUnshuffle(2), SpatioTemporalLstm(4, 5, 3, 3), nn.Conv2d(5, 4, 1), nn.PixelShuffle(2))


def next_frames(model, x):
    """In training −log p(x) in nats per frame, averaged over the clips; in inference five frames that follow."""
    if not model.training:
        return model.predict(x, 5)
    return F.binary_cross_entropy_with_logits(model(x[:, :-1]), x, reduction="sum") / (x.shape[0] * x.shape[1])


def adam(parameters):
    return torch.optim.Adam(parameters, 1e-3, eps=0.1)


def grey(*shape):
    return lambda: torch.rand(shape)


CASES = {
    "gated_attention": Layer(lambda: gated_attention(6, 3), (2, 6, 5, 13)),
    "simvp": Layer(lambda: OnePass(3, 2, 4, 10, 2, 3, lambda c: gated_attention(c, 2)), grey(2, 7, 2, 8, 12),
                   channels=2, optimizer=adam),
    # PyTorch's own float is 1.3e-5 from its double.
    "simvp_conv_mixer": Layer(lambda: OnePass(3, 1, 4, 12, 1, 2, conv_mixer, bernoulli=True), grey(2, 5, 1, 6, 10),
                              channels=2, optimizer=adam, tolerance={torch.float32: 1e-4}),
    "pred_rnn": Layer(pred_rnn, grey(2, 4, 1, 6, 10), forward=next_frames, channels=2, optimizer=adam),
}
