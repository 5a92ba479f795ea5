# SPDX-License-Identifier: MIT
"""Tables and a picture of what measure.py measured."""
import os
import statistics
import sys

import draw

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pytorch"))
import roofline


def line(results):
    """The ratios of one layer, by direction."""
    return "  ".join(f"{result['ratio']:6.2f}x" for result in results).ljust(25)


def at(numbers, fraction):
    """A quantile, between neighbours in proportion."""
    numbers = sorted(numbers)
    place = fraction * (len(numbers) - 1)
    low = numbers[int(place)]
    return low + (numbers[min(int(place) + 1, len(numbers) - 1)] - low) * (place - int(place))


def print_tables(results):
    """Ratios by kind and direction, and the ten worst layers."""
    print(f"\n{'the faster peer over flipbook':34}layers    10%  median    90%   worst   below 1")
    for kind in (*draw.KINDS, "all"):
        for direction in draw.DIRECTIONS:
            ratios = [result["ratio"] for result in results
                      if kind in (result["kind"], "all") and result["direction"] == direction]
            if ratios:
                print(f"{kind:16}{direction:18}{len(ratios):6}{at(ratios, 0.1):7.2f}{statistics.median(ratios):8.2f}"
                      f"{at(ratios, 0.9):7.2f}{min(ratios):8.2f}{sum(ratio < 1 for ratio in ratios):8}")
    print(f"\n{'worst':7}{'flipbook, ms':>13}{'peer, ms':>10}{'GFLOP/s':>9}")
    for result in sorted(results, key=lambda each: each["ratio"])[:10]:
        ours, peer = result["flipbook"], result[result["peer"]]
        print(f"{result['ratio']:5.2f}x {ours['ms']:13.3f}{peer['ms']:10.3f}{result['gflop'] / ours['ms'] * 1e3:9.0f}  "
              f"{result['direction']} ({ours['way']}; {result['peer']}, {peer['way']}) of {result['spec']}")


def picture(results, roof):
    """Every layer and direction as two dots under the machine's roof, of flipbook and of the faster peer.

    @param roof  the peak in GFLOP/s and the copy's GB/s
    """
    dots = []  # (FLOP/byte, GFLOP/s, colour, words)
    for result in results:
        for name, colour in ((result["peer"], "#d1242f"), ("flipbook", "#1f6feb")):
            rate = result["gflop"] / result[name]["ms"] * 1e3
            words = f"{name}, {result['direction']}: {rate:.0f} GFLOP/s, {result['spec']}"
            dots.append((result["FLOP/byte"], rate, colour, words))
    axes, parts = roofline.under_roof("layers drawn at random", [each[:2] for each in dots], *roof)
    parts += [roofline.dot(axes.at(x, y), colour, words, 3) for x, y, colour, words in dots]
    return roofline.svg([*parts, *roofline.legend({"flipbook": "#1f6feb", "the faster peer": "#d1242f"})])
