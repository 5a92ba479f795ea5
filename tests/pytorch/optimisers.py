# SPDX-License-Identifier: MIT
"""Optimisers with what they remember, clipping, and learning rates by step."""
import torch
from torch import optim
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

import tensorfile
from case import STEPS, TOLERANCE, arrays, representable, seed, tensors


class Optimiser:
    """Steps of an optimiser against gradients that do not depend on the parameters; what it remembers afterwards."""

    tolerance, own_errors = TOLERANCE, 0

    def __init__(self, make, clip=None):
        self.make, self.clip = make, clip

    def draw(self, name):
        seed(name)
        self.start = representable(torch.randn(37, dtype=torch.float64))
        self.gradients = representable(torch.randn(STEPS, 37, dtype=torch.float64))

    def write(self, folder, dtype):
        values = {"parameters": self.start.to(dtype), "gradients": self.gradients.to(dtype)}
        tensorfile.write(folder / "values.safetensors", arrays(values))

    def got(self, folder, dtype):
        return tensors(folder / "results.safetensors")

    def expected(self, dtype, folder):
        p = torch.nn.Parameter(self.start.to(dtype, copy=True))
        optimizer = self.make([p])
        for gradient in self.gradients.to(dtype, copy=True):
            p.grad = gradient
            if self.clip:
                torch.nn.utils.clip_grad_norm_([p], self.clip)
            optimizer.step()
        memory = {name: x for name, x in optimizer.state[p].items() if name != "step" and x is not None}
        return {"parameters": p.detach(), **memory}


class Schedule:
    """The learning rate at each step."""

    tolerance, own_errors = TOLERANCE, 0

    def __init__(self, make, steps):
        self.make, self.steps = make, steps

    def draw(self, name):
        pass

    def write(self, folder, dtype):
        tensorfile.write(folder / "values.safetensors", arrays({"rates": torch.zeros(self.steps, dtype=dtype)}))

    def got(self, folder, dtype):
        return tensors(folder / "results.safetensors")

    def expected(self, dtype, folder):
        optimizer = optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.3)
        schedule, rates = self.make(optimizer), []
        for _ in range(self.steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return {"rates": torch.tensor(rates, dtype=dtype)}


CASES = {
    "sgd": Optimiser(lambda p: optim.SGD(p, 0.1)),
    "sgd_decay": Optimiser(lambda p: optim.SGD(p, 0.1, weight_decay=0.05)),
    "sgd_momentum": Optimiser(lambda p: optim.SGD(p, 0.1, 0.9, weight_decay=0.05)),
    "sgd_nesterov": Optimiser(lambda p: optim.SGD(p, 0.1, 0.9, weight_decay=0.05, nesterov=True)),
    "rmsprop": Optimiser(lambda p: optim.RMSprop(p, 0.02)),
    "rmsprop_momentum": Optimiser(lambda p: optim.RMSprop(p, 0.02, 0.9, 1e-6, 0.05, 0.8)),
    "rmsprop_centred": Optimiser(lambda p: optim.RMSprop(p, 0.02, momentum=0.5, centered=True)),
    "adam": Optimiser(lambda p: optim.Adam(p, 0.01)),
    "adam_settings": Optimiser(lambda p: optim.Adam(p, 2e-4, (0.5, 0.999), 1e-6, 0.1)),
    "adamw": Optimiser(lambda p: optim.AdamW(p, 0.01)),
    "adamw_settings": Optimiser(lambda p: optim.AdamW(p, 0.01, (0.8, 0.95), 1e-6, 0.1)),
    "clipped": Optimiser(lambda p: optim.SGD(p, 0.1), clip=2.5),

    "cosine": Schedule(lambda o: CosineAnnealingLR(o, 17), 18),
    "cosine_to_last": Schedule(lambda o: CosineAnnealingLR(o, 17, 0.01), 18),
    "one_cycle": Schedule(lambda o: OneCycleLR(o, 0.3, 23, cycle_momentum=False), 23),
    "one_cycle_settings": Schedule(lambda o: OneCycleLR(o, 0.3, 31, pct_start=0.2, div_factor=10, final_div_factor=100,
                                                        cycle_momentum=False), 31),
}
