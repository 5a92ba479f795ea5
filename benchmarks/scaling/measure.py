#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Training on several ranks: measured on this machine, and computed for larger ones by a model of the same form.

Measured, in turns, on n cores: a step of n programs side by side, which know nothing of each other, of one thread
each (cores share caches and memory, so it takes longer than that of one alone); of n ranks, each with one thread and
as large a batch; and of one rank with n threads on the batch of all. The model of the ranks' step is

    t(n) = t(1) + s(n) + d sqrt(2 ln n),      s(n) = latencies + 2 (n - 1) / n * bytes / bandwidth

with the time s that the sum of all gradients takes by itself, and the slowest of n steps that differ by d. Here s is
measured, and nothing hides it, since it takes the cores that compute; on devices it runs beside the backward pass.
"""
import argparse
import json
import math
import os
import statistics
import subprocess

WORKLOADS = ["dcgan_step", "video_vae_step", "conv_lstm_step", "video_transformer_step"]

# A cluster of nodes of eight devices. Flops that a step of these models reaches, a device's link inside its node and
# its share of the node's network, bytes a second each way, and the latency of one stage of a sum.
DEVICE_FLOPS, NODE, INSIDE, NETWORK, LATENCY = 100e12, 8, 400e9, 50e9, 10e-6
HIDDEN = 0.6   # of a step: the backward pass after its first bucket, behind which sums run
JITTER = 0.01  # by how much steps of a device differ


def steps(program, ranks, threads, scale, calls, side_by_side=1):
    command = [program]
    if ranks > 1:
        command = ["mpirun", "--oversubscribe", "-n", str(ranks), *command]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OMPI_ALLOW_RUN_AS_ROOT": "1",
                   "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    def run(workload):
        runs = [subprocess.Popen([*command, workload, str(threads), str(scale), str(calls)], env=environment,
                                 stdout=subprocess.PIPE, text=True) for _ in range(side_by_side)]
        said = [json.loads(each.communicate()[0].splitlines()[-1]) for each in runs]
        return said[0] | {"step_ms": statistics.mean(each["step_ms"] for each in said)}
    return run


def measure(program, workload, turns, calls):
    cores = os.cpu_count()
    sides = {"one": steps(program, 1, 1, 1, calls, cores), "ranks": steps(program, cores, 1, 1, calls),
             "threads": steps(program, 1, cores, cores, calls)}
    seen = [{name: run(workload) for name, run in sides.items()} for _ in range(turns)]
    of = lambda side, key: statistics.median(turn[side][key] for turn in seen)  # noqa: E731
    row = {key: seen[0]["one"][key] for key in ("workload", "parameters", "gflop", "items")}
    row |= {"cores": cores, "one_ms": of("one", "step_ms"), "ranks_ms": of("ranks", "step_ms"),
            "threads_ms": of("threads", "step_ms"), "sum_ms": of("ranks", "sum_ms"),
            "small_sum_ms": of("ranks", "small_sum_ms")}
    row["deviation"] = of("one", "deviation_ms") / row["one_ms"]
    row["modelled_ms"] = row["one_ms"] * (1 + slowest(row["deviation"], cores)) + row["sum_ms"]
    return row


def slowest(deviation, ranks):
    """By how much the slowest of several steps is expected to be longer than one of them, in parts of it."""
    return deviation * math.sqrt(2 * math.log(ranks))


def measured_table(rows):
    head = ("| step | {0} programs | {0} ranks | modelled | off by | one rank, {0} threads, {0} times the batch "
            "| gradient | its sum |")
    lines = [head.format(rows[0]["cores"]), "|---|---|---|---|---|---|---|---|"]
    for r in rows:
        off = r["modelled_ms"] / r["ranks_ms"] - 1
        lines.append(f"| `{r['workload']}` | {r['one_ms']:.1f} ms | {r['ranks_ms']:.1f} ms | "
                     f"{r['modelled_ms']:.1f} ms | {100 * off:+.0f} % | {r['threads_ms']:.1f} ms | "
                     f"{4e-6 * r['parameters']:.1f} MB | {r['sum_ms']:.2f} ms |")
    return lines


def sum_seconds(parameters, devices):
    """A sum of gradients in float: over the devices of a node, then over the nodes by a tree, then back."""
    size = 4 * parameters
    inside, nodes = min(devices, NODE), math.ceil(devices / NODE)
    seconds = 2 * (inside - 1) / inside * size / INSIDE + 2 * (inside - 1) * LATENCY / NODE
    if nodes > 1:  # each device of a node sums its share of the gradient with its like of the other nodes
        seconds += 2 * (nodes - 1) / nodes * (size / inside) / NETWORK + 2 * math.log2(nodes) * LATENCY
    return seconds


def computed_table(rows, counts):
    lines = ["| step | of one device | " + " | ".join(f"{n:,} devices" for n in counts) + " |",
             "|---|---|" + "---|" * len(counts)]
    for name, parameters, flops, deviation in rows:
        step = flops / DEVICE_FLOPS
        shares = []
        for n in counts:
            exposed = max(sum_seconds(parameters, n) - HIDDEN * step, LATENCY * 2 * math.log2(max(n, 2)))
            exposed += step * slowest(deviation, n)
            shares.append(f"{100 * step / (step + exposed):.0f} %")
        lines.append(f"| {name} | {1e3 * step:.1f} ms | " + " | ".join(shares) + " |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", help="the folder of scaling_steps")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--calls", type=int, default=7)
    parser.add_argument("--only", help="the one workload of this name")
    parser.add_argument("--out", default="build/bench/scaling.json")
    options = parser.parse_args()

    program = os.path.join(options.benchmarks, "scaling_steps")
    rows = []
    for workload in WORKLOADS:
        if options.only in (None, workload):
            rows.append(measure(program, workload, options.turns, options.calls))
            print("\n".join(measured_table(rows[-1:])[-1:] if len(rows) > 1 else measured_table(rows)), flush=True)
    os.makedirs(os.path.dirname(options.out), exist_ok=True)
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
    print()
    scaled = [(f"`{r['workload']}`, {times} times the batch", r["parameters"], times * 1e9 * r["gflop"], JITTER)
              for r in rows for times in (1, 16)]
    scaled.append(("a transformer of 10⁹ parameters, 4,096 tokens a device", 1e9, 6 * 1e9 * 4096, JITTER))
    print("\n".join(computed_table(scaled, [8, 64, 512, 4096])))


if __name__ == "__main__":
    main()
