# SPDX-License-Identifier: MIT
"""Draws a workload's kernels under the machine's roof (Williams et al., Roofline, 2009), from what compare.py measured.

A kernel stands at the arithmetic it does for each byte that it must at least read or write, and at the rate that it
reaches. Nothing can be above the roof: the copy's bandwidth to the left, the peak of multiply-adds to the right; save
what makes fewer multiplications than the definition, by which the arithmetic is counted.
"""
import html
import math

WORKLOADS = {  # which kernels are drawn for which steps
    "dcgan": ("the tutorial's networks", "dcgan", ["dcgan_step"]),
    "video": ("3-D networks", "video", ["video_gan_step", "video_vae_step"]),
    "conv_lstm": ("ConvLSTM", "convlstm", ["conv_lstm_step"]),
    "transformer": ("transformer", "gemm", ["video_transformer_step"]),
}
COLOURS = {"forward": "#1f6feb", "input gradient": "#d1242f", "weight gradient": "#8250df",
           "NN": "#1f6feb", "NT": "#d1242f", "TN": "#8250df"}
LEGEND = {"NN": "A·B", "NT": "A·Bᵀ", "TN": "Aᵀ·B"}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 440, 64, 24, 44, 52


class Axes:
    def __init__(self, x, y):
        self.x, self.y = x, y  # (least, most), both logarithmic

    def at(self, x, y):
        def part(value, bounds):
            return math.log(value / bounds[0]) / math.log(bounds[1] / bounds[0])
        return (LEFT + part(x, self.x) * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - part(y, self.y) * (HEIGHT - TOP - BOTTOM))


def text(x, y, words, anchor="start", size=12, colour="#1f2328"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">'
            f"{html.escape(words)}</text>")


def line(a, b, style):
    return f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" {style}/>'


def powers(bounds, base):
    first = math.ceil(math.log(bounds[0], base) - 1e-9)
    return [base ** e for e in range(first, math.floor(math.log(bounds[1], base) + 1e-9) + 1)]


def grid(axes):
    for x in powers(axes.x, 4):
        yield line(axes.at(x, axes.y[0]), axes.at(x, axes.y[1]), 'stroke="#d8dee4"')
        yield text(axes.at(x, 1)[0], HEIGHT - BOTTOM + 18, f"{x:g}", "middle")
    for y in powers(axes.y, 2):
        yield line(axes.at(axes.x[0], y), axes.at(axes.x[1], y), 'stroke="#d8dee4"')
        yield text(LEFT - 8, axes.at(1, y)[1] + 4, f"{y:g}", "end")
    yield text(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 12, "multiplications and additions for each byte", "middle")
    yield text(LEFT - 8, TOP - 10, "GFLOP/s", "end")


def under_roof(title, points, peak, bandwidth):
    """Axes for points (FLOP/byte, GFLOP/s), and parts of a picture: title, grid and roof."""
    rates = [rate for _, rate in points] + [peak / 4, peak]  # the roof is seen, wherever they are
    axes = Axes((min(1, min(x for x, _ in points)) / 2, 2 * max(x for x, _ in points)),
                (2 ** math.floor(math.log2(min(rates))), 2 ** math.ceil(math.log2(1.1 * max(rates)))))
    ridge = peak / bandwidth
    left = max(axes.x[0], axes.y[0] / bandwidth)
    parts = [text(WIDTH / 2, 20, title, "middle", 15), *grid(axes),
             line(axes.at(left, left * bandwidth), axes.at(ridge, peak), 'stroke="#1f2328" stroke-width="2"'),
             line(axes.at(ridge, peak), axes.at(axes.x[1], peak), 'stroke="#1f2328" stroke-width="2"'),
             text(axes.at(axes.x[1], peak)[0], axes.at(1, peak)[1] - 6, f"peak {peak:.0f}", "end")]
    return axes, parts


def dot(at, colour, words, radius=4.5):
    return (f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius}" fill="{colour}" fill-opacity="0.8">'
            f"<title>{html.escape(words)}</title></circle>")


def legend(colours):
    """What each colour stands for."""
    for i, (words, colour) in enumerate(colours.items()):
        y = HEIGHT - BOTTOM - 16 - 18 * i
        yield f'<circle cx="{WIDTH - 150}" cy="{y - 4}" r="4.5" fill="{colour}"/>'
        yield text(WIDTH - 138, y, words)


def svg(parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>{"".join(parts)}</svg>\n')


def picture(title, points, steps, peak, bandwidth):
    """points: [(kernel, pass, FLOP/byte, GFLOP/s)]; steps: [(workload, GFLOP/s)]."""
    at_least = min(p[2] for p in points)
    axes, parts = under_roof(f"{title}: kernels under the roof",
                             [p[2:] for p in points] + [(at_least, rate) for _, rate in steps], peak, bandwidth)
    for name, rate in steps:
        parts.append(line(axes.at(axes.x[0], rate), axes.at(axes.x[1], rate),
                          'stroke="#1a7f37" stroke-dasharray="6 4"'))
        parts.append(text(LEFT + 6, axes.at(1, rate)[1] - 4, f"{name}: {rate:.0f}", colour="#1a7f37"))
    for kernel, which, intensity, rate in points:
        parts.append(dot(axes.at(intensity, rate), COLOURS[which],
                         f"{kernel}, {LEGEND.get(which, which)}: {rate:.0f} GFLOP/s"))
    return svg([*parts, *legend({LEGEND.get(p[1], p[1]): COLOURS[p[1]] for p in points})])


def pictures(results):
    """(name, SVG) of each workload whose kernels were measured, with the peak and a copy in the same run."""
    by_name = {result["name"]: result for result in results}
    if "peak" not in by_name or "copy" not in by_name:
        return
    peak, bandwidth = by_name["peak"]["GFLOP/s"], by_name["copy"]["GB/s"]
    for name, (title, prefix, workloads) in WORKLOADS.items():
        points = [(*result["name"].rsplit("/", 1), result["FLOP/byte"], result["GFLOP/s"]) for result in results
                  if result["name"].startswith(prefix + " ") and result.get("FLOP/byte")
                  and "direct" not in result["name"]]
        steps = [(w, by_name[w]["gflop"] / by_name[w]["flipbook_ms"] * 1e3) for w in workloads if w in by_name]
        if points:
            yield name, picture(title, points, steps, peak, bandwidth)
