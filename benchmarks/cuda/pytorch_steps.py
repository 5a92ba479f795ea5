#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PyTorch's side of benchmarks/cuda/steps.cu: the training steps of benchmarks/pytorch/steps.py on a device.

usage: pytorch_steps.py [--compile] NUMBERS WORKLOAD…   NUMBERS: bfloat16 (autocast) or tf32; video_vae, …
       pytorch_steps.py --compile --warm WORKLOAD…      compiles all of it, and times nothing
       pytorch_steps.py --facts                         versions and libraries

Prints lines as steps.cu does, at the batch of the comparison and at 16 times as much; convolutions are channels last.
FLIPBOOK_PYTORCH_DEVICE=cpu takes the steps on the host, at the batch of the comparison alone.
"""
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pytorch"))
import steps as comparison  # noqa: E402
import torch  # noqa: E402

DEVICE = os.environ.get("FLIPBOOK_PYTORCH_DEVICE", "cuda")


def synchronize():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


class Workloads(comparison.Workloads):
    """Whose modules may be compiled."""

    def __init__(self, scale, compiled):
        super().__init__("channels_last", scale)
        self.compiled = compiled

    def place(self, module):
        placed = super().place(module)
        return torch.compile(placed) if self.compiled and DEVICE == "cuda" else placed


def prepared(workload, numbers, scale, compiled):
    torch.manual_seed(0)
    call = getattr(Workloads(scale, compiled), f"{workload}_step")()
    if numbers != "bfloat16":
        return call

    def in_bfloat16():
        with torch.autocast(DEVICE, torch.bfloat16):
            call()
    return in_bfloat16


def timed(call, warm=5, count=20):
    times = []
    for i in range(-warm, count):
        synchronize()
        start = time.perf_counter()
        call()
        synchronize()
        if i >= 0:
            times.append((time.perf_counter() - start) * 1e3)
    return times


def facts():
    print("PyTorch", torch.__version__, "CUDA", torch.version.cuda, "cuDNN", torch.backends.cudnn.version())
    with open("/proc/self/maps", encoding="utf-8") as maps:
        print(*sorted({line.split()[-1] for line in maps if "libcudnn" in line or "cublasLt" in line}), sep="\n")
    if DEVICE == "cuda":
        print(torch.cuda.get_device_properties(0))


def main(arguments):
    options = [argument for argument in arguments if argument.startswith("--")]
    words = [argument for argument in arguments if not argument.startswith("--")]
    if "--facts" in options:
        return facts()
    warm = "--warm" in options
    numbers_of = ("bfloat16", "tf32") if warm else (words.pop(0),)
    if DEVICE == "cuda":
        torch.set_default_device(DEVICE)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    for numbers in numbers_of:
        for workload in words:
            for scale in (1, 16) if DEVICE == "cuda" else (1,):
                call = prepared(workload, numbers, scale, "--compile" in options)
                if warm:
                    call()
                    synchronize()
                    continue
                times = timed(call) if DEVICE == "cuda" else timed(call, 0, 1)
                print(f"{workload + '_step':26} {numbers:9} {scale:4}× {statistics.median(times):10.3f} ms "
                      f"{min(times):10.3f} ms", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
