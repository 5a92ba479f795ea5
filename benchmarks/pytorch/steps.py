#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""PyTorch's side of a timing in turns; the workloads are those of the C++ programs beside it, layer by layer.

usage: steps.py WORKLOAD THREADS LAYOUT     LAYOUT: contiguous or channels_last
       steps.py --list | --peer            the workloads; what PyTorch multiplies by

Makes the workload's call once for every line that it is sent and answers with its milliseconds; at the end of its
input it says its peak memory in MiB.
"""
import functools
import resource
import sys
import time

from cpu_limits import lift_cpu_limits

lift_cpu_limits()

import torch
import torch.nn as nn
import torch.nn.functional as F

from models import Models


@functools.cache
def later(length):
    """Which keys a query may not see: (L, L)."""
    return torch.ones(length, length, dtype=torch.bool).triu(1)


def causal_attention(q, k, v):
    """Of a whole sequence, or of one more query to all keys so far."""
    several = q.shape[-2] > 1
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=several)
    scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    if several:
        scores = scores.masked_fill(later(q.shape[-2]), float("-inf"))
    return scores.softmax(-1) @ v


def layers(*each):
    return nn.Sequential(*each)


def half(kind, inputs, outputs, **settings):
    return kind(inputs, outputs, 4, 2, 1, **settings)


def flat(kind, inputs, outputs, **settings):
    return kind(inputs, outputs, (3, 4, 4), (1, 2, 2), 1, **settings)


def dcgan_generator():
    ct, bn = nn.ConvTranspose2d, nn.BatchNorm2d
    return layers(ct(100, 512, 4, bias=False), bn(512), nn.ReLU(True),
                  half(ct, 512, 256, bias=False), bn(256), nn.ReLU(True),
                  half(ct, 256, 128, bias=False), bn(128), nn.ReLU(True),
                  half(ct, 128, 3, bias=False), nn.Tanh())


def dcgan_discriminator():
    c, bn = nn.Conv2d, nn.BatchNorm2d
    return layers(half(c, 3, 128, bias=False), nn.LeakyReLU(0.2, True),
                  half(c, 128, 256, bias=False), bn(256), nn.LeakyReLU(0.2, True),
                  half(c, 256, 512, bias=False), bn(512), nn.LeakyReLU(0.2, True),
                  c(512, 1, 4, bias=False), nn.Flatten(0))


def video_generator(w=32, channels=3):
    ct, bn = nn.ConvTranspose3d, nn.BatchNorm3d
    return layers(ct(100, 8 * w, (2, 4, 4), bias=False), bn(8 * w), nn.ReLU(True),
                  half(ct, 8 * w, 4 * w, bias=False), bn(4 * w), nn.ReLU(True),
                  half(ct, 4 * w, 2 * w, bias=False), bn(2 * w), nn.ReLU(True),
                  half(ct, 2 * w, w, bias=False), bn(w), nn.ReLU(True),
                  flat(ct, w, channels, bias=False), nn.Tanh())


def video_discriminator(w=32, channels=3):
    c, bn = nn.Conv3d, nn.BatchNorm3d
    return layers(flat(c, channels, w, bias=False), nn.LeakyReLU(0.2, True),
                  half(c, w, 2 * w, bias=False), bn(2 * w), nn.LeakyReLU(0.2, True),
                  half(c, 2 * w, 4 * w, bias=False), bn(4 * w), nn.LeakyReLU(0.2, True),
                  half(c, 4 * w, 8 * w, bias=False), bn(8 * w), nn.LeakyReLU(0.2, True),
                  c(8 * w, 1, (2, 4, 4), bias=False), nn.Flatten(0))


def game(g, d, noise):
    """Steps of both with Adam on real clips or frames; each gives the sum of their losses."""
    bce = nn.BCEWithLogitsLoss()
    of_g, of_d = (torch.optim.Adam(m.parameters(), 2e-4, (0.5, 0.999)) for m in (g, d))

    def step(real):
        of_d.zero_grad(set_to_none=True)
        on_data = d(real)
        lost_on_data = bce(on_data, torch.ones_like(on_data))
        lost_on_data.backward()
        fake = g(torch.randn(noise))
        on_samples = d(fake.detach())
        lost_on_samples = bce(on_samples, torch.zeros_like(on_samples))
        lost_on_samples.backward()
        of_d.step()
        of_g.zero_grad(set_to_none=True)
        on_samples = d(fake)
        fooled = bce(on_samples, torch.ones_like(on_samples))
        fooled.backward()
        of_g.step()
        return (lost_on_data + lost_on_samples + fooled).detach()
    return step


class VideoVae(nn.Module):
    def __init__(self, w=32, z=128):
        super().__init__()
        c, ct, n = nn.Conv3d, nn.ConvTranspose3d, 8 * w * 2 * 4 * 4
        self.encoder = layers(flat(c, 1, w), nn.ReLU(True), half(c, w, 2 * w), nn.ReLU(True),
                              half(c, 2 * w, 4 * w), nn.ReLU(True), half(c, 4 * w, 8 * w), nn.ReLU(True),
                              nn.Flatten(), nn.Linear(n, 2 * z))
        self.decoder = layers(nn.Linear(z, n), nn.Unflatten(1, (8 * w, 2, 4, 4)),
                              half(ct, 8 * w, 4 * w), nn.ReLU(True), half(ct, 4 * w, 2 * w), nn.ReLU(True),
                              half(ct, 2 * w, w), nn.ReLU(True), flat(ct, w, 1))

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, 1)
        return self.decoder(mean + torch.randn_like(mean) * (0.5 * log_variance).exp()), mean, log_variance


class ConvLstm(nn.Module):
    def __init__(self, channels=16, hidden=64, kernel=5):
        super().__init__()
        self.hidden = hidden
        self.gates = nn.ModuleList(nn.Conv2d(n + hidden, 4 * hidden, kernel, padding=kernel // 2)
                                   for n in (channels, hidden))
        self.readout = nn.Conv2d(hidden, channels, 1)

    def start(self, x):
        return [(x.new_zeros(x.shape[0], self.hidden, *x.shape[-2:]),) * 2 for _ in self.gates]

    def step(self, y, states):
        for i, gates in enumerate(self.gates):
            h, c = states[i]
            inputs, forget, output, update = gates(torch.cat([y, h], 1)).chunk(4, 1)
            c = torch.sigmoid(forget) * c + torch.sigmoid(inputs) * torch.tanh(update)
            y = torch.sigmoid(output) * torch.tanh(c)
            states[i] = y, c
        return self.readout(y)

    def forward(self, x):                                    # (N, T, C, H, W)
        states = self.start(x)
        return torch.stack([self.step(frame, states) for frame in x.unbind(1)], 1)


class Residual(nn.Module):
    """x + body(x), or x + scale·body(x) with a scale for each channel."""

    def __init__(self, scaled, *body):
        super().__init__()
        self.body = layers(*body)
        self.scale = nn.Parameter(torch.full((scaled, 1, 1), 1e-2)) if scaled else 1

    def forward(self, x):
        return x + self.scale * self.body(x)


def depthwise(c, kernel, dilation=1):
    return nn.Conv2d(c, c, kernel, padding=dilation * (kernel // 2), dilation=dilation, groups=c)


def gated_attention(c, wide):
    attention = Residual(0, nn.Conv2d(c, c, 1), nn.GELU(), depthwise(c, 5), depthwise(c, 7, 3), nn.Conv2d(c, 2 * c, 1),
                         nn.GLU(1), nn.Conv2d(c, c, 1))
    return layers(Residual(c, nn.BatchNorm2d(c), attention),
                  Residual(c, nn.BatchNorm2d(c), nn.Conv2d(c, wide, 1), depthwise(wide, 3), nn.GELU(),
                           nn.Conv2d(wide, c, 1)))


class SimVp(nn.Module):
    def __init__(self, frames=10, s=32, hidden=256, blocks=4, expansion=4):
        super().__init__()
        c, codes = nn.Conv2d, frames * s
        end = lambda: (nn.GroupNorm(2, s), nn.SiLU(True))
        keep, halve = lambda: (c(s, s, 3, 1, 1), *end()), lambda: (c(s, s, 3, 2, 1), *end())
        double = lambda: (c(s, 4 * s, 3, 1, 1), nn.PixelShuffle(2), *end())
        self.first = layers(c(1, s, 3, 1, 1), nn.GroupNorm(2, s), nn.SiLU())
        self.encoder = layers(*halve(), *keep(), *halve())
        self.translator = layers(gated_attention(codes, expansion * codes), c(codes, hidden, 1),
                                 *(gated_attention(hidden, expansion * hidden) for _ in range(blocks - 1)),
                                 c(hidden, codes, 1))
        self.decoder, self.last = layers(*double(), *keep(), *double()), layers(*keep(), c(s, 1, 1))

    def forward(self, x):                                    # (N, T, C, H, W)
        skip = self.first(x.flatten(0, 1))
        seen = self.encoder(skip)
        codes = self.translator(seen.reshape(len(x), -1, *seen.shape[2:])).reshape(seen.shape)
        return self.last(self.decoder(codes) + skip).view_as(x)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = layers(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x, cache):
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        y = causal_attention(q, k, v)
        x = x + self.out(y.transpose(1, 2).reshape(n, t, d))
        return x + self.mlp(self.norm2(x))


class VideoTransformer(nn.Module):
    def __init__(self, tokens=512, width=256, count=4, heads=8, context=1024):
        super().__init__()
        self.embed = nn.Embedding(tokens, width)
        self.position = nn.Parameter(torch.zeros(context, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(count))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, tokens)

    def forward(self, index, caches=None, start=0):
        x = self.embed(index) + self.position[start:start + index.shape[1]]
        for i, block in enumerate(self.blocks):
            x = block(x, None if caches is None else caches[i])
        return self.head(self.norm(x))


class Workloads(Models):
    def __init__(self, layout, scale=1):
        self.layout, self.scale = layout, scale  # the latter of the training batches

    def place(self, module):
        """The module in the memory layout that was asked for."""
        if self.layout == "contiguous":
            return module
        volumes = any(isinstance(m, (nn.Conv3d, nn.ConvTranspose3d)) for m in module.modules())
        return module.to(memory_format=torch.channels_last_3d if volumes else torch.channels_last)

    def data(self, x):
        if self.layout == "contiguous" or x.dim() not in (4, 5):
            return x
        return x.contiguous(memory_format=torch.channels_last if x.dim() == 4 else torch.channels_last_3d)

    def gan_step(self, generator, discriminator, real, noise):
        step = game(self.place(generator), self.place(discriminator), noise)
        real = self.data(real)
        return lambda: step(real)

    def dcgan_step(self):
        n = 64 * self.scale
        frames = torch.rand(n, 3, 32, 32) * 2 - 1
        return self.gan_step(dcgan_generator(), dcgan_discriminator(), frames, (n, 100, 1, 1))

    def video_gan_step(self):
        n = 4 * self.scale
        clips = torch.rand(n, 3, 16, 64, 64) * 2 - 1
        return self.gan_step(video_generator(), video_discriminator(), clips, (n, 100, 1, 1, 1))

    def video_vae_step(self):
        n = 8 * self.scale
        m, x = self.place(VideoVae()), self.data(torch.rand(n, 1, 16, 64, 64))
        optimizer = torch.optim.Adam(m.parameters(), 1e-3)

        def step():
            optimizer.zero_grad(set_to_none=True)
            y, mean, log_variance = m(x)
            loss = (F.binary_cross_entropy_with_logits(y, x, reduction="sum")
                    - 0.5 * torch.sum(1 + log_variance - mean * mean - log_variance.exp())) / n
            loss.backward()
            optimizer.step()
        return step

    def conv_lstm_step(self):
        m, x = self.place(ConvLstm()), torch.rand(8 * self.scale, 20, 16, 16, 16)
        optimizer = torch.optim.Adam(m.parameters(), 1e-3)

        def step():
            optimizer.zero_grad(set_to_none=True)
            F.binary_cross_entropy_with_logits(m(x[:, :-1]), x[:, 1:]).backward()
            optimizer.step()
        return step

    def simvp_step(self):
        m, x = self.place(SimVp()), torch.rand(4 * self.scale, 20, 1, 64, 64)
        optimizer = torch.optim.Adam(m.parameters(), 1e-3)

        def step():
            optimizer.zero_grad(set_to_none=True)
            F.mse_loss(m(x[:, :10]), x[:, 10:]).backward()
            optimizer.step()
        return step

    def video_transformer_step(self):
        m, index = self.place(VideoTransformer()), torch.randint(0, 512, (2 * self.scale, 1025))
        optimizer = torch.optim.AdamW(m.parameters(), 3e-4)

        def step():
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(m(index[:, :-1]).reshape(-1, 512), index[:, 1:].reshape(-1)).backward()
            optimizer.step()
        return step

    def dcgan_sample(self):
        g, z = self.place(dcgan_generator()).eval(), self.data(torch.randn(64, 100, 1, 1))
        return torch.no_grad()(lambda: g(z))

    def video_vae_sample(self):
        m, z = self.place(VideoVae()).eval(), torch.randn(8, 128)
        return torch.no_grad()(lambda: m.decoder(z))

    def conv_lstm_predict(self):
        m, x = self.place(ConvLstm()).eval(), torch.rand(1, 10, 16, 16, 16)

        @torch.no_grad()
        def call():
            states = m.start(x)
            for t in range(19):
                frame = torch.sigmoid(m.step(x[:, t] if t < 10 else frame, states))
        return call

    def video_transformer_sample(self):
        m = VideoTransformer().eval()

        @torch.no_grad()
        def call():
            caches, token = [[] for _ in m.blocks], torch.zeros(1, 1, dtype=torch.long)
            for t in range(256):
                token = torch.multinomial(m(token, caches, t)[:, -1].softmax(-1), 1)
        return call


def peer():
    """PyTorch's version and the BLAS that this process multiplies by; refuses a slow one."""
    torch.ones(64, 64) @ torch.ones(64, 64)
    with open("/proc/self/maps", encoding="utf-8") as maps:
        files = {line.split()[-1] for line in maps if "blas" in line or "libmkl" in line}
    fast = sorted(file for file in files if "openblas" in file or "libmkl" in file)
    if not fast:
        sys.exit(f"PyTorch multiplies by {', '.join(sorted(files))}; needs OpenBLAS or MKL: scripts/setup pytorch")
    return f"PyTorch {torch.__version__} with {fast[0]}"


def main():
    names = [name for name in dir(Workloads) if name.endswith(("_step", "_sample", "_predict")) and name != "gan_step"]
    if sys.argv[1:] == ["--list"]:
        print(*names, sep="\n")
        return
    if sys.argv[1:] == ["--peer"]:
        print(peer())
        return
    if len(sys.argv) != 4 or sys.argv[1] not in names or sys.argv[3] not in ("contiguous", "channels_last"):
        sys.exit(__doc__)
    peer()
    torch.manual_seed(0)
    torch.set_num_threads(int(sys.argv[2]))
    call = getattr(Workloads(sys.argv[3]), sys.argv[1])()
    for _ in sys.stdin:
        start = time.perf_counter()
        call()
        print((time.perf_counter() - start) * 1e3, flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)


if __name__ == "__main__":
    main()
