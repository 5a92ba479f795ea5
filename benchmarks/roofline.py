#!/usr/bin/python3
"""Draws the workloads of results.json under the machine's roofline.

usage: roofline.py [build/bench/results.json [docs/roofline.svg]]

Across: the arithmetic of a workload's definition for each byte that has to pass through memory, where all that the process
ever holds is written once and read once. Up: that arithmetic over the measured time. The roof is the peak of fused
multiply-adds and the bandwidth of a copy, both measured in the same run; fewer multiplications than the definition has
can lift a workload above it.
"""
import html
import json
import math
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 500, 62, 220, 24, 50
MIB = 2**20


class Axis:
    """A logarithmic axis from `low` to `high`, drawn from `start` to `end`."""

    def __init__(self, low, high, start, end):
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value):
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self):
        return [10**k * digit for k in range(-2, 6) for digit in (1, 2, 5) if self.low <= 10**k * digit <= self.high]


def machine(results):
    """(GFLOP/s, GB/s) that the run found to be the most."""
    gflops = [w["gflop"] / w["flipbook_ms"] * 1e3 / w["fraction_of_peak"] for w in results if "gflop" in w]
    copies = [r["rate"] for r in results if r["name"] == "copy"]
    if not gflops or not copies:
        sys.exit("roofline: results.json has no workload, or no copy: run scripts/bench without --only")
    return gflops[0], copies[0]


def sides(workload):
    """(intensity, GFLOP/s) of flipbook and of PyTorch."""
    for side in ("flipbook", "pytorch"):
        moved = 2 * workload[f"{side}_mb"] * MIB
        yield workload["gflop"] * 1e9 / moved, workload["gflop"] / workload[f"{side}_ms"] * 1e3


def drawing(results):
    peak, bandwidth = machine(results)
    workloads = {r["name"]: list(sides(r)) for r in results if "gflop" in r}
    points = [point for pair in workloads.values() for point in pair]
    across = Axis(min(x for x, _ in points) / 2, max(x for x, _ in points) * 1.5, LEFT, WIDTH - RIGHT)
    up = Axis(min(y for _, y in points) / 2, max(peak, *(y for _, y in points)) * 1.5, HEIGHT - BOTTOM, TOP)
    ridge = min(max(peak / bandwidth, across.low), across.high)
    roof = [(across.low, min(peak, across.low * bandwidth)), (ridge, min(peak, ridge * bandwidth)), (across.high, peak)]

    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    for tick in across.ticks():
        yield f'<path d="M{across(tick):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e4e4e4"/>'
        yield f'<text x="{across(tick):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:g}</text>'
    for tick in up.ticks():
        yield f'<path d="M{LEFT} {up(tick):.1f}H{WIDTH - RIGHT}" stroke="#e4e4e4"/>'
        yield f'<text x="{LEFT - 6}" y="{up(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
    line = " ".join(f"{across(x):.1f},{max(up(max(y, up.low)), TOP):.1f}" for x, y in roof)
    yield f'<polyline points="{line}" fill="none" stroke="black" stroke-width="2"/>'
    yield f'<text x="{LEFT + 6}" y="{up(peak) + 4:.1f}">{peak:.0f} GFLOP/s</text>'
    for i, (name, (ours, theirs)) in enumerate(workloads.items(), 1):
        (x, y), (u, v) = ((across(a), up(b)) for a, b in (ours, theirs))
        yield f'<path d="M{u:.1f} {v:.1f}L{x:.1f} {y:.1f}" stroke="#bbb"/>'
        yield f'<circle cx="{u:.1f}" cy="{v:.1f}" r="4" fill="white" stroke="#c43"/>'
        for x, y in ((x, y), (WIDTH - RIGHT + 22, TOP + 24 * i)):  # in the picture, and beside it with its name
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="#26c"/>'
            yield f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="white">{i}</text>'
        yield f'<text x="{x + 14:.1f}" y="{y + 4:.1f}">{html.escape(name)}</text>'
    yield (f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">FLOP for each byte of memory '
           f'({bandwidth:.0f} GB/s); 1 … flipbook, ○ PyTorch</text>')
    yield f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">GFLOP/s</text></svg>'


def main():
    source = sys.argv[1] if len(sys.argv) > 1 else "build/bench/results.json"
    target = sys.argv[2] if len(sys.argv) > 2 else "docs/roofline.svg"
    with open(source) as file:
        results = json.load(file)
    text = "\n".join(drawing(results)) + "\n"
    with open(target, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
