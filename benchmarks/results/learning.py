#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Learning against time: flipbook and PyTorch from the same weights, on the same batches, with the same optimiser.

usage: learning.py PROGRAM MODEL IMAGES OUT [--steps N] [--threads T]    MODEL: conv_lstm, vae, gan or transformer

The two take turns, in blocks of steps, so that a machine whose speed drifts favours neither. PyTorch runs in the
fastest of its memory layouts and numbers of threads. Writes OUT/figures.json: the loss of each over its own seconds,
and the seconds of both. The noise of an autoencoder and of a game is each side's own, so their losses agree but for
that; of a game the losses of both players are added.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "pytorch"), str(HERE.parent.parent / "tests/pytorch")]
from sides import PEER, Side

BATCH, FRAMES, LEVELS = 8, 16, 512


def peer(model, threads, layout, weights, clips):
    """PyTorch's side: a step for every line, answered with its milliseconds and its loss."""
    import steps  # first: it sets what PyTorch, NumPy and their BLAS read when they are loaded

    import numpy
    import torch
    import torch.nn.functional as F

    import networks
    import tensorfile

    steps.peer()
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    arrays = {name: torch.from_numpy(x.copy()) for name, x in tensorfile.read(pathlib.Path(weights)).items()}
    data = numpy.load(clips, mmap_mode="r")
    place = steps.Workloads(layout)

    def loaded(module, rename=lambda name: name):
        state = module.state_dict()
        module.load_state_dict({name: state[name] if name.endswith("num_batches_tracked") else arrays[rename(name)]
                                for name in state})
        return place.place(module)

    if model == "conv_lstm":
        there = {"gates.0": "network.1.gates", "gates.1": "network.2.gates", "readout": "network.3"}
        m = loaded(steps.ConvLstm(), lambda n: f"{there[n.rpartition('.')[0]]}.{n.rpartition('.')[2]}")

        def loss(x):                                         # (N, T, 64, 64)
            folded = F.pixel_unshuffle(x.flatten(0, 1)[:, None], 4).unflatten(0, (BATCH, FRAMES))
            lost = F.binary_cross_entropy_with_logits(m(folded[:, :-1]), folded[:, 1:], reduction="sum")
            return lost / (BATCH * (FRAMES - 1))
        optimizer = torch.optim.Adam(m.parameters(), 1e-3)
    elif model == "vae":
        m = loaded(networks.VideoVae(32, 128))

        def loss(x):
            x = place.data(x[:, None])
            y, mean, log_variance = m(x, torch.randn(BATCH, 128))
            kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
            return (F.binary_cross_entropy_with_logits(y, x, reduction="sum") + kl) / BATCH
        optimizer = torch.optim.Adam(m.parameters(), 1e-3)
    elif model == "gan":
        g, d = (loaded(module, lambda n, player=player: f"{player}.{n}")
                for player, module in (("generator", steps.video_generator(channels=1)),
                                       ("discriminator", steps.video_discriminator(channels=1))))
        play = steps.game(g, d, (BATCH, 100, 1, 1, 1))
    else:
        m = loaded(steps.VideoTransformer(), lambda n: "position.weight" if n == "position" else n)

        def loss(x):
            grey = F.avg_pool2d(x[:2].flatten(0, 1)[:, None], 8).view(2, -1)
            tokens = F.pad((grey * LEVELS).long().clamp(max=LEVELS - 1), (1, 0))
            return F.cross_entropy(m(tokens[:, :-1]).reshape(-1, LEVELS), tokens[:, 1:].reshape(-1))
        optimizer = torch.optim.AdamW(m.parameters(), 3e-4, weight_decay=1e-2)

    for k, _ in enumerate(sys.stdin):
        x = torch.from_numpy(data[k * BATCH:(k + 1) * BATCH].astype("float32") / 255)
        start = time.perf_counter()
        if model == "gan":
            lost = play(place.data(2 * x[:, None] - 1))
        else:
            optimizer.zero_grad(set_to_none=True)
            lost = loss(x)
            lost.backward()
            optimizer.step()
        print((time.perf_counter() - start) * 1e3, lost.item(), flush=True)


class Learner(Side):
    """A process that takes a step when asked, and says how long it took and what the loss was."""

    def __init__(self, *command):
        super().__init__(*command)
        self.seconds, self.curve = 0.0, []

    def parsed(self, line):
        return tuple(map(float, line.split()))

    def steps(self, count):
        """Takes steps; what the first of a block costs more, after the other side's turn, does not count."""
        times = []
        for _ in range(count):
            took, loss = self.call()
            times.append(took / 1e3)
            self.curve.append([None, loss])
        times[0] = min(times[0], statistics.median(times))
        for i, took in enumerate(times):
            self.seconds += took
            self.curve[len(self.curve) - count + i][0] = self.seconds
        return sum(times)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def smoothed(curve, over=10):
    """The mean of the last losses, at each step."""
    return [[seconds, statistics.fmean(loss for _, loss in curve[max(0, i - over + 1):i + 1])]
            for i, (seconds, _) in enumerate(curve)]


def learn(options):
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    clips, weights = out / "clips.npy", out / "weights.safetensors"
    ours_is = [options.program, "--images", options.images]
    subprocess.run([*ours_is, "--clips", clips, "--batches", str(options.steps + 1)], check=True)
    ours = Learner(*ours_is, "--model", options.model, "--weights", weights, "--threads", options.threads)
    ours.steps(1)
    trial = {}
    for layout in ("contiguous", "channels_last"):
        for threads in sorted({1, options.threads}):
            one = Learner(PEER, __file__, "--peer", options.model, threads, layout, weights, clips)
            one.steps(1)
            trial[layout, threads] = one.steps(3)
            one.end()
    layout, threads = min(trial, key=trial.get)
    theirs = Learner(PEER, __file__, "--peer", options.model, threads, layout, weights, clips)
    theirs.steps(1)
    for side in (ours, theirs):
        side.seconds = 0.0  # the first step warms up
    for done in range(1, options.steps + 1, 10):
        for side in (ours, theirs):
            side.steps(min(10, options.steps + 1 - done))
        print(f"\r{options.model}: {len(ours.curve)} steps, {ours.seconds:.0f} s and {theirs.seconds:.0f} s, losses "
              f"{ours.curve[-1][1]:.4g} and {theirs.curve[-1][1]:.4g} ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    curves = smoothed(ours.curve[1:]), smoothed(theirs.curve[1:])
    figures = {"seconds, flipbook": ours.seconds, "seconds, PyTorch": theirs.seconds,
               "final loss, flipbook": curves[0][-1][1], "final loss, PyTorch": curves[1][-1][1],
               "times as fast": theirs.seconds / ours.seconds}
    (out / "figures.json").write_text(json.dumps({
        "seconds": ours.seconds, "steps": options.steps, "figures": figures, "curve": curves[0],
        "pytorch_curve": curves[1], "pytorch": f"{layout}, {threads} thread{'s' * (threads > 1)}"}))


def main():
    if sys.argv[1:2] == ["--peer"]:
        model, threads, layout, weights, clips = sys.argv[2:]
        return peer(model, int(threads), layout, weights, clips)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="results_learning")
    parser.add_argument("model", choices=("conv_lstm", "vae", "gan", "transformer"))
    parser.add_argument("images", help="an IDX file of what moves")
    parser.add_argument("out", help="the folder to write to")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    learn(parser.parse_args())


if __name__ == "__main__":
    main()
