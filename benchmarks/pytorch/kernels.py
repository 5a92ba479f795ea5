#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How long programs with flipbook::kernels take, over those compiled with -march=native: the workloads that are timed
beside PyTorch, on the same threads. Blocks of calls in turns, the first of each left out; the ratio is the median.
"""
import argparse
import os
import statistics
import subprocess
import sys

PROGRAMS = ["conv_lstm", "dcgan", "simvp", "video_gan", "video_transformer", "video_vae"]


class Side:
    """A program that makes a workload's call for every line that it is sent: see turns.hpp."""

    def __init__(self, program, workload, threads):
        self.process = subprocess.Popen([program, workload, str(threads)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def call(self):
        self.process.stdin.write("\n")
        return float(self.process.stdout.readline())

    def block(self):
        self.call()
        return statistics.median(self.call() for _ in range(3))

    def close(self):
        self.process.communicate()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", help="folder of the benchmarks that link flipbook::kernels")
    parser.add_argument("native", help="folder of those compiled with -march=native")
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", help="the one workload of this name")
    options = parser.parse_args()

    print(f"{'workload':28}{'kernels, ms':>12}{'native, ms':>12}{'ratio':>8}   (least to most)")
    for program in PROGRAMS:
        paths = [os.path.join(folder, f"pytorch_{program}") for folder in (options.kernels, options.native)]
        listed = subprocess.run([paths[0], "--list"], check=True, capture_output=True, text=True).stdout
        for workload in [line.split()[0] for line in listed.splitlines()]:
            if options.only not in (None, workload):
                continue
            sides = [Side(path, workload, options.threads) for path in paths]
            for side in sides:
                side.block()
            turns = [[side.block() for side in sides] for _ in range(options.turns)]
            for side in sides:
                side.close()
            ratios = [ours / native for ours, native in turns]
            ours, native = (statistics.median(each) for each in zip(*turns))
            print(f"{workload:28}{ours:12.1f}{native:12.1f}{statistics.median(ratios):8.3f}"
                  f"   ({min(ratios):.3f} to {max(ratios):.3f})", flush=True)


sys.exit(main())
