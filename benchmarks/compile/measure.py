#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What programs cost to compile: the tutorial's DCGAN with flipbook's headers, with flipbook::kernels and with
libtorch, and the examples' files with the first two. Writes compile.json.

Each compile is timed several times, in turns, one compiler at a time; the medians of processor time count. The shared
libraries are all that the program loads when it starts, the C library included.
"""
import argparse
import glob
import json
import os
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FLIPBOOK = ["-std=c++20", "-O3", "-DNDEBUG", "-fopenmp", f"-I{ROOT}/include", "-isystem", "/usr/include/eigen3"]
LIBRARIES = ["-fopenmp", "-lz", "-lpng", "-ljpeg"]
KERNELS = f"{ROOT}/build/kernels/libflipbook_kernels.a"
SIDES = {  # the compiler's options, the linker's, and the header of everything
    "headers": ([*FLIPBOOK, "-march=native"], LIBRARIES, "flipbook/flipbook.hpp"),
    "kernels": ([*FLIPBOOK, "-DFLIPBOOK_KERNELS=1"], [KERNELS, *LIBRARIES], "flipbook/flipbook.hpp"),
    "libtorch": (["-std=c++17", "-O3", "-DNDEBUG", "-march=native", "-isystem", "/usr/include/torch/csrc/api/include"],
                 ["-ltorch", "-ltorch_cpu", "-lc10"], "torch/torch.h"),
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


def sources(side):
    """The programs that a side compiles, by name: (source, header of everything before it)."""
    program = "libtorch_dcgan" if side == "libtorch" else "flipbook_dcgan"
    dcgan = f"{HERE}/{program}.cpp"
    programs = {"dcgan": (dcgan, False), "dcgan, all headers": (dcgan, True)}
    if side != "libtorch":
        for example in sorted(glob.glob(f"{ROOT}/examples/*.cpp") + glob.glob(f"{ROOT}/examples/*/*.cpp")):
            programs[os.path.relpath(example, f"{ROOT}/examples")[:-4]] = (example, False)
    return programs


def compiled(side, name, options):
    """The object of a program, and what it cost."""
    flags, _, header = SIDES[side]
    source, everything = sources(side)[name]
    made = os.path.join(options.out, f"{side}_{re.sub('[^a-z_]+', '_', name)}.o")
    before = ["-include", header] if everything else []
    return made, cost([options.compiler, *flags, *before, "-c", source, "-o", made])


def linked(side, made, options):
    """The DCGAN, without symbols, after it has trained a few steps."""
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
    parser.add_argument("--only", help="the one program of this name, such as dcgan or minimal")
    parser.add_argument("--examples-with", choices=["headers", "kernels", "both"], default="both")
    options = parser.parse_args()

    os.makedirs(options.out, exist_ok=True)
    wanted = lambda name, side: name.startswith("dcgan") or options.examples_with in (side, "both")
    runs = {(name, side): [] for side in SIDES for name in sources(side)
            if options.only in (None, name) and wanted(name, side)}
    if not runs:
        sys.exit(f"no program {options.only}; there are: {', '.join(sources('headers'))}")
    objects = {}
    for _ in range(options.times):
        for (name, side), costs in sorted(runs.items(), key=lambda run: run[0]):  # sides of one program in turns
            objects[name, side], used = compiled(side, name, options)
            costs.append(used)
    programs = {side: linked(side, made, options) for (name, side), made in objects.items() if name == "dcgan"}

    print(f"\n{'program':22}{'with':10}{'seconds':>8}{'GiB':>6}{'object, KiB':>13}   program and shared libraries, MiB")
    results = []
    for (name, side), costs in sorted(runs.items()):
        seconds, memory = (statistics.median(each) for each in zip(*costs))
        result = {"program": name, "with": side, "seconds": seconds, "compiler_mb": memory,
                  "object_kib": os.path.getsize(objects[name, side]) / 1024}
        line = f"{name:22}{side:10}{seconds:8.1f}{memory / 1024:6.2f}{result['object_kib']:13.0f}"
        if name == "dcgan":
            libraries = shared_libraries(programs[side])
            result.update(program_mb=mib([programs[side]]), libraries_mb=mib(libraries), libraries=len(libraries))
            line += f"   {result['program_mb']:.1f} and {result['libraries_mb']:.1f} in {len(libraries)} files"
        results.append(result)
        print(line)
    path = os.path.join(options.out, "compile.json")
    with open(path, "w") as file:
        json.dump(results, file, indent=1)
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
