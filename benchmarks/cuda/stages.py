#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What scripts/gpu --run does: everything that a device is asked in a quarter of an hour, most telling first.

usage: stages.py PACKAGE --out DIR [--state FILE] [--stages 1,2,3,4] [--share X] [--python PROGRAM]
  PACKAGE        a folder with test_device, cuda_steps, cuda_kernels and files.txt, of scripts/gpu --pack
  --out DIR      for at most eight logs, written as they come, and state.json
  --state FILE   what was done before is not done again (default: state.json of DIR)
  --stages LIST  only these: 1 tests, 2 steps beside PyTorch, 3 compiled PyTorch and kernels, 4 races and profiles
  --share X      of the time that stages and programs have (default: 1)
  --python P     the Python that has PyTorch (default: the one that runs this)

A stage ends by itself when its time is over, and so does every program. What had no time is done by the next call.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

SECONDS = {1: 220, 2: 190, 3: 170, 4: 120}
WORKLOADS = ["video_transformer", "video_gan", "video_vae", "conv_lstm", "dcgan"]
FIRST = ["core", "elementwise", "matmul", "conv", "attention", "norm", "train", "models"]  # the others after them
WITHOUT_OWN_KERNELS = {"data", "device", "examples", "follow", "graph", "models", "train"}
PROFILED = {"attention": "attention 1024", "implicit_gemm": " own", "normalize_columns": "batch normalisation"}
HERE = pathlib.Path(__file__).resolve().parent
MEMCHECK = ["compute-sanitizer", "--tool", "memcheck", "--report-api-errors", "no"]  # tests ask for what is refused


def library_path():
    """Where cuDNN and cuBLASLt are: in Python's packages, or beside the toolkit."""
    folders = [path for root in map(pathlib.Path, filter(None, sys.path)) for path in sorted(root.glob("nvidia/*/lib"))]
    before = os.environ.get("LD_LIBRARY_PATH", "")
    return ":".join([*map(str, folders), "/usr/local/cuda/lib64", *([before] if before else [])])


class Run:
    def __init__(self, options):
        self.package, self.out, self.share, self.interpreter = (options.package, options.out, options.share,
                                                                options.python)
        self.out.mkdir(parents=True, exist_ok=True)
        self.state_file = options.state or self.out / "state.json"
        self.state = json.loads(self.state_file.read_text()) if self.state_file.exists() else {}
        self.environment = {**os.environ, "LD_LIBRARY_PATH": library_path(), "PYTHONUNBUFFERED": "1",
                            "TORCHINDUCTOR_CACHE_DIR": str(self.package.resolve() / "inductor")}
        self.lock = threading.Lock()
        self.deadline = 0.0

    def left(self):
        return self.deadline - time.monotonic()

    def program(self, name):
        return str(self.package.resolve() / name)

    def do(self, name, log, command, limit):
        """Runs a command, unless it was done before, for `limit` seconds at most. Returns what it printed."""
        limit, before = limit * self.share, self.state.get(name)
        if before and before["outcome"] != "no time":
            return before["output"]
        given = min(limit, self.left())
        if given < 2 * self.share:
            return self.note(name, "no time", 0, [])
        begun, lines = time.monotonic(), []
        process = subprocess.Popen(["timeout", "-k", "5", f"{given:.1f}", *command], env=self.environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")

        def keep():
            with open(self.out / log, "a", encoding="utf-8") as file:
                for line in process.stdout:
                    lines.append(line.rstrip("\n"))
                    with self.lock:
                        file.write(f"{name}| {line}")
                        file.flush()
        reader = threading.Thread(target=keep, daemon=True)
        reader.start()
        code = process.wait()
        reader.join(2)  # no longer: what the command has started may live on with its output
        cut = code in (124, 137) and given < limit
        outcome = "passed" if code == 0 else "no time" if cut else "timed out" if code in (124, 137) else "FAILED"
        return self.note(name, outcome, time.monotonic() - begun, list(lines))

    def note(self, name, outcome, seconds, lines):
        with self.lock:
            self.state[name] = {"outcome": outcome, "seconds": round(seconds, 1), "output": lines[-400:]}
            for file in {self.state_file, self.out / "state.json"}:
                partial = file.with_suffix(".partial")
                partial.write_text(json.dumps(self.state, ensure_ascii=False, indent=0))
                partial.rename(file)
            print(f"{outcome:9} {seconds:6.1f} s  {name}", flush=True)
        return lines

    def python(self, script, *arguments):
        return [self.interpreter, str(HERE / script), *arguments]


def failing_cases(lines):
    """The names of doctest's cases of which a check failed, or that crashed."""
    found, case = [], None
    for line in lines:
        if line.startswith("TEST CASE:"):
            case = line.removeprefix("TEST CASE:").strip()
        elif "ERROR" in line and case and case not in found:
            found.append(case)
    return found


def tests(run):
    """All device tests, a process for each file, eight at a time; what fails again alone under memcheck."""
    run.do("device", "facts.log", ["nvidia-smi"], 20)
    run.do("python", "facts.log", run.python("pytorch_steps.py", "--facts"), 60)
    run.do("libraries", "facts.log", ["ldd", run.program("test_device")], 10)
    names = run.package.joinpath("files.txt").read_text().split()
    names.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))

    def of_file(name, *more):
        return [run.program("test_device"), "--no-intro", "--no-colors", f"--source-file=*/{name}.cu", *more]
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        warm = pool.submit(run.do, "compile, warmed", "compile.log",
                           run.python("pytorch_steps.py", "--compile", "--warm", *WORKLOADS), 200)
        done = list(pool.map(lambda name: run.do(f"test {name}", "tests.log", of_file(name), 120), names))
        for name, lines in zip(names, done):
            if run.state[f"test {name}"]["outcome"] in ("passed", "no time"):
                continue
            for case in failing_cases(lines) or [None]:  # a comma would part two filters
                only = [f"--test-case={case.replace(',', '?')}"] if case else []
                run.do(f"memcheck {name}: {case or 'all'}", "memcheck.log", [*MEMCHECK, *of_file(name, *only)], 60)
        warm.result()


def steps(run):
    for numbers in ("bfloat16", "tf32"):
        for workload in WORKLOADS:
            run.do(f"step {workload} {numbers}", "steps.log",
                   [run.program("cuda_steps"), numbers, f"{workload}_step"], 30)
            run.do(f"PyTorch {workload} {numbers}", "steps.log", run.python("pytorch_steps.py", numbers, workload), 30)


def compiled(run):
    for numbers in ("bfloat16", "tf32"):
        for workload in WORKLOADS:
            run.do(f"compiled {workload} {numbers}", "compile.log",
                   run.python("pytorch_steps.py", "--compile", numbers, workload), 40)
        if numbers == "bfloat16":
            run.do("kernels", "kernels.log", [run.program("cuda_kernels")], 80)


def checks(run):
    names = [name for name in run.package.joinpath("files.txt").read_text().split() if name not in WITHOUT_OWN_KERNELS]
    for kernel, word in PROFILED.items():
        run.do(f"profile {kernel}", "checks.log",
               ["ncu", "--clock-control", "none", "--set", "basic", "--kernel-name", kernel, "--launch-count", "2",
                run.program("cuda_kernels"), word], 15)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(run.do, f"{tool} {name}", "checks.log",
                            ["compute-sanitizer", "--tool", tool, "--error-exitcode", "1", "--print-limit", "10",
                             run.program("test_device"), "--no-intro", f"--source-file=*/{name}.cu"], 40)
                for tool in ("racecheck", "synccheck") for name in names]
        for job in jobs:
            job.result()


STAGES = {1: tests, 2: steps, 3: compiled, 4: checks}
TIMED = re.compile(r"^(\S+)_step\s+(\S+)\s+(\d+)×\s+([\d.]+) ms")


def table(run):
    """What came of it, in few lines."""
    times = {}
    for name, done in run.state.items():
        side = {"step": "flipbook", "PyTorch": "PyTorch", "compiled": "compiled"}.get(name.split()[0])
        for line in done["output"] if side else []:
            if found := TIMED.match(line):
                times.setdefault((found[2], found[1], int(found[3])), {})[side] = float(found[4])
    if times:
        print(f"\n{'ms a step':28} {'flipbook':>10} {'PyTorch':>10} {'compiled':>10}")
    for (numbers, workload, scale), of in sorted(times.items()):
        cells = (f"{of[side]:10.3f}" if side in of else f"{'—':>10}" for side in ("flipbook", "PyTorch", "compiled"))
        print(f"{workload + ' ' + numbers + f' × {scale}':28}", *cells)
    outcomes = [done["outcome"] for done in run.state.values()]
    print("\n" + ", ".join(f"{outcomes.count(o)} {o}" for o in ("passed", "FAILED", "timed out", "no time")))
    for name, done in run.state.items():
        if done["outcome"] in ("FAILED", "timed out"):
            print(f"  {done['outcome']}: {name}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("package", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--state", type=pathlib.Path)
    parser.add_argument("--stages", default="1,2,3,4")
    parser.add_argument("--share", type=float, default=1)
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    run = Run(options)
    for stage in map(int, options.stages.split(",")):
        print(f"== stage {stage}: {SECONDS[stage] * options.share:.0f} s", flush=True)
        run.deadline = time.monotonic() + SECONDS[stage] * options.share
        STAGES[stage](run)
    table(run)
    failed = any(name.startswith("test ") and done["outcome"] != "passed" for name, done in run.state.items())
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
