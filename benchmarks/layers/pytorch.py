#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""PyTorch's side of a comparison of layers that are given while the program runs: side.hpp in Python.

usage: pytorch.py THREADS | --peer
"""
import functools
import math
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pytorch"))
import steps  # frees PyTorch of what could hold it back, before it is loaded

import numpy as np
import torch

from draw import Spec

INPUT, WEIGHTS, VALUES, OUTPUT_GRADIENT, PROJECTION = range(1, 6)


def numbers(size, stream):
    """The numbers of a stream, of [-1, 1): side.hpp has the same."""
    h = np.arange(size, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(stream * 0x85EBCA6B % 2**32)
    h = (h ^ (h >> 16)) * np.uint32(0x7FEB352D)
    h = (h ^ (h >> 15)) * np.uint32(0x846CA68B)
    return ((h ^ (h >> 16)) >> 8).astype(np.float32) * np.float32(2 ** -23) - np.float32(1)


@functools.lru_cache(8)
def projection(size):
    return numbers(size, PROJECTION).astype(np.float64)


def fingerprint(x):
    x = x.detach().numpy().ravel().astype(np.float64)
    pieces = min(x.size, 64)
    sums = np.add.reduceat(x * projection(x.size), [x.size * i // pieces for i in range(pieces)])
    return [math.sqrt(np.mean(x * x)), *sums]


def drawn(shape, stream):
    return torch.from_numpy(numbers(math.prod(shape), stream).reshape(shape))


class Way:
    """One way to compute one direction. `place` puts its result into the order of flipbook's tensors."""

    def __init__(self, direction, name, call, place):
        self.name, self.call, self.place = f"{direction}:{name}", call, place


def convolution(spec):
    transposed, axes = spec.kind == "transposed", len(spec.x)
    inputs, outputs = spec.c
    first, last = (outputs, inputs) if transposed else (inputs, outputs)
    # One axis is two, the first of extent 1, which PyTorch makes of it too: so it may be channels last.
    one, nothing = ((1,), (0,)) if axes == 1 else ((), ())
    pixels = [0, *range(2, 2 + axes + len(one)), 1]

    def placed(x, last_axes):
        """From flipbook's order: the channels of pixels, or both channels of weights, are last there."""
        x = x.unsqueeze(1 if last_axes == 1 else 0) if one else x
        return x.movedim(-1, 1) if last_axes == 1 else x.movedim((-1, -2), (0, 1))

    x = placed(drawn((spec.n, *spec.x, inputs), INPUT), 1)
    w = placed(drawn((*spec.k, first // spec.g, last), WEIGHTS), 2)
    dy = placed(drawn((spec.n, *spec.outputs(), outputs), OUTPUT_GRADIENT), 1)
    settings = (one + spec.s, nothing + spec.p, one + spec.d, transposed, nothing + spec.o, spec.g)
    back = {"forward": pixels, "input gradient": pixels, "weight gradient": [*range(2, x.dim()), 1, 0]}
    for name, layout in (("contiguous", torch.contiguous_format),
                         ("channels last", torch.channels_last if x.dim() == 4 else torch.channels_last_3d)):
        a, b, c = (t.contiguous(memory_format=layout) for t in (x, w, dy))
        forward = functools.partial(torch.convolution, a, b, None, *settings)
        gradient = functools.partial(torch.ops.aten.convolution_backward, c, a, b, None, *settings)
        calls = {"forward": forward, "input gradient": lambda g=gradient: g((True, False, False))[0],
                 "weight gradient": lambda g=gradient: g((False, True, False))[1]}
        for direction, call in calls.items():
            yield Way(direction, name, call, lambda y, order=back[direction]: y.permute(order).contiguous())


def matmul(spec):
    def matrices(rows, columns, stream):
        return drawn((rows, columns) if spec.b == 1 else (spec.b, rows, columns), stream)
    x, w = matrices(spec.m, spec.k, INPUT), matrices(spec.k, spec.n, WEIGHTS)
    dy = matrices(spec.m, spec.n, OUTPUT_GRADIENT)
    wt, xt = w.transpose(-1, -2), x.transpose(-1, -2)
    for direction, a, b in (("forward", x, w), ("input gradient", dy, wt), ("weight gradient", xt, dy)):
        yield Way(direction, "matmul", functools.partial(torch.matmul, a, b), torch.Tensor.contiguous)


def attention(spec):
    def heads(length, stream):
        x = drawn((spec.n, length, spec.h, spec.w), stream)
        return x.transpose(1, 2).contiguous().requires_grad_()
    inputs = heads(spec.q, INPUT), heads(spec.k, WEIGHTS), heads(spec.k, VALUES)
    dy = heads(spec.q, OUTPUT_GRADIENT).detach()

    def usual(q, k, v):
        scores = (q @ k.transpose(-1, -2)) * spec.w ** -0.5
        if spec.causal:
            scores = scores.masked_fill(steps.later(spec.q), float("-inf"))
        return scores.softmax(-1) @ v

    def fused(q, k, v):
        return torch.nn.functional._scaled_dot_product_attention(q, k, v, is_causal=bool(spec.causal))[0]

    def gradients(attend):
        y = []  # of the first call

        def call():
            y[:] = y or [attend(*inputs)]
            return torch.autograd.grad(y[0], inputs, dy, retain_graph=True)
        return call

    def lengths_first(y):
        return y.transpose(1, 2).contiguous()
    ways = {"usual": usual}
    if hasattr(torch.nn.functional, "_scaled_dot_product_attention"):
        ways["fused"] = fused
    for name, attend in ways.items():
        yield Way("forward", name, torch.no_grad()(functools.partial(attend, *inputs)), lengths_first)
        yield Way("input gradient", name, gradients(attend),
                  lambda each: torch.cat([lengths_first(y).ravel() for y in each]))


def positions(spec):
    """The grid (n, h, w, 2): each sample a few pixels from its own place, and no position where the gradient jumps."""
    h, w = spec.y
    noise = 4 * numbers(spec.n * h * w * 2, WEIGHTS).astype(np.float64).reshape(spec.n, h, w, 2)
    grid = np.empty(noise.shape, np.float32)
    for axis, place in ((0, np.arange(w)), (1, np.arange(h)[:, None])):
        extent, samples = spec.x[1 - axis], spec.y[1 - axis]
        near = place * extent / samples + noise[..., axis]
        pixel = np.floor(near)
        at = pixel + 0.1 + 0.8 * (near - pixel)
        grid[..., axis] = 2 * at / max(extent - 1, 1) - 1 if spec.aligned else (2 * at + 1) / extent - 1
    return torch.from_numpy(grid)


def sampling(spec):
    grid = positions(spec)
    x = drawn((spec.n, *spec.x, spec.c), INPUT).movedim(-1, 1)
    dy = drawn((spec.n, *spec.y, spec.c), OUTPUT_GRADIENT).movedim(-1, 1)
    how = 0, spec.padding, bool(spec.aligned)

    def pixels(y):
        return y.movedim(1, -1).contiguous()
    for name, layout in (("contiguous", torch.contiguous_format), ("channels last", torch.channels_last)):
        a, c = (t.contiguous(memory_format=layout) for t in (x, dy))
        yield Way("forward", name, functools.partial(torch.ops.aten.grid_sampler_2d, a, grid, *how), pixels)
        yield Way("input gradient", name,
                  functools.partial(torch.ops.aten.grid_sampler_2d_backward, c, a, grid, *how, (True, True)),
                  lambda each: torch.cat([pixels(each[0]).ravel(), each[1].ravel()]))


def block(call, budget, threads):
    """The least milliseconds of the calls that fit into so many, at least one, after one that does not count; on one
    thread of processor time."""
    now = time.process_time if threads == 1 else time.perf_counter

    def milliseconds():
        start = now()
        call()
        return (now() - start) * 1e3
    milliseconds()
    times = [milliseconds()]
    while sum(times) < budget:
        times.append(milliseconds())
    return min(times)


def answer(line, ways, threads):
    command, _, rest = line.strip().partition(" ")
    if command == "layer":
        spec = Spec.parsed(rest)
        ways.clear()  # before the next layer takes memory
        ways += {"matmul": matmul, "attention": attention, "sampling": sampling}.get(spec.kind, convolution)(spec)
        return "\t".join(way.name for way in ways)
    number, *budget = rest.split()
    way = ways[int(number)]
    if command == "time":
        return block(way.call, float(*budget), threads)
    return " ".join(f"{x:.9g}" for x in fingerprint(way.place(way.call())))


def main():
    if sys.argv[1:] == ["--peer"]:
        print(steps.peer())
        return
    steps.peer()
    threads, ways = int(sys.argv[1]), []
    torch.set_num_threads(threads)
    for line in sys.stdin:
        try:
            print(answer(line, ways, threads), flush=True)
        except (RuntimeError, ValueError) as error:
            print("error", str(error).splitlines()[0], flush=True)


if __name__ == "__main__":
    main()
