# SPDX-License-Identifier: MIT
"""Draws what the program bfloat16 prints:

    build/release/benchmarks/models_bfloat16 | python3 curves.py > curves.svg
"""
import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pytorch"))
from roofline import line, text  # noqa: E402

COLOURS = {"float": "#1f6feb", "bfloat16": "#d1242f"}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 300, 64, 16, 40, 44


def smoothed(values):
    reach = max(1, len(values) // 40)
    for i in range(len(values)):
        near = min(i, reach)
        part = values[i - near:i + near + 1]
        yield sum(part) / len(part)


def panel(name, rows, left):
    """rows: [(step, loss in float, loss in bfloat16)]"""
    curves = {which: list(smoothed([row[i + 1] for row in rows])) for i, which in enumerate(COLOURS)}
    values = sorted(v for curve in curves.values() for v in curve)
    low, high = values[0], values[-1 - len(values) // 50]
    last = rows[-1][0]

    def at(step, value):
        part = (min(value, high) - low) / (high - low)
        return left + LEFT + step / last * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

    step = 10 ** math.floor(math.log10((high - low) / 3))
    step *= 5 if (high - low) / step > 12 else 2 if (high - low) / step > 6 else 1
    for i in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield line(at(0, i * step), at(last, i * step), 'stroke="#d8dee4"')
        yield text(left + LEFT - 8, at(0, i * step)[1] + 4, f"{i * step:g}", "end")
    for i in range(5):
        yield text(at(last * i / 4, low)[0], HEIGHT - BOTTOM + 18, f"{last * i / 4:g}", "middle")
    yield text(left + WIDTH / 2, 20, f"{name}: loss by step", "middle", 15)
    for i, (which, curve) in enumerate(curves.items()):
        path = " ".join("{:.1f},{:.1f}".format(*at(row[0], value)) for row, value in zip(rows, curve))
        yield (f'<polyline points="{path}" fill="none" stroke="{COLOURS[which]}" stroke-width="1.5" '
               'stroke-opacity="0.8"/>')
        yield text(left + WIDTH - RIGHT - 8, TOP + 16 + 18 * i, which, "end", colour=COLOURS[which])


def main():
    models = {}
    for record in sys.stdin:
        name, *numbers = record.split(",")
        models.setdefault(name, []).append([float(number) for number in numbers])
    parts = [part for i, (name, rows) in enumerate(models.items()) for part in panel(name, rows, i * WIDTH)]
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * len(models)} {HEIGHT}" '
          'font-family="sans-serif">'
          f'<rect width="{WIDTH * len(models)}" height="{HEIGHT}" fill="white"/>{"".join(parts)}</svg>')


if __name__ == "__main__":
    main()
