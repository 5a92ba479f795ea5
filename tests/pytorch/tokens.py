# SPDX-License-Identifier: MIT
"""Quantizers, an autoencoder of codes, and a transformer over the codes of clips."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from case import Layer
from networks import TokenTransformer


class Vector(nn.Module):
    """The nearest vector of a codebook that follows the means of what chose it by moving averages."""

    def __init__(self, codes, size, commitment=0.25, decay=0.99, epsilon=1e-5, by_product=False):
        super().__init__()
        self.commitment, self.decay, self.epsilon = commitment, decay, epsilon
        self.distance = "use_mm_for_euclid_dist" if by_product else "donot_use_mm_for_euclid_dist"
        self.register_buffer("codebook", torch.randn(codes, size))
        self.register_buffer("counts", 5 + 4 * torch.rand(codes))
        self.register_buffer("sums", self.codebook * self.counts[:, None])

    def nearest(self, flat):
        return torch.cdist(flat, self.codebook, compute_mode=self.distance).argmin(1)

    def follow(self, flat, codes):
        chosen = F.one_hot(codes, len(self.codebook)).to(flat)
        self.counts.lerp_(chosen.sum(0), 1 - self.decay)
        self.sums.lerp_(chosen.T @ flat, 1 - self.decay)
        total = self.counts.sum()
        share = (self.counts + self.epsilon) / (total + len(self.counts) * self.epsilon)
        self.codebook = self.sums / (share * total)[:, None]

    def forward(self, z):                                    # (N, …, size) → the same, codes (N, …), loss (N)
        flat = z.detach().flatten(0, -2)
        codes = self.nearest(flat)
        found = self.codebook[codes].view_as(z)
        if self.training:
            self.follow(flat, codes)
        loss = self.commitment * (z - found).square().flatten(1).sum(1)
        return z + (found - z).detach(), codes.view(z.shape[:-1]), loss


def down(x, extents):                                        # of (N, …, size), as `up`
    return F.interpolate(x.movedim(-1, 1), extents, mode="area").movedim(1, -1)


def up(x, extents):
    return F.interpolate(x.movedim(-1, 1), extents, mode="trilinear", align_corners=False).movedim(1, -1)


class MultiScale(Vector):
    """At each scale the codes of what the coarser ones have left, with one codebook."""

    def __init__(self, codes, size, scales):
        super().__init__(codes, size)
        self.scales = scales

    def forward(self, z):                                    # (N, T, H, W, size) → the same, codes (N, L), loss (N)
        sum, loss, vectors, codes = torch.zeros_like(z), 0, [], []
        for extents in self.scales:
            seen = down(z.detach() - sum, extents)
            vectors.append(seen.flatten(0, -2))
            codes.append(self.nearest(vectors[-1]))
            sum = sum + up(self.codebook[codes[-1]].view_as(seen), self.scales[-1])
            loss = loss + self.commitment * (z - sum).square().flatten(1).sum(1) / len(self.scales)
        if self.training:
            self.follow(torch.cat(vectors), torch.cat(codes))
        return z + (sum - z).detach(), torch.cat([c.view(len(z), -1) for c in codes], 1), loss


class FiniteScalar(nn.Module):
    """Numbers bounded by tanh and rounded to levels, which are the digits of a code, the least first."""

    def __init__(self, *levels):
        super().__init__()
        self.levels = levels

    def forward(self, z):
        levels = torch.tensor(self.levels)
        half, offset = (levels.to(z) - 1) * 1.001 / 2, (levels % 2 == 0).to(z) / 2
        b = torch.tanh(z + torch.atanh(offset / half)) * half - offset
        digits, middle = b.detach().round(), levels // 2
        places = torch.tensor([math.prod(self.levels[:i]) for i in range(len(self.levels))])
        codes = ((digits.long() + middle) * places).sum(-1)
        return (b + (digits - b).detach()) / middle, codes, z.new_zeros(len(z))


def quantized(module, z):
    quantized, _, loss = module(z)
    return quantized + loss.view(-1, *[1] * (z.dim() - 1))


class Block(nn.Module):
    def __init__(self, conv, norm, w):
        super().__init__()
        self.body = nn.Sequential(norm(w), nn.ReLU(), conv(w, w, 3, 1, 1, bias=False), norm(w), nn.ReLU(),
                                  conv(w, w, 1, bias=False))

    def forward(self, x):
        return x + self.body(x)


def blocks(conv, norm, w):
    return nn.Sequential(Block(conv, norm, w), Block(conv, norm, w), norm(w), nn.ReLU())


def encoder(conv, norm, channels, w, z, first=4, stride=2):
    return nn.Sequential(conv(channels, w // 2, first, stride, 1), nn.ReLU(), conv(w // 2, w, 4, 2, 1), nn.ReLU(),
                         conv(w, w, 4, 2, 1, bias=False), blocks(conv, norm, w), conv(w, z, 1))


def decoder(conv, up, norm, channels, w, z, last=4, stride=2):
    return nn.Sequential(conv(z, w, 3, 1, 1, bias=False), blocks(conv, norm, w), up(w, w, 4, 2, 1), nn.ReLU(),
                         up(w, w // 2, 4, 2, 1), nn.ReLU(), up(w // 2, channels, last, stride, 1))


class Autoencoder(nn.Module):
    def __init__(self, encoder, quantizer, decoder):
        super().__init__()
        self.encoder, self.quantizer, self.decoder = encoder, quantizer, decoder

    def quantize(self, x):
        return self.quantizer(self.encoder(x).movedim(1, -1))

    def forward(self, x):
        """In training −log p(x | z) and the quantizer's loss, averaged over the clips; in inference E[x | z]."""
        z, _, loss = self.quantize(x)
        logits = self.decoder(z.movedim(-1, 1))
        if not self.training:
            return torch.sigmoid(logits)
        return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x) + loss.mean()


class VideoGpt(nn.Module):
    """A transformer over the codes of clips, after a token to begin with."""

    def __init__(self, tokenizer, codes, width, layers, heads, context):
        super().__init__()
        self.tokenizer = tokenizer
        self.prior = TokenTransformer(codes, width, layers, heads, context)
        self.prior.embed = nn.Embedding(codes + 1, width)
        self.codes = codes

    def forward(self, x):
        """In training −log p in nats per code; in inference log p of each clip's codes."""
        self.tokenizer.eval()
        with torch.no_grad():
            codes = self.tokenizer.quantize(x)[1].flatten(1)
        begun = F.pad(codes[:, :-1], (1, 0), value=self.codes)
        loss = F.cross_entropy(self.prior(begun).flatten(0, 1), codes.flatten(), reduction="none")
        return loss.mean() if self.training else -loss.view(len(x), -1).sum(1)


class NextScale(nn.Module):
    """Logits of all codes of a scale from those of coarser ones, after a token to begin with."""

    def __init__(self, codes, scales, width, layers, heads):
        super().__init__()
        self.places = [math.prod(extents) for extents in scales]
        self.network = TokenTransformer(codes, width, layers, heads, sum(self.places), is_causal=False)
        self.network.embed = nn.Embedding(codes + 1, width)
        self.network.scale = nn.Embedding(len(scales), width)
        self.codes, self.scales = codes, scales

    def forward(self, codes):                                # (N, L)
        n, embed = len(codes), self.network.embed
        begin = embed.weight[self.codes].expand(n, self.places[0], -1)
        inputs, sum = [begin], 0
        for part, extents, finer in zip(codes.split(self.places, 1), self.scales, self.scales[1:]):
            sum = sum + up(embed(part).view(n, *extents, -1), self.scales[-1])
            inputs.append(down(sum, finer).flatten(1, 3))
        scale = torch.repeat_interleave(torch.tensor(self.places))
        x = torch.cat(inputs, 1) + self.network.scale(scale) + self.network.position.weight
        mask = torch.zeros(len(scale), len(scale)).masked_fill(scale[None] > scale[:, None], float("-inf")).to(x)
        for block in self.network.blocks:
            x = block(x, mask)
        return self.network.head(self.network.norm(x))


class VideoVar(nn.Module):
    """A model of the codes of clips in several scales."""

    def __init__(self, tokenizer, prior):
        super().__init__()
        self.tokenizer, self.prior = tokenizer, prior

    def forward(self, x):
        """In training −log p in nats per code; in inference log p of each clip's codes."""
        self.tokenizer.eval()
        with torch.no_grad():
            codes = self.tokenizer.quantize(x)[1]
        loss = F.cross_entropy(self.prior(codes).flatten(0, 1), codes.flatten(), reduction="none")
        return loss.mean() if self.training else -loss.view(len(x), -1).sum(1)


class Masked(nn.Module):
    """A transformer over tokens after one that is given, which predicts those that are masked."""

    def __init__(self, tokens, given, width, layers, heads, context):
        super().__init__()
        self.network = TokenTransformer(tokens, width, layers, heads, 1 + context, is_causal=False)
        self.network.embed = nn.Embedding(tokens + given + 1 + (given > 1), width)  # the null class is last
        self.mask = tokens + given

    def forward(self, mask, tokens):                          # (N, L), (N, 1 + L)
        """In training the smoothed cross-entropy of masked tokens, over all; in inference logits."""
        mask = mask.detach()
        logits = self.network(torch.where(F.pad(mask, (1, 0)) > 0, self.mask, tokens))
        if not self.training:
            return logits
        loss = F.cross_entropy(logits[:, 1:].flatten(0, 1), tokens[:, 1:].flatten(), reduction="none",
                               label_smoothing=0.1)
        return (loss * mask.flatten()).mean()


def vq_vae():
    return Autoencoder(encoder(nn.Conv2d, nn.BatchNorm2d, 1, 8, 4), Vector(6, 4),
                       decoder(nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, 1, 8, 4))


def video_gpt():
    tokenizer = Autoencoder(encoder(nn.Conv3d, nn.BatchNorm3d, 1, 8, 2, (3, 4, 4), (1, 2, 2)), FiniteScalar(5, 4),
                            nn.Conv3d(2, 1, 1))
    return VideoGpt(tokenizer, 20, 16, 2, 4, 12)


def video_var():
    scales = ((1, 1, 1), (1, 2, 1), (2, 2, 3))
    tokenizer = Autoencoder(encoder(nn.Conv3d, nn.BatchNorm3d, 1, 8, 2, (3, 4, 4), (1, 2, 2)),
                            MultiScale(11, 2, scales), nn.Conv3d(2, 1, 1))
    return VideoVar(tokenizer, NextScale(11, scales, 16, 2, 4))


def adam(parameters):
    """With an ε beyond the rounding errors of gradients, so that Adam does not multiply them."""
    return torch.optim.Adam(parameters, 1e-3, eps=1)


def some(*shape):
    return lambda: (torch.rand(shape) < 0.6).double()


def grey(*shape):
    return lambda: torch.rand(shape)


CASES = {
    "vector": Layer(lambda: Vector(7, 5), (3, 11, 5), forward=quantized, channels=-1),
    "multi_scale": Layer(lambda: MultiScale(7, 5, ((1, 1, 1), (1, 2, 3), (2, 4, 3))), (3, 2, 4, 3, 5),
                         forward=quantized, channels=-1),
    "finite_scalar": Layer(lambda: FiniteScalar(8, 5, 3, 4, 7), (3, 11, 5), forward=quantized, channels=-1),
    # Normalised by statistics of 12 places: measured 9e-6, and 2e-5 between PyTorch's own float and double.
    "vq_vae": Layer(vq_vae, grey(2, 1, 16, 24), optimizer=adam, clearance=3e-6, tolerance={torch.float32: 1e-4}),
    "video_gpt": Layer(video_gpt, grey(2, 1, 8, 16, 24), optimizer=adam),
    "video_var": Layer(video_var, grey(2, 1, 8, 16, 24), optimizer=adam),
    "masked": Layer(lambda: Masked(13, 2, 16, 2, 4, 12), some(3, 11), lambda: torch.randint(13, (3, 12)),
                    channels=-1, optimizer=adam),
}
