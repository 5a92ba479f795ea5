# SPDX-License-Identifier: MIT
"""Training steps of models whose networks the tests of parity define, at the sizes of the C++ programs beside this."""
import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "pytorch"))
import dynamic_filter
import flow
import mocogan
import state_space
import tokens


def descent(parameters, loss, **settings):
    """One step of Adam on loss()."""
    optimizer = torch.optim.Adam(parameters, **{"lr": 1e-3, **settings})

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()
    return step


class Models:
    """Whose `place` and `data` put modules and batches in a memory layout, and whose `scale` multiplies the batch."""

    def dynamic_filter_step(self):
        m, x = self.place(dynamic_filter.Forecast(1, 48, 9, 2, 4, 6)), torch.rand(8 * self.scale, 20, 1, 64, 64)
        return descent(m.parameters(), lambda: F.binary_cross_entropy_with_logits(m(x[:, :-1]), x))

    def svg_step(self):
        n, frames, z = 8 * self.scale, 15, 10
        m, x = self.place(state_space.Svg(16, 128, 256, z, size=64)), torch.rand(n, frames, 1, 64, 64)
        return descent(m.parameters(), lambda: m(x, torch.randn(n, frames - 1, z)))

    def rssm_step(self):
        n, frames = 8 * self.scale, 16
        m = self.place(state_space.Rssm(2, 16, 256, 16, 16, 3, size=64))
        x, actions, state = torch.rand(n, frames, 1, 64, 64), torch.rand(n, frames, 2), torch.rand(n, frames, 3)
        return descent(m.parameters(), lambda: m(x, actions, state))

    def flow_step(self):
        n = 4 * self.scale
        m, x = self.place(flow.UNet(32, 64, 0, groups=8, heads=4, level=64, kernel=(1, 3, 3))), \
            self.data(torch.rand(n, 1, 16, 32, 32))

        def loss():
            target, noise, level = 2 * x - 1, torch.randn_like(x), torch.randn(n).sigmoid()
            t = level.view(-1, 1, 1, 1, 1)
            return F.mse_loss(m((1 - t) * noise + t * target, level), target - noise)
        return descent(m.parameters(), loss)

    def vq_vae_step(self):
        w, size, flat = 64, 32, ((3, 4, 4), (1, 2, 2))
        m = self.place(tokens.Autoencoder(
            tokens.encoder(nn.Conv3d, nn.BatchNorm3d, 1, w, size, *flat), tokens.Vector(512, size, by_product=True),
            tokens.decoder(nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d, 1, w, size, *flat)))
        x = self.data(torch.rand(4 * self.scale, 1, 16, 64, 64))
        return descent(m.parameters(), lambda: m(x))

    def mocogan_step(self):
        n, frames, w, content, motion = 4 * self.scale, 16, 32, 50, 10
        g = self.place(mocogan.Generator(3, w, content, motion))
        image = self.place(mocogan.discriminator(nn.Conv2d, nn.BatchNorm2d, 2, 1, 3, w))
        video = self.place(mocogan.discriminator(nn.Conv3d, nn.BatchNorm3d, (1, 2, 2), (0, 1, 1), 3, w))
        real = torch.rand(n, frames, 3, 64, 64) * 2 - 1
        adam = lambda parameters: torch.optim.Adam(parameters, 2e-4, (0.5, 0.999))
        of_g, of_d = adam(g.parameters()), adam([*image.parameters(), *video.parameters()])
        frames_of = lambda x: self.data(x[torch.arange(n), torch.randint(frames, (n,))])
        clips_of = lambda x: self.data(x.movedim(1, 2))      # (N, C, T, H, W)
        logits = lambda x: (image(frames_of(x)), video(clips_of(x)))
        real_loss = lambda x: sum(F.softplus(-y).mean() for y in logits(x))

        def step():
            of_d.zero_grad(set_to_none=True)
            fake = g(torch.randn(n, content), torch.randn(n, motion), torch.randn(n, frames, motion))
            (real_loss(real) + sum(F.softplus(y).mean() for y in logits(fake.detach()))).backward()
            of_d.step()
            of_g.zero_grad(set_to_none=True)
            real_loss(fake).backward()
            of_g.step()
        return step
