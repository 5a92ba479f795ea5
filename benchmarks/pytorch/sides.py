# SPDX-License-Identifier: MIT
"""The programs of a timing in turns, and the peers whose programs they are."""
import glob
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PEER = "/usr/bin/python3"  # Debian's PyTorch belongs to Debian's Python


class Side:
    """A process that makes its call when asked, and says how long it took."""
    by_processor = False  # the processor's time of all of its threads, in place of the clock's

    def __init__(self, *command):
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def call(self):
        """Its milliseconds."""
        before = self.processor_ms() if self.by_processor else 0
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        elapsed = self.answer()
        return self.processor_ms() - before if self.by_processor else elapsed

    def processor_ms(self):
        """What its threads have used of the processor so far."""
        return sum(int(open(path, encoding="utf-8").read().split()[0])
                   for path in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat")) / 1e6

    def block(self, calls=4):
        """The median of calls in a row after one that does not count: a training loop is warm."""
        time.sleep(0.02)  # until the other side's idle threads have gone to sleep
        self.call()
        return statistics.median(self.call() for _ in range(calls))

    def peak_memory(self):
        self.process.stdin.close()
        answer = self.answer()
        self.process.wait()
        return answer

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(self.process.args)} stopped with status {self.process.wait()}")
        return float(line)


def programs_in(directory):
    paths = {name: os.path.join(directory, name) for name in os.listdir(directory)}
    return {name: path for name, path in paths.items() if os.path.isfile(path) and os.access(path, os.X_OK)}


def workloads(programs):
    """{name: (program, GFLOP)}"""
    found = {}
    for program in sorted(programs):
        for line in output_of(program, "--list").splitlines():
            name, gflop = line.split()
            found[name] = program, float(gflop)
    return found


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def threads_in_words(count):
    return "1 thread" if count == 1 else f"{count} threads"


class Missing(Exception):
    """Why a peer is not there."""


class PyTorch:
    """Every workload, in two memory layouts."""
    title = "PyTorch"

    def __init__(self, _):
        self.version = output_of(PEER, f"{HERE}/steps.py", "--peer").strip()

    def ways(self, workload, threads):
        """{how it is run: the command}, none where the peer does not have the workload."""
        return {f"{threads_in_words(n)}, {layout.replace('_', ' ')}": (PEER, f"{HERE}/steps.py", workload, n, layout)
                for layout in ("contiguous", "channels_last") for n in threads}


class OnnxRuntime:
    """Sampling, by networks that PyTorch exports. A network whose outputs differ from PyTorch's is not timed."""
    title = "ONNX Runtime"

    def __init__(self, options):
        self.packages, self.node = os.path.abspath(options.onnxruntime), shutil.which("node")
        if self.node is None or not os.path.isdir(f"{self.packages}/node_modules/onnxruntime-node"):
            raise Missing(f"without ONNX Runtime: it is not in {options.onnxruntime} (scripts/setup onnxruntime)")
        self.worker = os.path.join(HERE, "..", "onnxruntime", "worker.mjs")
        self.export = os.path.join(HERE, "..", "onnxruntime", "export.py")
        self.version = output_of(self.node, self.worker, self.packages).strip()
        self.exported = output_of(PEER, self.export, "--list").split()

    def ways(self, workload, threads):
        if workload not in self.exported:
            return {}
        folder = f"{self.packages}/networks/{workload}"
        subprocess.run([PEER, self.export, workload, folder], check=True)
        commands = {threads_in_words(n): (self.node, self.worker, self.packages, folder, n) for n in threads}
        return {way: command for way, command in commands.items()
                if subprocess.run([*map(str, command), "--check"]).returncode == 0}


class Dlib:
    """The workloads of its programs dlib_*."""
    title = "dlib"

    def __init__(self, options):
        paths = [path for name, path in programs_in(options.directory).items() if name.startswith("dlib_")]
        if not paths:
            raise Missing(f"without dlib: no program dlib_* in {options.directory} (scripts/setup dlib)")
        self.version = output_of(paths[0], "--peer").strip()
        self.workloads = workloads(paths)

    def ways(self, workload, threads):
        if workload not in self.workloads:
            return {}
        return {threads_in_words(n): (self.workloads[workload][0], workload, n) for n in threads}


PEERS = {"pytorch": PyTorch, "onnxruntime": OnnxRuntime, "dlib": Dlib}


def peers(names, options):
    """Those of the names that are there; says so of the others."""
    found = []
    for name in names:
        try:
            found.append(PEERS[name](options))
        except Missing as why:
            print(why)
    return found
