# SPDX-License-Identifier: MIT
"""Dynamic filter networks, by unfolded frames: each pixel is a sum of its neighbours by the filter of its block."""
import torch
from torch import nn
from torch.nn import functional as F

from case import Layer
from networks import ConvLstmCell, NextFrame
from simvp import adam, grey, next_frames


def layer(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.SiLU())


class DynamicFilters(nn.Module):
    """(N, T, C, H, W) to logits of the frame that follows each."""

    def __init__(self, channels, hidden, kernel, filters, block, history):
        super().__init__()
        self.channels, self.kernel, self.filters, self.block, self.history = channels, kernel, filters, block, history
        area = block ** 2
        self.encoder = nn.Sequential(nn.PixelUnshuffle(block), layer(history * channels * area, hidden),
                                     layer(hidden, hidden))
        self.memory = nn.ModuleList([ConvLstmCell(hidden, hidden, 3)])
        self.head = layer(hidden, hidden)
        self.readout = nn.Conv2d(hidden, filters * kernel ** 2 + (filters + 1 + channels) * area, 1)

    def forward(self, x):
        change = F.pad(x, (0, 0) * 3 + (self.history - 1, 0))                  # (N, T + history − 1, C, H, W)
        change[:, :self.history] = x[:, :1]                                     # nothing moved before the first frame
        change = change.diff(dim=1)
        changes = [change[:, k:k + x.shape[1]] for k in reversed(range(self.history - 1))]
        each = lambda module, y: module(y.flatten(0, 1)).unflatten(0, y.shape[:2])
        code = each(self.encoder, torch.cat([x, *changes], 2))
        made = each(self.readout, each(self.head, code + self.memory[0](code))).flatten(0, 1)
        return self.logits(x.flatten(0, 1), made).view_as(x)

    def logits(self, x, made):
        taps, block = self.kernel ** 2, self.block
        filters, pixels = made.tensor_split([self.filters * taps], 1)
        mask, new = F.pixel_shuffle(pixels, block).tensor_split([self.filters + 1], 1)
        mask, filters = mask.softmax(1), filters.unflatten(1, (self.filters, taps)).softmax(2)
        n, c, (h, w) = len(x), self.channels, made.shape[-2:]
        # A product for each block, (filters, taps)·(taps, pixels): of the ways to say it the fastest.
        seen = F.unfold(x, self.kernel, padding=self.kernel // 2).view(n, c, taps, h, block, w, block)
        seen = seen.permute(0, 3, 5, 2, 1, 4, 6).reshape(n * h * w, taps, c * block ** 2)
        moved = torch.bmm(filters.permute(0, 3, 4, 1, 2).reshape(n * h * w, self.filters, taps), seen)
        moved = moved.view(n, h, w, self.filters, c, block, block).permute(0, 3, 4, 1, 5, 2, 6)
        moved = moved.reshape(n, self.filters, *x.shape[1:])                    # (N, filters, C, H, W)
        p = mask[:, :1] * torch.sigmoid(new) + (mask[:, 1:, None] * moved).sum(1)
        p = (1 - 2e-4) * p + 1e-4
        return p.log() - (1 - p).log()


class Forecast(NextFrame):
    def __init__(self, *sizes):
        nn.Module.__init__(self)
        self.network = DynamicFilters(*sizes)

    def forward(self, clips):
        return self.network(torch.cat([torch.zeros_like(clips[:, :1]), clips], 1))


CASES = {
    "dynamic_filter": Layer(lambda: Forecast(1, 6, 5, 2, 2, 4), grey(2, 4, 1, 6, 10), forward=next_frames, channels=2,
                            optimizer=adam),
    "dynamic_filter_of_colours": Layer(lambda: Forecast(3, 5, 3, 1, 4, 1), grey(2, 3, 3, 8, 12), forward=next_frames,
                                       channels=2, optimizer=adam),
}
