#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Times flipbook, PyTorch and oneDNN on layers drawn at random, which nobody tuned for, and compares their values.

All sides compute the same layer, in turns: blocks of calls after one that does not count, each begun when nothing else
runs, or after some patience. Of each side the least time counts, on one thread of processor time; PyTorch and oneDNN
are in their fastest layout and algorithm. The ratio is the time of the faster of the two over flipbook's. Results that
are in the file already are not measured again. See draw.py for how a layer is written.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import draw
import report

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "pytorch"))
from compare import write_whole
from sides import PEER, programs_in

BLOCK_MS = 30
TOLERANCE = 3e-4  # of the root mean square, of a number; Winograd's filters are off by a tenth of it


class Side:
    """A process that answers as side.hpp says."""

    def __init__(self, name, *command, **environment):
        self.name = name
        held_back = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
        kept = {key: value for key, value in os.environ.items() if key not in held_back}
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**kept, **environment})

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        if self.process.poll() is not None:
            sys.exit(f"{self.name} stopped with status {self.process.returncode} at {' '.join(map(str, words))}")
        if answer.startswith("error"):
            raise RuntimeError(f"{self.name}: {answer}")
        return answer

    def ways(self, spec):
        """[(direction, name)], whose places are the numbers of the ways."""
        answer = self.ask("layer", spec)
        return [tuple(way.split(":", 1)) for way in answer.split("\t")] if answer else []

    def values(self, way):
        """The fingerprint of a way's result."""
        return list(map(float, self.ask("values", way).split()))

    def block(self, way, options, budget=BLOCK_MS):
        wait_for_the_machine(options.patience)
        return float(self.ask("time", way, budget))


def wait_for_the_machine(patience):
    """Until nothing else runs, such as another side's idle threads, which spin before they sleep."""
    last, quiet = time.monotonic() + patience, 0
    while quiet < 3 and time.monotonic() < last:
        quiet = quiet + 1 if running() <= 1 else 0
        time.sleep(0.002)


def running():
    """How many processes and threads run on the machine."""
    with open("/proc/stat", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("procs_running"))


def agree(a, b, size):
    """Whether two fingerprints are of the same numbers, but for rounding."""
    piece = max(size / max(len(a) - 1, 1), 1)
    return len(a) == len(b) and all(abs(x - y) <= TOLERANCE * a[0] * (1 if i == 0 else piece ** 0.5)
                                    for i, (x, y) in enumerate(zip(a, b)))


def result_size(spec, direction):
    x, w, y = spec.sizes()
    if len(spec.directions()) == 2 and direction == "input gradient":
        return x + w
    return {"forward": y, "input gradient": x, "weight gradient": w}[direction]


def fastest(side, ways, direction, values, spec, options):
    """The numbers of a side's fastest ways, those that may be it, after a look at what each computes."""
    trial = []
    for number, (what, name) in enumerate(ways):
        if what == direction:
            if not agree(values, side.values(number), result_size(spec, direction)):
                sys.exit(f"{side.name} ({name}) and flipbook differ in the {direction} of: {spec}")
            trial.append((side.block(number, options, BLOCK_MS / 10), number))
    return [number for milliseconds, number in sorted(trial)[:2] if milliseconds < 1.3 * min(trial)[0]]


def measured(spec, direction, sides, ways, options):
    """What one direction takes, by side."""
    ours = next(i for i, (what, _) in enumerate(ways[0]) if what == direction)
    values = sides[0].values(ours)
    best = [[ours]]
    best += [fastest(side, names, direction, values, spec, options) for side, names in zip(sides[1:], ways[1:])]
    taken = {}  # by side and way
    for _ in range(options.turns):
        for i, numbers in enumerate(best):
            for number in numbers:
                taken.setdefault((i, number), []).append(sides[i].block(number, options))
    result = {"spec": str(spec), "kind": spec.kind, "direction": direction, "threads": options.threads,
              "gflop": spec.operations(direction) / 1e9, "FLOP/byte": spec.intensity(direction)}
    for (i, number), times in sorted(taken.items(), key=lambda each: min(each[1]), reverse=True):
        result[sides[i].name] = {"ms": min(times), "way": ways[i][number][1], "turns": times}
    peers = {side.name: result[side.name]["ms"] for side in sides[1:] if side.name in result}
    result["peer"] = min(peers, key=peers.get)
    result["ratio"] = peers[result["peer"]] / result["flipbook"]["ms"]
    return result


def start(programs, threads):
    several = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    # As flipbook's pool does, PyTorch's allocator keeps what a call frees for the next one.
    kept = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2 ** 40)}
    peers = subprocess.run([PEER, f"{HERE}/pytorch.py", "--peer"], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.strip()
    sides = [Side("flipbook", programs["layers_flipbook"], threads, **several),
             Side("PyTorch", PEER, f"{HERE}/pytorch.py", threads, **several, **kept)]
    if "layers_onednn" in programs:
        sides.append(Side("oneDNN", programs["layers_onednn"], threads, **several))
        peers += ", " + subprocess.run([programs["layers_onednn"], "--peer"], check=True, stdout=subprocess.PIPE,
                                       text=True).stdout.strip()
    else:
        print("no oneDNN (scripts/setup onednn): PyTorch is the only peer")
    print(f"{'one thread, in processor time' if threads == 1 else f'{threads} threads'}; {peers}")
    return sides


def roof(side, options):
    """The peak of multiply-adds in GFLOP/s, and a copy's GB/s."""
    ways = side.ways("roof")
    return [float(amount) / min(side.block(number, options) for _ in range(5)) * 1e3
            for number, (_, amount) in enumerate(ways)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", help="where the benchmarks were built")
    parser.add_argument("--layers", type=int, default=60, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="which; the first layers are the same for any number")
    parser.add_argument("--only", choices=draw.KINDS, help="layers of one kind")
    parser.add_argument("--spec", action="append", type=draw.Spec.parsed, help="this layer, and no drawn ones")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--turns", type=int, default=3, help="blocks of calls of each side")
    parser.add_argument("--patience", type=float, default=0.2, help="seconds that a block waits for a busy machine")
    parser.add_argument("--out", default="build/bench/layers.json", help="results, and what is not measured again")
    options = parser.parse_args()

    programs = programs_in(options.directory)
    specs = options.spec or list(draw.layers(options.layers, options.seed, options.only))
    known = {"roof": {}, "results": []}
    if os.path.exists(options.out) and not options.spec:
        with open(options.out, encoding="utf-8") as file:
            known = json.load(file)

    def results_of(spec):
        return [each for each in known["results"] if (each["spec"], each["threads"]) == (str(spec), options.threads)]

    sides = None
    for number, spec in enumerate(specs, 1):
        if results_of(spec):
            continue
        sides = sides or start(programs, options.threads)
        ways = [side.ways(spec) for side in sides]
        known["results"] += [measured(spec, direction, sides, ways, options) for direction in spec.directions()]
        print(f"{number:4}/{len(specs)}  {report.line(results_of(spec))}  {spec}", flush=True)
        if not options.spec:
            write_whole(options.out, json.dumps(known, indent=1))
    results = [result for spec in specs for result in results_of(spec)]
    report.print_tables(results)
    if options.spec:
        return
    if str(options.threads) not in known["roof"]:
        sides = sides or start(programs, options.threads)
        known["roof"][str(options.threads)] = roof(sides[0], options)
    write_whole(options.out, json.dumps(known, indent=1))
    picture = f"{os.path.splitext(options.out)[0]}-{options.threads}.svg"
    write_whole(picture, report.picture(results, known["roof"][str(options.threads)]))
    print(f"\nwritten to {options.out} and {picture}")


if __name__ == "__main__":
    main()
