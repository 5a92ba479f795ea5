# SPDX-License-Identifier: MIT
"""State-space models of clips, as their papers define them: the stochastic video generator with a learned prior, whose
clips are 7 frames of which five count as seen, and the recurrent state-space model of DreamerV3 with its divergence."""
import math

import torch
from torch import nn
from torch.distributions import Normal, OneHotCategorical, kl_divergence
from torch.nn import functional as F

from case import Layer
from networks import ChannelsFirst, ChannelsLast, gated

SEEN, BETA, REPRESENTATION, FREE_NATS = 5, 1.5, 0.1, 0.1


def over(layers, x):
    """Layers over (N, T, C); cells remember."""
    for layer in layers:
        x = gated(layer, x) if isinstance(layer, nn.RNNCellBase) else layer(x)
    return x


def bernoulli(logits, x):
    """−log p(x) of all clips together."""
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum")


def widths(w, size):
    """The channels of an encoder's layers, each of which halves frames of size × size pixels, down to 4 × 4."""
    return [w << i for i in range((size // 4).bit_length() - 1)]


class Svg(nn.Module):
    def __init__(self, w, code, hidden, z, size=16):
        super().__init__()
        down = lambda i, o: nn.Sequential(nn.Conv2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.2))
        up = lambda i, o: nn.Sequential(nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o),
                                        nn.LeakyReLU(0.2))
        gaussian = lambda: nn.ModuleList([nn.Linear(code, hidden), nn.LSTMCell(hidden, hidden),
                                          nn.Linear(hidden, 2 * z)])
        each = widths(w, size)
        self.encoder = nn.ModuleList([*map(down, [1, *each], each), nn.Sequential(
            nn.Conv2d(each[-1], code, 4, bias=False), nn.BatchNorm2d(code), nn.Tanh())])
        self.prior, self.posterior = gaussian(), gaussian()
        self.emission = nn.ModuleList([nn.Linear(code + z, hidden), nn.LSTMCell(hidden, hidden),
                                       nn.LSTMCell(hidden, hidden), nn.Linear(hidden, code), nn.Tanh()])
        self.decoder = nn.ModuleList([nn.Sequential(
            nn.Unflatten(1, (code, 1, 1)), nn.ConvTranspose2d(code, each[-1], 4, bias=False),
            nn.BatchNorm2d(each[-1]), nn.LeakyReLU(0.2)), *(up(2 * c, c // 2) for c in each[:0:-1]),
            nn.ConvTranspose2d(2 * w, 1, 4, 2, 1)])

    def forward(self, x, noise):
        """−ELBO in nats per frame after the first."""
        n, t = x.shape[:2]
        maps = [x.flatten(0, 1)]
        for block in self.encoder:
            maps.append(block(maps[-1]))
        code = maps.pop().view(n, t, -1)
        distribution = lambda y: Normal(y.chunk(2, -1)[0], (0.5 * y.chunk(2, -1)[1]).exp())
        p, q = distribution(over(self.prior, code[:, :-1])), distribution(over(self.posterior, code[:, 1:]))
        z = q.loc + noise * q.scale
        y = over(self.emission, torch.cat([code[:, :-1], z], -1)).flatten(0, 1)
        last = [min(step, SEEN - 1) for step in range(t - 1)]
        y = self.decoder[0](y)
        for block, skip in zip(self.decoder[1:], maps[:0:-1]):
            skip = skip.unflatten(0, (n, t))[:, last].flatten(0, 1)
            y = block(torch.cat([y, skip], 1))
        return (bernoulli(y, x[:, 1:].flatten(0, 1)) + kl_divergence(q, p).sum()) / (n * (t - 1))


class RmsNorm(nn.Module):
    def __init__(self, channels, axis=-1):
        super().__init__()
        self.weight, self.axis = nn.Parameter(torch.ones(channels)), axis

    def forward(self, x):
        x = x.movedim(self.axis, -1)
        return (x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * self.weight).movedim(-1, self.axis)


class Rssm(nn.Module):
    def __init__(self, actions, w, hidden, groups, classes, foretold, size=16):
        super().__init__()
        self.groups, self.classes, self.hidden, z = groups, classes, hidden, groups * classes
        dense = lambda i: nn.Sequential(nn.Linear(i, hidden), RmsNorm(hidden), nn.SiLU())
        down = lambda i, o: nn.Sequential(nn.Conv2d(i, o, 4, 2, 1), RmsNorm(o, 1), nn.SiLU())
        up = lambda i, o: nn.Sequential(nn.ConvTranspose2d(i, o, 4, 2, 1), RmsNorm(o, 1), nn.SiLU())
        each = widths(w, size)
        self.encoder = nn.Sequential(*map(down, [1, *each], each), ChannelsLast(), nn.Linear(16 * each[-1], hidden),
                                     nn.SiLU())
        self.transition = nn.ModuleList([dense(z + actions), nn.GRUCell(hidden, hidden)])
        self.prior = nn.Sequential(dense(hidden), nn.Linear(hidden, z))
        self.posterior = nn.Sequential(dense(2 * hidden), nn.Linear(hidden, z))
        self.decoder = nn.Sequential(nn.Linear(hidden + z, 16 * each[-1]), ChannelsFirst(4, 4, each[-1]),
                                     *(up(c, c // 2) for c in each[:0:-1]), nn.ConvTranspose2d(w, 1, 4, 2, 1))
        self.head = nn.Sequential(dense(hidden + z), nn.Linear(hidden, foretold))

    def probabilities(self, logits):
        p = logits.unflatten(-1, (self.groups, self.classes)).softmax(-1)
        return 0.99 * p + 0.01 / self.classes

    def forward(self, x, actions, state, drawn=None):
        """−ELBO in nats per frame; what is drawn of the posterior (N, T, z) may be given."""
        n, t = x.shape[:2]
        code = self.encoder(x.flatten(0, 1)).view(n, t, -1)
        h, z = code.new_zeros(n, self.hidden), code.new_zeros(n, self.groups * self.classes)
        action = torch.zeros_like(actions[:, 0])
        features, posteriors = [], []
        for step in range(t):
            h = self.transition[1](self.transition[0](torch.cat([z, action], 1)), h)
            q = self.probabilities(self.posterior(torch.cat([h, code[:, step]], 1)))
            one_hot = OneHotCategorical(q).sample().flatten(1) if drawn is None else drawn[:, step]
            z = one_hot + q.flatten(1) - q.flatten(1).detach()
            features.append(torch.cat([h, z], 1)), posteriors.append(q)
            action = actions[:, step]
        features, q = torch.stack(features, 1), torch.stack(posteriors, 1)
        p = self.probabilities(self.prior(features[..., :self.hidden]))
        kl = lambda a, b: (a * (a.log() - b.log())).sum((-1, -2)).clamp(min=FREE_NATS)
        dynamics, representation = kl(q.detach(), p), kl(q, p.detach())
        # The value is that of the dynamics' part alone.
        divergence = BETA * (dynamics + REPRESENTATION * (representation - representation.detach()))
        foretold = 0.5 * (self.head(features) - state).square() + 0.5 * math.log(2 * math.pi)
        frames = bernoulli(self.decoder(features.flatten(0, 1)), x.flatten(0, 1))
        return (frames + foretold.sum() + divergence.sum()) / (n * t)


def grey(*shape):
    return lambda: torch.rand(shape)


CASES = {
    name: Layer(make, *inputs, output=(), inference=False, channels=2,
                optimizer=lambda p: torch.optim.Adam(p, 1e-3, eps=1))
    for name, make, inputs in [
        ("svg", lambda: Svg(4, 12, 16, 3), [grey(2, 7, 1, 16, 16)]),
        ("rssm", lambda: Rssm(2, 4, 16, 3, 4, 2), [grey(3, 4, 1, 16, 16), (3, 4, 2), (3, 4, 2)]),
    ]
}
