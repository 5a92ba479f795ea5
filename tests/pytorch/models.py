# SPDX-License-Identifier: MIT
"""Whole models: the tutorial's two networks alone and against each other, an autoencoder of clips, predictors of frames
and of tokens."""
import copy

import torch
from torch import nn
from torch.nn import functional as F

import tensorfile
from case import STEPS, TOLERANCE, Layer, arrays, load, representable, seed, tensors
from networks import (ChannelsFirst, ChannelsLast, ConvLstmCell, Discriminator, Generator, NextFrame,
                      TokenTransformer, VideoVae)


class AdversarialTraining:
    """Steps of the tutorial's training: the discriminator on a batch of data and one of samples, then the generator on
    the same samples; each with its own Adam. Compares both networks, running statistics included, and both losses.

    Adam's first steps are η·g/(|g| + ε): with ε = 1e-8 they multiply an error of a gradient by up to η/ε = 2e4, and
    where a gradient is zero but for rounding, its sign decides. How far that leads depends on how the compiler rounds
    products: measured in double, 2e-10 compiled at -O2 and 1.3e-9 at -O1. In float PyTorch itself is up to 0.2 (biases,
    which begin as 0), 0.06 (weights) and 5e-4 (losses) from its own double."""

    tolerance, own_errors = {torch.float32: 1e-2, torch.float64: 1e-8}, 3

    def draw(self, name):
        torch.set_default_dtype(torch.float64)
        seed(name)
        self.networks = {"generator": Generator(), "discriminator": Discriminator()}
        for module in self.networks.values():
            module.load_state_dict({key: representable(x) for key, x in module.state_dict().items()})
        self.data = representable(torch.rand(STEPS, 8, 3, 32, 32))

    def write(self, folder, dtype):
        tensorfile.write(folder / "values.safetensors", arrays({"data": self.data.movedim(2, -1).to(dtype)}))
        for name, module in self.networks.items():
            state = copy.deepcopy(module).to(dtype).state_dict()
            tensorfile.write(folder / f"{name}.safetensors", arrays(state))

    def got(self, folder, dtype):
        results = {name: x for name, x in tensors(folder / "results.safetensors").items()
                   if not name.startswith("drawn")}
        for name, module in self.networks.items():
            state = load(copy.deepcopy(module.main).to(dtype), folder / f"{name}_trained.safetensors")
            results.update({f"{name}.{key}": x for key, x in state.items()})
        return results

    def expected(self, dtype, folder):
        g, d = (copy.deepcopy(module).to(dtype) for module in self.networks.values())
        optimizers = [torch.optim.Adam(module.parameters(), 2e-4, (0.5, 0.999)) for module in (g, d)]
        noise = tensors(folder / "results.safetensors")["drawn"].to(dtype)
        results, criterion = {}, nn.BCELoss()
        for step, real in enumerate(self.data.to(dtype)):
            ones = torch.ones(len(real), 1, 1, 1, dtype=dtype)
            d.zero_grad()
            fake = g(noise[step].movedim(-1, 1))
            lost = criterion(d(2 * real - 1), ones) + criterion(d(fake.detach()), 0 * ones)
            lost.backward()
            optimizers[1].step()
            g.zero_grad()
            fooled = criterion(d(fake), ones)
            fooled.backward()
            optimizers[0].step()
            results.update({f"discriminator loss {step}": lost.detach(), f"generator loss {step}": fooled.detach()})
        for name, module in ("generator", g), ("discriminator", d):
            results.update({f"{name}.{key}": x for key, x in module.main.state_dict().items()
                            if not key.endswith("num_batches_tracked")})
        return results


def negative_elbo(vae, x, noise=None):
    """In training −ELBO in nats, averaged over the clips; in inference the reconstruction."""
    if noise is None:
        return torch.sigmoid(vae(x, 0)[0])
    y, mean, log_variance = vae(x, noise)
    kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
    return (F.binary_cross_entropy_with_logits(y, x, reduction="sum") + kl) / len(x)


def frames(model, x):
    """In training −log p(x) in nats per frame, averaged over the clips; in inference three frames that follow."""
    if not model.training:
        return model.predict(x, 3)
    logits = model(x[:, :-1])
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / (x.shape[0] * x.shape[1])


def next_tokens(model, index):
    """In training −log p in nats per token; in inference log p of each sequence."""
    loss = F.cross_entropy(model(index[:, :-1]).flatten(0, 1), index[:, 1:].flatten(), reduction="none")
    return loss.mean() if model.training else -loss.view(len(index), -1).sum(1)


def lstm():
    return NextFrame(ChannelsLast(), nn.Linear(6 * 7, 20), nn.ReLU(), nn.LSTMCell(20, 24), nn.Linear(24, 6 * 7),
                     ChannelsFirst(6, 7, 1))


def conv_lstm():
    return NextFrame(nn.PixelUnshuffle(4), ConvLstmCell(16, 24, 5), ConvLstmCell(24, 24, 5), nn.Conv2d(24, 16, 1),
                     nn.PixelShuffle(4))


def adam(epsilon):
    """With an ε beyond the rounding errors of gradients, so that Adam does not multiply them."""
    return lambda parameters: torch.optim.Adam(parameters, 1e-3, eps=epsilon)


def slow(parameters):
    return torch.optim.SGD(parameters, 1e-4, 0.9)


def grey(*shape):
    return lambda: torch.rand(shape)


CASES = {
    "generator": Layer(lambda: Generator().main, (2, 100, 1, 1), optimizer=slow, clearance=3e-6),
    "discriminator": Layer(lambda: Discriminator().main[:-1], (2, 3, 32, 32), optimizer=slow, clearance=3e-6),
    "dcgan": AdversarialTraining(),
    # Of the 700,000 inputs of its ReLUs, some are within rounding of 0, each of which decides on a part of a gradient:
    # measured 6e-6 with one such input; no draw is without.
    "video_vae": Layer(lambda: VideoVae(8, 16), grey(2, 1, 16, 64, 64), forward=negative_elbo, output=(),
                       optimizer=adam(1),
                       tolerance={torch.float32: 1e-3}),
    "frame_lstm": Layer(lstm, grey(3, 5, 1, 6, 7), forward=frames, channels=2, optimizer=adam(0.1), clearance=3e-6),
    "conv_lstm": Layer(conv_lstm, grey(2, 4, 1, 12, 16), forward=frames, channels=2, optimizer=adam(0.1)),
    "token_transformer": Layer(lambda: TokenTransformer(33, 32, 3, 4, 24), lambda: torch.randint(33, (2, 20)),
                               forward=next_tokens, optimizer=lambda p: torch.optim.AdamW(p, 3e-4, eps=1e-3)),
}
