#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Trains models by a protocol, measures them on a fixed test set, and writes what came out into docs/results.md.

A row that was interrupted goes on where it stopped when the same command is given again. Each row that ends adds a line
to docs/results/records.jsonl: commit, machine, seconds, figures and the curve of the training. The tables and curves
are drawn from the latest record of each row; --draw draws them anew and trains nothing.
"""
import argparse
import datetime
import json
import math
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORDS = os.path.join(ROOT, "docs/results/records.jsonl")
PAGE = os.path.join(ROOT, "docs/results.md")
FASHION = "/usr/share/datasets/fashion-mnist"  # Debian's package dataset-fashion-mnist

CONVLSTM = ["--sprites", 2, "--learning-rate", 0.002]
SIMVP = ["--sprites", 2, "--model", "simvp", "--learning-rate", 0.003]
FILTERS = ["--sprites", 2, "--model", "filters", "--learning-rate", 0.003, "--batch", 4, "--through-own-frames"]
# name: (program, its options, minutes, which data, what it is)
ROWS = {
    "mnist-vae": ("mnist", ["--importance-samples", 1], 90, "mnist", "VAE, one stochastic layer of 50"),
    "mnist-iwae": ("mnist", ["--importance-samples", 5], 180, "mnist", "the same trained on 5 importance samples"),
    "moving-mnist": ("prediction", CONVLSTM, 60, "mnist", "ConvLSTM, two layers of 64, 5×5"),
    "moving-fashion": ("prediction", CONVLSTM, 60, "fashion", "ConvLSTM, two layers of 64, 5×5"),
    "moving-mnist-filters": ("prediction", FILTERS, 60, "mnist", "dynamic filters, two of 9×9 for 4×4 pixels"),
    "moving-fashion-filters": ("prediction", FILTERS, 60, "fashion", "dynamic filters, two of 9×9 for 4×4 pixels"),
    "moving-mnist-simvp": ("prediction", SIMVP, 60, "mnist", "SimVP + gSTA, 32 and 256 channels, 4 blocks"),
    "moving-fashion-simvp": ("prediction", SIMVP, 60, "fashion", "SimVP + gSTA, 32 and 256 channels, 4 blocks"),
    "stochastic-convlstm": ("stochastic", ["--model", "convlstm"], 30, "mnist", "ConvLSTM, two layers of 64, 5×5"),
    "stochastic-svg": ("stochastic", ["--model", "svg"], 30, "mnist", "SVG, learned prior, width 16"),
    "stochastic-svg-fixed": ("stochastic", ["--model", "svg-fixed"], 30, "mnist", "SVG, fixed prior, width 16"),
}
# What learns beside PyTorch, for 300 steps: name: (model of learning.py, what it is)
LEARNING = {
    "learning-conv-lstm": ("conv_lstm", "ConvLSTM, next frame"),
    "learning-vae": ("vae", "autoencoder of clips"),
    "learning-gan": ("gan", "adversarial pair of clips, sum of both losses"),
    "learning-transformer": ("transformer", "transformer over 1024 tokens"),
}

NATS = [("VAE", "86.76"), ("IWAE, 5 samples", "85.54")]
NATS_PER_FRAME = [("ConvLSTM (Shi et al., 2015)", "", "367.2"), ("LSTM (Srivastava et al., 2015)", "", "341.2"),
                  ("DFN (De Brabandere et al., 2016)", "", "285.2"),
                  ("VPN baseline (Kalchbrenner et al., 2017)", "110.1", ""), ("VPN", "87.6", "")]
OPENSTL = {
    "moving-mnist": [("ConvLSTM-S", "29.80", "90.64", ".9288"), ("PredRNN", "23.97", "72.82", ".9462"),
                     ("SimVP + gSTA", "26.69", "77.19", ".9402")],
    "moving-fashion": [("ConvLSTM-S", "28.87", "113.20", ".8793"), ("PredRNN", "22.01", "91.74", ".9091"),
                       ("SimVP + gSTA", "25.86", "101.22", ".8933")],
}

STOCHASTIC = """## Stochastic Moving MNIST

Digits draw a new velocity at every wall, so no single prediction can be right. Five frames of 64×64 with two digits are
seen and ten are predicted, for 200 test clips, as in Denton and Fergus, Stochastic video generation with a learned
prior, 2018. A model with latents draws 20 predictions for each clip. PSNR and SSIM are of the best prediction by each
metric, CRPS (in thousandths of the range of levels) of all 20. A model without latents has one prediction, whose CRPS
is the absolute error. Nats per frame are with teacher forcing, over all frames but the first; those of SVG are upper
bounds.

"""


def machine():
    with open("/proc/cpuinfo") as info:
        text = info.read()
    name = re.search(r"model name\s*: (.*)", text)
    # Of those that matter for speed the widest vectors, where one name stands for many machines.
    flags = {"avx512f": ", AVX-512", "avx2": ", AVX2"}
    vectors = next((word for flag, word in flags.items() if f" {flag} " in text), "")
    return f"{name[1] if name else os.uname().machine}, {os.cpu_count()} cores{vectors}"


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit():
    """The commit that is measured. What this program itself writes is no change of it."""
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/results", ":!docs/results.md")
    return git("describe", "--always", "--abbrev=10") + ("-dirty" if changed else "")


def write(path, text):
    """All of it, or nothing."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def records():
    """The latest record of each row."""
    if not os.path.exists(RECORDS):
        return {}
    with open(RECORDS) as lines:
        return {record["row"]: record for record in map(json.loads, lines)}


def folder_of(name, data, options):
    folder = {"mnist": options.mnist, "fashion": options.fashion}[data]
    if folder is None or not os.path.isdir(folder):
        sys.exit(f"results: row {name} needs the folder of {data}'s four files: --{data} FOLDER")
    return folder


def keep(name, command, found):
    """Adds a record."""
    record = {"row": name, "command": command, "commit": commit(), "machine": machine(),
              "date": datetime.date.today().isoformat(), **found}
    os.makedirs(os.path.dirname(RECORDS), exist_ok=True)
    with open(RECORDS, "a") as lines:
        lines.write(json.dumps(record) + "\n")


def learn(name, options):
    model, _ = LEARNING[name]
    out = os.path.join(options.out, name)
    images = os.path.join(folder_of(name, "mnist", options), "train-images-idx3-ubyte.gz")
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, os.path.join(ROOT, "benchmarks/results/learning.py"),
                    os.path.join(options.programs, "results_learning"), model, images, out, "--steps", "300",
                    "--threads", str(options.threads)], check=True)
    with open(os.path.join(out, "figures.json")) as file:
        keep(name, f"scripts/results --only {name} --mnist FOLDER --threads {options.threads}", json.load(file))
    for large in ("clips.npy", "weights.safetensors"):
        os.remove(os.path.join(out, large))


def train(name, options):
    program, arguments, minutes, data, _ = ROWS[name]
    folder = folder_of(name, data, options)
    minutes = options.minutes or minutes
    out = os.path.join(options.out, f"{name}-{minutes:g}min")
    command = [os.path.join(options.programs, f"results_{program}"), "--data", folder, "--out", out,
               "--minutes", minutes, "--threads", options.threads, *arguments]
    print(f"== {name}: {' '.join(map(str, command))}", flush=True)
    figures = os.path.join(out, "figures.json")
    if not os.path.exists(figures):
        subprocess.run(list(map(str, command)), check=True)
    if not os.path.exists(figures):
        sys.exit(f"results: {name} was stopped; the same command goes on with it")
    with open(figures) as file:
        found = json.load(file)
    where = " --mnist FOLDER" if data == "mnist" else ""
    again = f"scripts/results --only {name}{where} --minutes {minutes:g} --threads {options.threads}"
    keep(name, again, found)
    os.rename(figures, figures + ".recorded")  # the next run is another record
    gif = os.path.join(out, "prediction.gif")
    if os.path.exists(gif):
        with open(gif, "rb") as file, open(os.path.join(ROOT, f"docs/results/{name}.gif"), "wb") as copy:
            copy.write(file.read())


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def budget(record):
    threads = re.search(r"--threads (\d+)", record["command"])
    of_cores = f" of {'one core' if threads[1] == '1' else f'{threads[1]} cores'}" if threads else ""
    return f"{record['seconds'] / 60:.0f} min{of_cores}, {record['machine']}"


def nats_table(found):
    rows = [(name, value, "published, Burda et al., 2016") for name, value in NATS]
    for name in ("mnist-vae", "mnist-iwae"):
        if name in found:
            record = found[name]
            rows.append((f"**{ROWS[name][4]}**", f"**{record['figures']['nats']:.2f}**",
                         f"{record['figures']['passes']:.0f} passes, {budget(record)}"))
    return table(["model", "−log p, nats", "trained for"], rows)


def of_ours(data, found):
    """The recorded rows of models that predict these moving sprites."""
    return [name for name in (data, f"{data}-filters", f"{data}-simvp") if name in found]


def per_frame_table(found):
    rows = [(name, forced, opened, "published") for name, forced, opened in NATS_PER_FRAME]
    least = None
    for name in of_ours("moving-mnist", found):
        value = found[name]["figures"].get
        forced, opened = (value(f"nats per frame, {way}") for way in ("teacher forcing", "open loop"))
        rows.append((f"**{ROWS[name][4]}**", "" if forced is None else f"**{forced:.1f}**", f"**{opened:.1f}**",
                     f"{value('clips trained on'):.0f} clips, {budget(found[name])}"))
        least = f"{value('nats per frame, entropy of the targets'):.1f}"
    if least:
        rows.append(("entropy of the targets: no model has less", least, least, ""))
    return table(["model", "teacher forcing", "open loop", "trained for"], rows)


def errors_table(data, found):
    rows = [(*row, "", "published, 200 epochs of 10,000 clips") for row in OPENSTL[data]]
    ours = of_ours(data, found)

    def values(name, kind):
        return [f"{found[name]['figures'][f'{kind} {metric}']:.{digits}f}" for metric, digits in
                (("MSE", 2), ("MAE", 2), ("SSIM, OpenSTL's", 4), ("SSIM, range 1", 4))]

    for name in ours:
        record = found[name]
        rows.append((f"**{ROWS[name][4]}**", *(f"**{v}**" for v in values(name, "model")),
                     f"{record['figures']['clips trained on']:.0f} clips, {budget(record)}"))
    for kind in ("persistence", "mean frame", "advection", "block matching") if ours else ():
        rows.append((kind, *values(ours[0], kind), "nothing"))
    return table(["model", "MSE", "MAE", "SSIM, OpenSTL's", "SSIM, range 1", "trained on"], rows)


def stochastic_section(found):
    """The heading, the protocol and the table, or nothing before a row is recorded."""
    names = [name for name in ROWS if name.startswith("stochastic-") and name in found]
    if not names:
        return ""

    def values(name, kind):
        return [f"{found[name]['figures'][f'{kind} {metric}']:.{digits}f}" for metric, digits in
                (("PSNR", 2), ("SSIM", 3), ("SSIM of one", 3), ("CRPS", 2))]

    rows = []
    for name in names:
        figures = found[name]["figures"]
        bound = "" if name == "stochastic-convlstm" else "≤ "
        rows.append((f"**{ROWS[name][4]}**", f"**{bound}{figures['nats per frame']:.1f}**",
                     *(f"**{v}**" for v in values(name, "model")),
                     f"{figures['clips trained on']:.0f} clips, {budget(found[name])}"))
    rows.append(("persistence", "", *values(names[0], "persistence"), "nothing"))
    head = ["model", "nats per frame", "PSNR, best of 20", "SSIM, best of 20", "SSIM of one", "CRPS · 1000",
            "trained on"]
    return STOCHASTIC + table(head, rows)


def learning_table(found):
    rows = []
    for name, (_, what) in LEARNING.items():
        if name in found:
            value, record = found[name]["figures"].get, found[name]
            rows.append((what, f"{value('final loss, flipbook'):.5g}", f"{value('final loss, PyTorch'):.5g}",
                         f"{value('seconds, PyTorch'):.0f} s ({record['pytorch']})",
                         f"{value('seconds, flipbook'):.0f} s", f"**{value('times as fast'):.1f}**"))
    return table(["model", "loss after 300 steps", "PyTorch's", "PyTorch's time", "flipbook's", "times as fast"], rows)


def curve(record, title):
    """Losses over minutes, as SVG; both axes are logarithmic, so that the end shows."""
    lines = [[(math.log(s / 60), math.log(loss)) for s, loss in record.get(key, ()) if s > 0 and loss > 0]
             for key in ("curve", "pytorch_curve")]
    points = sum(lines, [])
    if len(points) < 2:
        return None
    width, height, left, right, top, bottom = 640, 300, 60, 20, 30, 40
    low, high = (tuple(each(p[axis] for p in points) for axis in (0, 1)) for each in (min, max))

    def at(x, y):
        part = [(v - l) / ((h - l) or 1) for v, l, h in zip((x, y), low, high)]
        return left + part[0] * (width - left - right), top + (1 - part[1]) * (height - top - bottom)

    def label(x, y, anchor, text, colour="#555"):
        return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'

    def time(minutes):
        return f"{minutes:.3g} min" if minutes >= 1 else f"{60 * minutes:.3g} s"

    labels = []
    for part, anchor in ((0, "start"), (1 / 3, "middle"), (2 / 3, "middle"), (1, "end")):  # a grid of even steps
        x, y = (low[axis] + part * (high[axis] - low[axis]) for axis in (0, 1))
        across, down = at(x, y)
        lines_of_grid = f"M{left} {down:.0f}H{width - right}M{across:.0f} {top}V{height - bottom}"
        labels += [f'<path stroke="#e5e7eb" d="{lines_of_grid}"/>',
                   label(across, height - 15, anchor, time(math.exp(x))),
                   label(left - 6, down + 4, "end", f"{math.exp(y):.4g}")]
    strokes = []
    for i, (line, colour, name) in enumerate(zip(lines, ("#2563eb", "#d97706"), ("flipbook", "PyTorch"))):
        if line:
            path = " ".join("{:.1f},{:.1f}".format(*at(*point)) for point in line)
            strokes.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{path}"/>')
            if lines[1]:
                strokes.append(label(width - right - 70 * (1 - i), 18, "end", name, colour))
    body = "\n".join(labels + strokes)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
            f'font-size="12" fill="#555">\n<rect width="100%" height="100%" fill="#fff"/>\n'
            f'<text x="{left}" y="18" font-size="14" fill="#222">{title}</text>\n{body}\n</svg>\n')


def drawn():
    """{path: content} of the page, with its tables between its markers, and of the curves."""
    found = records()
    parts = {"mnist": nats_table(found), "per-frame": per_frame_table(found), "stochastic": stochastic_section(found),
             "learning": learning_table(found)}
    for name in OPENSTL:
        parts[name] = errors_table(name, found)
    commands = [f"`{record['command']}`: commit {record['commit']}, {record['date']}, {record['steps']} steps in "
                f"{record['seconds']:.0f} s on {record['machine']}" for record in found.values()]
    parts["commands"] = "".join(f"- {line}\n" for line in commands)
    files, pictures = {}, []
    for name, record in found.items():
        picture = curve(record, f"{name}: loss, in nats")
        if picture:
            files[os.path.join(ROOT, f"docs/results/{name}.svg")] = picture
            pictures.append(f"![{name}: loss over minutes of training](results/{name}.svg)\n")
        if os.path.exists(os.path.join(ROOT, f"docs/results/{name}.gif")):
            pictures.append(f"![{name}: clips above, predictions after their first frames below]"
                            f"(results/{name}.gif)\n")
    parts["curves"] = "\n".join(pictures)
    with open(PAGE) as file:
        page = file.read()
    for name, text in parts.items():
        page, count = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m: m[1] + text + m[2], page, flags=re.S)
        if count != 1:
            sys.exit(f"results: docs/results.md has {count} places marked <!-- {name} -->, not one")
    return {**files, PAGE: page}


def draw():
    for path, content in drawn().items():
        write(path, content)


def check():
    """Fails where the page is not what the records say."""
    for path, content in drawn().items():
        if not os.path.exists(path) or open(path).read() != content:
            sys.exit(f"results: {os.path.relpath(path, ROOT)} is not of the records: scripts/results --draw")


def done(found, name):
    return f"recorded {found[name]['date']}" if name in found else "not recorded"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help="the rows that there are, and stop")
    parser.add_argument("--draw", action="store_true", help="draw tables and curves of the records, and stop")
    parser.add_argument("--check", action="store_true", help="fail where the page is not of the records, and stop")
    parser.add_argument("--only", choices=(*ROWS, *LEARNING), action="append",
                        help="this row, and others so named; without: all")
    parser.add_argument("--minutes", type=float, help="to train, instead of the row's own")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--mnist", help="folder of MNIST's four files, gzipped")
    parser.add_argument("--fashion", default=FASHION, help="the same of Fashion-MNIST (default: %(default)s)")
    parser.add_argument("--out", default=os.path.join(ROOT, "build/results"), help="where runs are kept")
    options = parser.parse_args()
    if options.minutes is not None and not 0 < options.minutes < 1e6:
        parser.error(f"--minutes {options.minutes:g}: needs a number above 0")
    if options.list:
        found = records()
        for name, (_, _, minutes, data, what) in ROWS.items():
            print(f"{name:22}{minutes:4} min  {data:9}{done(found, name):22}{what}")
        for name, (_, what) in LEARNING.items():
            print(f"{name:22}300 steps mnist    {done(found, name):22}{what}, beside PyTorch")
        return
    if options.check:
        return check()
    for name in () if options.draw else options.only or (*ROWS, *LEARNING):
        (train if name in ROWS else learn)(name, options)
        draw()
    draw()


if __name__ == "__main__":
    main()
