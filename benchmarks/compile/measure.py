#!/usr/bin/python3
"""What the same program, the tutorial's DCGAN, costs to compile in flipbook and in libtorch; writes compile.json.

Each compile is timed several times, in turns, one compiler at a time; the medians of processor time count. The shared
libraries are all that the program loads when it starts, the C library included.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OPTIMISED = ["-O3", "-DNDEBUG", "-march=native"]
SIDES = {  # the compiler's options, the linker's, and the header of everything
    "flipbook": (["-std=c++20", "-fopenmp", f"-I{ROOT}/include", "-isystem", "/usr/include/eigen3"], ["-fopenmp"],
                 "flipbook/flipbook.hpp"),
    "libtorch": (["-std=c++17", "-isystem", "/usr/include/torch/csrc/api/include"], ["-ltorch", "-ltorch_cpu", "-lc10"],
                 "torch/torch.h"),
}


def cost(command):
    """Seconds of processor time, and the most memory in MiB, of a command and those that it started."""
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def shared_libraries(program):
    """The files that a program loads when it starts."""
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return {os.path.realpath(path) for path in re.findall(r"(/\S+) \(0x", listed)}


def mib(paths):
    return sum(os.path.getsize(path) for path in paths) / 2**20


def compiled(side, everything, options):
    """The object of a program, with the headers that it names or after that of everything, and what it cost."""
    flags, _, header = SIDES[side]
    made = os.path.join(options.out, f"{side}{'_everything' if everything else ''}.o")
    before = ["-include", header] if everything else []
    return made, cost([options.compiler, *flags, *OPTIMISED, *before, "-c", f"{HERE}/{side}_dcgan.cpp", "-o", made])


def linked(side, made, options):
    """The program, without symbols, after it has trained a few steps."""
    program = os.path.join(options.out, f"{side}_dcgan")
    subprocess.run([options.compiler, made, *SIDES[side][1], "-s", "-o", program], check=True)
    print(f"{side}:", flush=True)
    subprocess.run([program], check=True)
    return program


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=f"{ROOT}/build/bench/compile")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--times", type=int, default=3, help="compiles of each that count")
    options = parser.parse_args()

    os.makedirs(options.out, exist_ok=True)
    runs = {(side, everything): [] for everything in (False, True) for side in SIDES}
    for _ in range(options.times):
        for (side, everything), costs in runs.items():
            made, used = compiled(side, everything, options)
            costs.append(used)
            if not everything and len(costs) == options.times:
                linked(side, made, options)

    print(f"\n{'':11}headers      seconds   GiB   program, KiB   shared libraries, MiB (files)")
    results = []
    for (side, everything), costs in runs.items():
        program = os.path.join(options.out, f"{side}_dcgan")
        seconds, memory = (statistics.median(each) for each in zip(*costs))
        libraries = shared_libraries(program)
        results.append({"name": side, "headers": SIDES[side][2] if everything else "those needed", "seconds": seconds,
                        "compiler_mb": memory, "program_mb": mib([program]), "libraries_mb": mib(libraries),
                        "libraries": len(libraries)})
        print(f"{side:11}{'all' if everything else 'needed':9}{seconds:11.1f}{memory / 1024:6.2f}"
              f"{mib([program]) * 1024:15.0f}{mib(libraries):17.1f} ({len(libraries)})")
    path = os.path.join(options.out, "compile.json")
    with open(path, "w") as file:
        json.dump(results, file, indent=1)
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
