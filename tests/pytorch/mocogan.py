# SPDX-License-Identifier: MIT
"""MoCoGAN: its generator and both discriminators, their gradients, and steps of training against each other."""
import copy

import torch
from torch import nn
from torch.nn import functional as F

import tensorfile
from case import STEPS, arrays, load, representable, seed, tensors, watch_kinks

CHANNELS, W, CONTENT, MOTION, CLIPS, FRAMES = 1, 2, 6, 3, 3, 16


class Generator(nn.Module):
    """Frame t of [content, GRU state t], by transposed convolutions."""

    def __init__(self, channels=CHANNELS, w=W, content=CONTENT, motion=MOTION):
        super().__init__()
        self.recurrent = nn.GRUCell(motion, motion)
        layers, widths = [], [content + motion, 8 * w, 4 * w, 2 * w, w]
        for i, (a, b) in enumerate(zip(widths, widths[1:])):
            layers += [nn.ConvTranspose2d(a, b, 4, *((1, 0) if i == 0 else (2, 1)), bias=False), nn.BatchNorm2d(b),
                       nn.ReLU()]
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(w, channels, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, content, first, steps):                # clips (N, T, C, H, W)
        h, codes = first, []
        for e in steps.unbind(1):
            h = self.recurrent(e, h)
            codes.append(torch.cat([content, h], 1))
        z = torch.stack(codes, 1).flatten(0, 1)
        return self.main(z[:, :, None, None]).unflatten(0, (len(content), -1))


def discriminator(conv, norm, stride, padding, channels=CHANNELS, w=W):
    layers, widths = [], [channels, w, 2 * w, 4 * w, 8 * w]
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        layers += [conv(a, b, 4, stride, padding, bias=False), *([norm(b)] if i else []), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, conv(8 * w, 1, 4, bias=False))


class MoCoGan:
    """Adam's epsilon is beyond the rounding errors of gradients, which it would multiply otherwise.

    Every input of a ReLU is further from 0 than `clearance`, as in a Layer. That depends on the noise too, which
    flipbook draws, so here the draw is a fixed one, and `expected` checks it.
    """

    tolerance, own_errors, clearance = {torch.float32: 1e-4, torch.float64: 1e-9}, 3, 1e-6

    def draw(self, name):
        torch.set_default_dtype(torch.float64)
        seed(f"{name} 17")
        self.parts = {"generator": Generator(), "image": discriminator(nn.Conv2d, nn.BatchNorm2d, 2, 1),
                      "video": discriminator(nn.Conv3d, nn.BatchNorm3d, (1, 2, 2), (0, 1, 1))}
        for module in self.parts.values():
            module.load_state_dict({key: representable(x) for key, x in module.state_dict().items()})
        self.data = representable(torch.rand(STEPS, CLIPS, FRAMES, CHANNELS, 64, 64))

    def write(self, folder, dtype):
        tensorfile.write(folder / "values.safetensors", arrays({"data": self.data.movedim(3, -1).to(dtype)}))
        for name, module in self.parts.items():
            tensorfile.write(folder / f"{name}.safetensors", arrays(copy.deepcopy(module).to(dtype).state_dict()))

    def got(self, folder, dtype):
        results = {name: x for name, x in tensors(folder / "results.safetensors").items()
                   if not name.startswith("drawn")}
        for name, module in self.parts.items():
            module = copy.deepcopy(module).to(dtype)
            gradient, state = (load(module, folder / f"{name}_{kind}.safetensors") for kind in ("gradient", "trained"))
            results.update({f"{name}.gradient.{key}": gradient[key] for key, _ in module.named_parameters()})
            results.update({f"{name}.{key}": x for key, x in state.items()})
        return results

    def expected(self, dtype, folder):
        drawn = {name.removeprefix("drawn "): x.to(dtype)
                 for name, x in tensors(folder / "results.safetensors").items() if name.startswith("drawn")}
        modules = {name: copy.deepcopy(module).to(dtype) for name, module in self.parts.items()}
        distances, _ = watch_kinks(modules.values())
        results = self.look(copy.deepcopy(modules), *(drawn[f"{name}0"] for name in ("content", "first", "steps")))
        g, image, video = modules.values()
        both = [*image.parameters(), *video.parameters()]
        g_adam, d_adam = (torch.optim.Adam(p, 1e-3, eps=0.1) for p in (g.parameters(), both))
        clips_of = lambda x: x.movedim(1, 2)                 # (N, C, T, H, W)
        for step, real in enumerate(2 * self.data.to(dtype) - 1):
            frames_of = lambda x, name: x[torch.arange(CLIPS), drawn[f"{name}{step}"].flatten().long()]
            fake = g(*(drawn[f"{name}{step}"] for name in ("content", "first", "steps")))
            d_adam.zero_grad()
            on_frames = [image(frames_of(real, "data")), image(frames_of(fake.detach(), "fakes"))]
            on_clips = [video(clips_of(real)), video(clips_of(fake.detach()))]
            lost = sum(F.softplus(-a).mean() + F.softplus(b).mean() for a, b in (on_frames, on_clips))
            lost.backward()
            d_adam.step()
            g_adam.zero_grad()
            fooled = F.softplus(-image(frames_of(fake, "turn"))).mean() + F.softplus(-video(clips_of(fake))).mean()
            fooled.backward()
            g_adam.step()
            results.update({f"discriminator loss {step}": lost.detach(), f"generator loss {step}": fooled.detach()})
        if dtype == torch.float64:
            assert min(distances) > self.clearance, f"a ReLU is {min(distances):.1e} from its kink: choose another draw"
        for name, module in modules.items():
            results.update({f"{name}.{key}": x for key, x in module.state_dict().items()
                            if not key.endswith("num_batches_tracked")})
        return results

    @staticmethod
    def look(modules, *noise):
        """What noise makes, what is said of it, and the gradient of the sum of that."""
        clips = modules["generator"](*noise)
        of_frames, of_clips = modules["image"](clips.flatten(0, 1)), modules["video"](clips.movedim(1, 2))
        (of_frames.sum() + of_clips.sum()).backward()
        last = lambda x: x.detach().movedim(1, -1)
        results = {"clips": clips.detach().movedim(2, -1), "image logits": last(of_frames),
                   "video logits": last(of_clips)}
        for name, module in modules.items():
            results.update({f"{name}.gradient.{key}": p.grad.clone() for key, p in module.named_parameters()})
        return results


CASES = {"mocogan": MoCoGan()}
