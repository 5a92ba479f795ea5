#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Times flipbook and its peers in turns, and flipbook's kernels against the machine's peak; writes results.json.

PyTorch has every workload; ONNX Runtime samples by networks that PyTorch exported, and dlib has the DCGAN. All sides of
a workload run at the same time, but only one of them works: blocks of calls of flipbook and of a peer in turns, so that
a machine whose speed drifts favours neither. The ratio is the median over turns of the peer's time over flipbook's.
"""
import argparse
import json
import os
import re
import statistics
import subprocess

import roofline
from sides import PEERS, Side, peers, programs_in, threads_in_words, workloads
from cpu_limits import lift_cpu_limits


def fastest(ways):
    """The side that takes the least time in one block, how it is run; ends the others."""
    sides = {way: Side(*command) for way, command in ways.items()}
    for side in sides.values():
        side.call()  # warms up
    trial = {way: side.block() for way, side in sides.items()}
    best = min(trial, key=trial.get)
    for way, side in sides.items():
        if way != best:
            side.peak_memory()  # ends it
    return best, sides[best]


def in_turns(name, program, gflop, peak, others, options):
    """One workload, all sides. A peer runs in the fastest of its ways, such as layouts and numbers of threads."""
    ours = Side(program, name, options.threads)
    ours.call()  # warms up
    ways = {peer.title: peer.ways(name, sorted({1, options.threads})) for peer in others}
    sides = {title: fastest(each) for title, each in ways.items() if each}
    pairs = {title: [] for title in sides}
    for _ in range(options.turns):
        for title, (_, side) in sides.items():
            pairs[title].append((ours.block(), side.block()))
    own = [block for each in pairs.values() for block, _ in each] or [ours.block() for _ in range(options.turns)]
    compared = {title: {"ms": statistics.median(theirs for _, theirs in each),
                        "ratio": statistics.median(theirs / mine for mine, theirs in each),
                        "way": sides[title][0], "mb": sides[title][1].peak_memory()} for title, each in pairs.items()}
    ours_ms = statistics.median(own)
    return {"name": name, "flipbook_ms": ours_ms, "fraction_of_peak": gflop / ours_ms * 1e3 / peak, "gflop": gflop,
            "flipbook_mb": ours.peak_memory(), "peers": compared}


def show(run):
    """A workload's rows: flipbook's, and one for each peer."""
    print(f"{run['name']:26}{run['flipbook_ms']:7.0f} ms{'':8}{run['flipbook_mb']:7.0f} MiB"
          f"   {run['fraction_of_peak']:.0%} of peak, {run['over_one_thread']:.2f}x over one thread, "
          f"{run['bfloat16']:.2f}x in bfloat16", flush=True)
    for title, peer in run["peers"].items():
        print(f"  {title:24}{peer['ms']:7.0f} ms{peer['ratio']:7.2f}x{peer['mb']:7.0f} MiB   {peer['way']}", flush=True)


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
        result = {"name": name, "flipbook_ms": run["real_time"] / 1e3,
                  "fraction_of_peak": fraction(run), unit: run[unit], "FLOP/byte": run.get("FLOP/byte")}
        print(f"{name:50}{run['real_time']:8.0f} us{run[unit]:8.0f} {unit:7}{result['fraction_of_peak']:7.0%}",
              flush=True)
        yield result


def growth(program, options):
    """Milliseconds for each frame of a training step, as its batch and its clips grow."""
    print(f"\n{'training step on clips x frames':50} ms/frame")
    for name, run in google_benchmark(program, options, re.escape(options.only)):
        print(f"{name:50}{run['ms/frame']:9.2f}", flush=True)
        yield {"name": name, "flipbook_ms": run["real_time"] / 1e3,
               "fraction_of_peak": None, "ms/frame": run["ms/frame"]}


def write_whole(path, text):
    """All of it, or nothing."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def known_peers(names):
    """The names in a list that is separated by commas."""
    unknown = [name for name in names.split(",") if name not in PEERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no peer '{unknown[0]}'; there are {', '.join(PEERS)}")
    return names.split(",")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="where the benchmarks were built")
    parser.add_argument("--out", default="build/bench/results.json")
    parser.add_argument("--peers", type=known_peers, default=list(PEERS),
                        help=f"those to time, of {','.join(PEERS)}, separated by commas; all that are installed")
    parser.add_argument("--onnxruntime", default="build/onnxruntime", help="where npm put it")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--processor-time", action="store_true",
                        help="on one thread: the processor's time, for a machine that does other work too")
    parser.add_argument("--turns", type=int, default=3, help="blocks of four calls of flipbook and of each peer")
    parser.add_argument("--kernel-seconds", type=float, default=0.2, help="for each kernel, three times")
    parser.add_argument("--only", default="", help="workloads and kernels whose names contain this")
    options = parser.parse_args()
    if options.processor_time and options.threads > 1:
        parser.error("--processor-time needs --threads 1: threads that wait use the processor")
    Side.by_processor = options.processor_time
    lift_cpu_limits()

    programs = programs_in(options.directory)
    [(_, run)] = google_benchmark(programs["backend_kernels"], options, "^peak/")
    peak = run["GFLOP/s"]  # of fused multiply-adds
    if options.processor_time:
        peak *= run["real_time"] / run["cpu_time"]
    others = peers(options.peers, options)
    clock = ", processor time" if options.processor_time else ""
    print(f"{threads_in_words(options.threads)}{clock}, peak {peak:.0f} GFLOP/s; "
          f"{'; '.join(peer.version for peer in others)}\n")
    print(f"{'workload':29}time   ratio     memory")
    results = []
    paired = [path for name, path in programs.items() if name.startswith("pytorch_")]
    for name, (program, gflop) in workloads(paired).items():
        if options.only not in name:
            continue
        run = in_turns(name, program, gflop, peak, others, options)
        run["over_one_thread"] = gain(program, name, [1], [options.threads]) if options.threads > 1 else 1
        run["bfloat16"] = gain(program, name, [options.threads], [options.threads, "bfloat16"])
        results.append(run)
        show(run)
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
