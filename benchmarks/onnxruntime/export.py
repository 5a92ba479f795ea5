#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Exports the networks of the sampling workloads of benchmarks/pytorch/steps.py for ONNX Runtime.

usage: export.py WORKLOAD FOLDER     network.onnx, its inputs and what PyTorch makes of them
       export.py --list             the workloads

The tensors are raw numbers in files, which tensors.json lists with their types and shapes.
"""
import json
import os
import pathlib
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pytorch"))
import steps
import torch
import torch.nn as nn


class Decoder(nn.Module):
    """The decoder of the VAE of clips, unflattened by an operator that ONNX has."""

    def __init__(self):
        super().__init__()
        self.linear, self.unflatten, *self.rest = steps.VideoVae().decoder
        self.convolutions = nn.Sequential(*self.rest)

    def forward(self, z):                                    # (N, Z)
        return self.convolutions(self.linear(z).view(-1, *self.unflatten.unflattened_size))


class Forecast(nn.Module):
    """The frames that follow those given, in one network, unrolled in time."""

    def __init__(self, predicted=10):
        super().__init__()
        self.model, self.predicted = steps.ConvLstm(), predicted

    def forward(self, x):                                    # (N, T, C, H, W)
        states, seen, frames = self.model.start(x), x.shape[1], []
        for t in range(seen + self.predicted - 1):
            frame = torch.sigmoid(self.model.step(x[:, t] if t < seen else frames[-1], states))
            if t >= seen - 1:
                frames.append(frame)
        return torch.stack(frames, 1)


class NextToken(nn.Module):
    """The token after one more token: the inverse of its cumulative distribution at a number in [0, 1)."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, token, position, number, *caches):
        x = self.model.embed(token) + self.model.position.index_select(0, position)
        grown = []
        for block, keys, values in zip(self.model.blocks, caches[::2], caches[1::2]):
            cache = [keys, values]
            x = block(x, cache)
            grown += cache
        cumulative = self.model.head(self.model.norm(x)).flatten(1).softmax(-1).cumsum(-1)
        last = cumulative.shape[-1] - 1
        return ((cumulative < number).sum(-1, keepdim=True).clamp(max=last), *grown)


class Tokens(nn.Module):
    """The first token and those drawn after it, by a loop within the network; a call for each token from outside of it
    takes half as much time again."""

    def __init__(self, following):
        super().__init__()
        self.following = following

    def forward(self, token, numbers, empty):                # (1, 1), (T), (1, heads, 0, width of a head)
        k0 = k1 = k2 = k3 = v0 = v1 = v2 = v3 = empty
        tokens = token
        for t in range(numbers.shape[0]):
            position = torch.full([1], t, dtype=torch.long)
            token, k0, v0, k1, v1, k2, v2, k3, v3 = self.following(token, position, numbers[t:t + 1],
                                                                   k0, v0, k1, v1, k2, v2, k3, v3)
            tokens = torch.cat([tokens, token], 1)
        return tokens


def transformer():
    token, numbers = torch.zeros(1, 1, dtype=torch.long), torch.rand(256)
    heads, width, blocks = 8, 32, 4
    empty, several = torch.zeros(1, heads, 0, width), [torch.zeros(1, heads, 3, width)] * 2 * blocks
    following = torch.jit.trace(NextToken(steps.VideoTransformer()).eval(),
                                (token, torch.tensor([3]), numbers[:1], *several), check_trace=False)
    return torch.jit.script(Tokens(following)), {"token": token, "numbers": numbers, "empty": empty}


NETWORKS = {
    "dcgan_sample": lambda: (steps.dcgan_generator(), {"z": torch.randn(64, 100, 1, 1)}),
    "video_vae_sample": lambda: (Decoder(), {"z": torch.randn(8, 128)}),
    "conv_lstm_predict": lambda: (Forecast(), {"x": torch.rand(1, 10, 16, 16, 16)}),
    "video_transformer_sample": transformer,
}
# An extent that grows; all others are constants of the network.
GROWING = {"video_transformer_sample": {"empty": {2: "past"}}}


@torch.no_grad()
def export(workload, folder):
    """Writes the network, its inputs and PyTorch's outputs."""
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of shapes that tracing fixes, and of types that this version cannot infer
        network, inputs = NETWORKS[workload]()
        network.eval()
        torch.onnx.export(network, tuple(inputs.values()), f"{folder}/network.onnx", opset_version=17,
                          input_names=list(inputs), output_names=["y"], dynamic_axes=GROWING.get(workload))
    tensors = {**inputs, "y": network(*inputs.values())}
    for name, x in tensors.items():
        x.contiguous().numpy().tofile(f"{folder}/{name}.bin")
    described = {name: {"type": str(x.dtype).removeprefix("torch."), "shape": list(x.shape)}
                 for name, x in tensors.items()}
    pathlib.Path(folder, "tensors.json").write_text(json.dumps(described), encoding="utf-8")


def main():
    if sys.argv[1:] == ["--list"]:
        print(*NETWORKS, sep="\n")
    elif len(sys.argv) == 3 and sys.argv[1] in NETWORKS:
        export(*sys.argv[1:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
