#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How much longer a call takes beside a program that keeps one core busy, with as many threads as there are cores.

Blocks of calls in turns, on an idle machine and beside the other program, which runs at the same priority and at a
higher one (nice 5 against nice 0); the ratios are medians over turns. PyTorch goes through the same, at the same
priority.
Were the cores shared evenly, two threads on two cores would take 1.5 times their time.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

from sides import HERE, PEER, Side, programs_in, workloads


def beside_busy_program(side):
    """The time of a block while another program never waits for anything."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    time.sleep(0.5)
    try:
        return side.block()
    finally:
        busy.kill()
        busy.wait()


def ratios(sides, turns):
    """How many times as long each side takes beside a busy program."""
    for side in sides:
        side.call()  # warms up
    each = [[] for _ in sides]
    for _ in range(turns):
        for side, found in zip(sides, each):
            idle = side.block()
            found.append(beside_busy_program(side) / idle)
    for side in sides:
        side.peak_memory()  # ends it
    return [statistics.median(found) for found in each]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="where the benchmarks were built")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", default="", help="workloads whose names contain this")
    options = parser.parse_args()

    paired = [path for name, path in programs_in(options.directory).items() if name.startswith("pytorch_")]
    print(f"{'beside a busy program':28}flipbook   at lower priority   PyTorch")
    for name, (program, _) in workloads(paired).items():
        if options.only not in name:
            continue
        sides = [Side(program, name, options.threads), Side("nice", "-n", "5", program, name, options.threads),
                 Side(PEER, f"{HERE}/steps.py", name, options.threads, "contiguous")]
        equal, lower, peer = ratios(sides, options.turns)
        print(f"{name:28}{equal:7.2f}x{lower:19.2f}x{peer:9.2f}x", flush=True)


if __name__ == "__main__":
    main()
