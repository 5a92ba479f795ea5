#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""benchmarks/cuda/stages.py, what scripts/gpu --run does on a device, with programs that stand for those of a device.

usage: stages.py [--emulated PROGRAM FILE… [--python PROGRAM]]
  --emulated PROGRAM FILE…  tests of tests/cuda as the host runs them, in the place of a stand-in, and PyTorch on the
                            host; of the files, `failing` must fail and the others pass
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

STAGES = pathlib.Path(__file__).resolve().parent.parent.parent / "benchmarks/cuda/stages.py"

# Tests of which one fails, one crashes, and one ends only when it is told to; of the last there is no time.
TESTS = """#!/bin/bash
echo "$@" >> "${0%/*}/calls"
case "$*" in
  *bad.cu*)
    printf 'TEST CASE:  it adds, twice\\n\\n  one\\n\\nbad.cu:7: ERROR: CHECK( 1 == 2 ) is NOT correct!\\n'
    exit 1 ;;
  *crashing.cu*) exit 139 ;;
  *endless.cu*) exec sleep 1000 ;;
esac
echo '[doctest] Status: SUCCESS!'
"""
STEPS = """#!/bin/bash
printf '%-26s %-9s %4d× %10.3f ms %10.3f ms\\n' "$2" "$1" 1 2.5 2.4
"""
PYTHON = """#!/bin/bash
[[ $2 == --compile ]] && shift
printf '%-26s %-9s %4d× %10.3f ms %10.3f ms\\n' "$3_step" "$2" 1 5 4.9
"""
# Says what it was called with, and runs the program that it was given.
TOOL = """#!/bin/bash
echo "${0##*/} $*"
for ((i = 1; i <= $#; ++i)); do [[ -x ${!i} && ${!i} == /* ]] && exec "${@:i}"; done
"""


def write(path, text):
    path.write_text(text)
    path.chmod(0o755)


def package_of(folder, emulated, files):
    package, tools = folder / "package", folder / "tools"
    package.mkdir()
    tools.mkdir()
    (package / "files.txt").write_text("\n".join(files))
    if emulated:
        (package / "test_device").symlink_to(emulated.resolve())
    else:
        write(package / "test_device", TESTS)
    write(package / "cuda_steps", STEPS)
    write(package / "cuda_kernels", "#!/bin/bash\necho product 8192\n")
    write(tools / "python", PYTHON)
    for tool in ("nvidia-smi", "compute-sanitizer", "ncu"):
        write(tools / tool, TOOL)
    return package, tools


def stages(folder, package, tools, *more):
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "FLIPBOOK_PYTORCH_DEVICE": "cpu"}
    done = subprocess.run([sys.executable, str(STAGES), str(package), "--out", str(folder / "out"), *more],
                          env=environment, stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    return done, json.loads((folder / "out/state.json").read_text())


def check(fact, what):
    if not fact:
        sys.exit(f"FAILED: {what}")


def with_stand_ins(folder):
    package, tools = package_of(folder, None, ["good", "bad", "crashing", "endless"])
    python = ("--python", str(tools / "python"))
    done, state = stages(folder, package, tools, *python, "--share", "0.01")
    outcome = {name: entry["outcome"] for name, entry in state.items()}
    check(outcome["test good"] == "passed" and outcome["test bad"] == "FAILED", "what passes and what fails is told")
    check(outcome["test endless"] == "timed out", "what does not end is ended")
    check(done.returncode == 1, "a failed test fails the run")
    log = (folder / "out/memcheck.log").read_text()
    check("--tool memcheck" in log and "--test-case=it adds? twice" in log, "a failed case runs again under memcheck")
    check("memcheck crashing: all" in outcome, "a file that crashed runs again whole")
    check(len(list((folder / "out").iterdir())) <= 8, "logs are eight at most")
    check("video_vae bfloat16 × 1            2.500      5.000      5.000" in done.stdout, "the table compares steps")

    calls = (package / "calls").read_text().splitlines()
    check(sum("endless.cu" in call and "--no-colors" in call and "test-case" not in call for call in calls) >= 1, "ran")
    state["test good"]["outcome"] = "no time"
    (folder / "out/state.json").write_text(json.dumps(state))
    (package / "calls").unlink()
    _, state = stages(folder, package, tools, *python, "--share", "0.01", "--stages", "1")
    again = (package / "calls").read_text()
    check("good.cu" in again and "bad.cu" not in again, "what had no time is done by the next call, and only that")
    check(state["test good"]["outcome"] == "passed", "and noted")

    (folder / "out/state.json").unlink()
    _, state = stages(folder, package, tools, *python, "--share", "0.0001", "--stages", "1,4")
    check({entry["outcome"] for entry in state.values()} <= {"no time", "timed out", "passed", "FAILED"} and
          any(entry["outcome"] == "no time" for entry in state.values()), "a stage without time leaves things undone")


def emulated(folder, program, files, python):
    package, tools = package_of(folder, program, files)
    _, state = stages(folder, package, tools, "--python", python, "--share", "0.2")
    check(len(list((folder / "out").iterdir())) <= 8, "logs are eight at most")
    for name in files:
        failed = state[f"test {name}"]["outcome"] == "FAILED"
        again = [entry for entry in state if entry.startswith(f"memcheck {name}: ")]
        check(failed == (name == "failing") == bool(again), f"{name} fails as it should, and runs again")
    print(*again, sep="\n")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--emulated", type=pathlib.Path, nargs="+")
    parser.add_argument("--python", default="/usr/bin/python3")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.emulated:
            program, *files = options.emulated
            emulated(pathlib.Path(folder), program, list(map(str, files)), options.python)
        else:
            with_stand_ins(pathlib.Path(folder))


if __name__ == "__main__":
    main()
