#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Times flipbook and PyTorch in turns, and flipbook's kernels against the machine's peak; writes results.json.

Both sides of a workload run at the same time, but only one of them works: blocks of calls in turns, so that a machine
whose speed drifts favours neither. The ratio is the median over turns of PyTorch's time over flipbook's.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

import roofline

HERE = os.path.dirname(os.path.abspath(__file__))
PEER = "/usr/bin/python3"  # Debian's PyTorch belongs to Debian's Python


class Side:
    """A process that makes its call when asked, and says how long it took."""

    def __init__(self, *command):
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def call(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer()

    def block(self, calls=4):
        """The median of calls in a row after one that does not count: a training loop is warm."""
        time.sleep(0.02)  # until the other side's idle threads have gone to sleep
        self.call()
        return statistics.median(self.call() for _ in range(calls))

    def peak_memory(self):
        self.process.stdin.close()
        answer = self.answer()
        self.process.wait()
        return answer

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(self.process.args)} stopped with status {self.process.wait()}")
        return self.parsed(line)

    def parsed(self, line):
        return float(line)


def workloads(programs):
    """{name: (program, GFLOP)}"""
    found = {}
    for program in sorted(programs):
        for line in subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.splitlines():
            name, gflop = line.split()
            found[name] = program, float(gflop)
    return found


def in_turns(name, program, gflop, peak, options):
    """One workload, both sides. PyTorch runs in the fastest of its memory layouts and numbers of threads."""
    ours = Side(program, name, options.threads)
    theirs = {(layout, threads): Side(PEER, f"{HERE}/steps.py", name, threads, layout)
              for layout in ("contiguous", "channels_last") for threads in {1, options.threads}}
    for side in (ours, *theirs.values()):
        side.call()  # warms up
    trial = {way: side.block() for way, side in theirs.items()}
    layout, threads = best = min(trial, key=trial.get)
    pairs = [(ours.block(), theirs[best].block()) for _ in range(options.turns)]
    ours_ms, theirs_ms = (statistics.median(side) for side in zip(*pairs))
    memory = {way: side.peak_memory() for way, side in theirs.items()}
    return {"name": name, "flipbook_ms": ours_ms, "pytorch_ms": theirs_ms,
            "ratio": statistics.median(b / a for a, b in pairs), "fraction_of_peak": gflop / ours_ms * 1e3 / peak,
            "gflop": gflop, "pytorch_layout": layout, "pytorch_threads": threads,
            "flipbook_mb": ours.peak_memory(), "pytorch_mb": memory[best]}


def gain(program, name, before, after):
    """How many times faster a workload is with some arguments than with others, in turns."""
    sides = Side(program, name, *before), Side(program, name, *after)
    for side in sides:
        side.call()
    ratio = statistics.median(sides[0].block() / sides[1].block() for _ in range(3))
    for side in sides:
        side.peak_memory()
    return ratio


def google_benchmark(program, options, pattern):
    """[(name, counters)] of what a program of Google Benchmark measures, medians of three."""
    command = [program, f"--benchmark_filter={pattern}", "--benchmark_format=json", "--benchmark_repetitions=3",
               f"--benchmark_min_time={options.kernel_seconds}"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    runs = json.loads(output)["benchmarks"] if output else []  # none where nothing matches
    return [(run["run_name"].removesuffix("/real_time").removesuffix("/manual_time"), run)
            for run in runs if run.get("aggregate_name") == "median"]


def kernels(program, unit, fraction, options):
    """The kernels of a program, each with its rate in `unit` and the `fraction` of the most that it might be."""
    print(f"\n{'kernel':50}    time        rate  of peak")
    for name, run in google_benchmark(program, options, re.escape(options.only)):
        result = {"name": name, "flipbook_ms": run["real_time"] / 1e3, "pytorch_ms": None, "ratio": None,
                  "fraction_of_peak": fraction(run), unit: run[unit], "FLOP/byte": run.get("FLOP/byte")}
        print(f"{name:50}{run['real_time']:8.0f} us{run[unit]:8.0f} {unit:7}{result['fraction_of_peak']:7.0%}",
              flush=True)
        yield result


def growth(program, options):
    """Milliseconds for each frame of a training step, as its batch and its clips grow."""
    print(f"\n{'training step on clips x frames':50} ms/frame")
    for name, run in google_benchmark(program, options, re.escape(options.only)):
        print(f"{name:50}{run['ms/frame']:9.2f}", flush=True)
        yield {"name": name, "flipbook_ms": run["real_time"] / 1e3, "pytorch_ms": None, "ratio": None,
               "fraction_of_peak": None, "ms/frame": run["ms/frame"]}


def programs_in(directory):
    paths = {name: os.path.join(directory, name) for name in os.listdir(directory)}
    return {name: path for name, path in paths.items() if os.path.isfile(path) and os.access(path, os.X_OK)}


def write_whole(path, text):
    """All of it, or nothing."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="where the benchmarks were built")
    parser.add_argument("--out", default="build/bench/results.json")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--turns", type=int, default=3, help="blocks of four calls of each side")
    parser.add_argument("--kernel-seconds", type=float, default=0.2, help="for each kernel, three times")
    parser.add_argument("--only", default="", help="workloads and kernels whose names contain this")
    options = parser.parse_args()

    programs = programs_in(options.directory)
    [(_, run)] = google_benchmark(programs["backend_kernels"], options, "^peak/")
    peak = run["GFLOP/s"]  # of fused multiply-adds
    asked = subprocess.run([PEER, f"{HERE}/steps.py", "--peer"], check=True, stdout=subprocess.PIPE, text=True)
    print(f"{options.threads} threads, peak {peak:.0f} GFLOP/s; {asked.stdout}")
    print(f"{'workload':26} flipbook  PyTorch  ratio  of peak      memory, MiB   over one thread   bfloat16")
    results = []
    paired = [path for name, path in programs.items() if name.startswith("pytorch_")]
    for name, (program, gflop) in workloads(paired).items():
        if options.only not in name:
            continue
        run = in_turns(name, program, gflop, peak, options)
        run["over_one_thread"] = gain(program, name, [1], [options.threads])
        run["bfloat16"] = gain(program, name, [options.threads], [options.threads, "bfloat16"])
        results.append(run)
        print(f"{name:26}{run['flipbook_ms']:6.0f} ms{run['pytorch_ms']:6.0f} ms{run['ratio']:6.2f}x"
              f"{run['fraction_of_peak']:8.0%}{run['flipbook_mb']:9.0f} of{run['pytorch_mb']:6.0f}"
              f"{run['over_one_thread']:17.2f}x{run['bfloat16']:10.2f}x", flush=True)
    results += kernels(programs["backend_kernels"], "GFLOP/s", lambda run: run["GFLOP/s"] / peak, options)
    results += kernels(programs["backend_memory"], "GB/s", lambda run: run["of copy"], options)
    results += growth(programs["models_growth"], options)
    write_whole(options.out, json.dumps(results, indent=1))
    print(f"\nwritten to {options.out}")
    for name, picture in roofline.pictures(results):
        path = os.path.join(os.path.dirname(options.out), f"roofline-{name}.svg")
        write_whole(path, picture)
        print(f"written to {path}")


if __name__ == "__main__":
    main()
