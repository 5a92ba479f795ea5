# SPDX-License-Identifier: MIT
"""The same computation in PyTorch and in flipbook. A kind of case has

    write(folder, dtype)            writes weights and inputs for the C++ program
    got(folder, dtype)              what that made of them, as a dict of tensors
    expected(dtype, folder)         what PyTorch makes of them; the folder has what was drawn at random on the way
    tolerance[dtype]                how far the two may be apart, relative to the largest element of each tensor
    own_errors                      where PyTorch's own float is far from its double: how many times that, kind by kind
                                    of tensor, the two may be apart in float

The numbers are drawn once, and are such that both scalars represent them.
"""
import copy
import zlib

import torch
from torch import nn

import tensorfile

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
STEPS = 3


def representable(x):
    return x.float().double() if x.is_floating_point() else x


def seed(name):
    torch.manual_seed(zlib.crc32(name.encode()))


def arrays(tensors):
    """For a file: whole numbers but counters of batches are 32 bits wide there."""
    return {name: x.detach().contiguous().numpy() for name, x in tensors.items()}


def tensors(path):
    return {name: torch.from_numpy(x.copy()) for name, x in tensorfile.read(path).items()}


def load(module, path):
    """Loads flipbook's weights as a user would; it does not count batches, which PyTorch only does for averages
    without momentum."""
    state = tensors(path)
    missing, unexpected = module.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    assert not missing and not unexpected, f"{path}: {missing} are missing, {unexpected} are not expected"
    return state


def watch_kinks(modules):
    """A list of how near the inputs of their ReLUs come to 0, which grows as the modules, or copies of them, are
    called; and the hooks that fill it."""
    distances = []
    look = lambda module, x: distances.append(x[0].detach().abs().min().item())
    relus = [m for module in modules for m in module.modules() if isinstance(m, (nn.ReLU, nn.LeakyReLU))]
    return distances, [relu.register_forward_pre_hook(look) for relu in relus]


class Layer:
    """A module, or function of inputs alone, in training: its output, the gradients of Σ upstream·output in inputs
    and parameters, its state after steps of an optimiser, and its output in inference then.

    make       makes the module; None for a function
    inputs     shapes of real inputs, or functions that draw one
    forward    calls it: forward(module, *inputs, *drawn), the last being what flipbook drew at random in training
    channels   the axis of channels of PyTorch's inputs and output, which flipbook has last
    output     the shape of the output, where it cannot be had without what is drawn
    inference  whether the output in inference is compared
    clearance  draws again until every input of a ReLU, at every step, is so far from 0: nearer, rounding may decide
               on which side it is, and with that whether a gradient passes
    """

    own_errors = 0

    def __init__(self, make, *inputs, forward=lambda module, *x: module(*x), channels=1, output=None, inference=True,
                 optimizer=lambda p: torch.optim.SGD(p, 0.01, 0.9), clearance=0, tolerance={}):
        self.make, self.draws, self.forward, self.channels = make, inputs, forward, channels
        self.output, self.inference, self.optimizer, self.clearance = output, inference, optimizer, clearance
        self.tolerance = {**TOLERANCE, **tolerance}

    def draw(self, name):
        torch.set_default_dtype(torch.float64)
        for attempt in range(100):
            seed(f"{name} {attempt}")
            self.draw_once()
            if self.clearance == 0 or self.nearest_kink() > self.clearance:
                return
        raise AssertionError(f"{name}: no draw keeps its ReLUs {self.clearance} from 0")

    def draw_once(self):
        self.module = self.make() if self.make else nn.Module()
        with torch.no_grad():
            for key, x in self.module.state_dict().items():
                if key.endswith("running_var"):
                    x.uniform_(0.5, 1.5)
                elif x.dim() == 1 and x.is_floating_point():  # scales, shifts and means: not all ones and zeros
                    x.add_(0.1 * torch.randn_like(x))
                x.copy_(representable(x))
        self.inputs = [representable(torch.randn(x) if isinstance(x, tuple) else x()) for x in self.draws]
        shape = self.forward(copy.deepcopy(self.module), *self.inputs).shape if self.output is None else self.output
        self.upstream = representable(torch.randn(shape))

    def nearest_kink(self):
        distances, hooks = watch_kinks([self.module])
        self.train(torch.float64, [])
        for hook in hooks:
            hook.remove()
        return min(distances)

    def there(self, x):
        """An activation as flipbook lays it out."""
        return x.movedim(self.channels, -1) if x.dim() > 2 and x.is_floating_point() else x

    def write(self, folder, dtype):
        real = lambda x: x.to(dtype) if x.is_floating_point() else x
        values = {f"input.{i}": self.there(real(x)) for i, x in enumerate(self.inputs)}
        values = {name: x if x.is_floating_point() else x.int() for name, x in values.items()}
        values["upstream"] = self.there(real(self.upstream))
        tensorfile.write(folder / "values.safetensors", arrays(values))
        weights = {name: real(x) for name, x in self.module.state_dict().items()}
        tensorfile.write(folder / "weights.safetensors", arrays(weights))

    def got(self, folder, dtype):
        results = {name: x for name, x in tensors(folder / "results.safetensors").items()
                   if not name.startswith("drawn")}
        module = copy.deepcopy(self.module).to(dtype)
        gradients, state = (load(module, folder / f"{kind}.safetensors") for kind in ("gradient", "trained"))
        results.update({f"gradient.{name}": gradients[name] for name, _ in module.named_parameters()})
        results.update({f"trained.{name}": x for name, x in state.items()})
        return results

    def expected(self, dtype, folder):
        drawn = [x.to(dtype) for name, x in tensors(folder / "results.safetensors").items() if name == "drawn"]
        module, results = self.train(dtype, drawn)
        if self.inference:  # with the weights that flipbook trained
            load(module.eval(), folder / "trained.safetensors")
            with torch.no_grad():
                results["inference"] = self.there(self.forward(module, *self.inputs_of(dtype)))
        return results

    def inputs_of(self, dtype):
        return [x.to(dtype, copy=True) if x.is_floating_point() else x for x in self.inputs]

    def train(self, dtype, drawn):
        module, results = copy.deepcopy(self.module).to(dtype), {}
        parameters = dict(module.named_parameters())
        inputs = [x.requires_grad_(x.is_floating_point()) for x in self.inputs_of(dtype)]
        optimizer = self.optimizer(parameters.values()) if parameters else None
        for step in range(STEPS):
            module.zero_grad()
            y = self.forward(module, *inputs, *drawn)
            (y * self.upstream.to(dtype)).sum().backward()
            if step == 0:
                gradient = lambda x: torch.zeros_like(x) if x.grad is None else x.grad.clone()
                real = [x for x in inputs if x.is_floating_point()]
                results["output"] = self.there(y.detach())
                results.update({f"input_gradient.{i}": self.there(gradient(x)) for i, x in enumerate(real)})
                results.update({f"gradient.{name}": gradient(p) for name, p in parameters.items()})
            if optimizer:
                optimizer.step()
        results.update({f"trained.{name}": x.clone() for name, x in module.state_dict().items()
                        if not name.endswith("num_batches_tracked")})
        return module, results


def function(f, *inputs, **how):
    """A function of inputs alone."""
    return Layer(None, *inputs, forward=lambda _, *x: f(*x), **how)
