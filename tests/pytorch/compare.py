# SPDX-License-Identifier: MIT
"""compare.py GROUP PROGRAM: the cases of GROUP.py in PyTorch and in the C++ program, in float and double.

Prints the largest error of each case, and beside float's how far PyTorch's own float is from its double. Fails where
an error exceeds the case's tolerance, or where the two have different cases. Exits with 77 where there is no PyTorch.
"""
import importlib
import pathlib
import subprocess
import sys
import tempfile

try:
    import torch
except ImportError:
    sys.exit(print("skipped: this Python has no PyTorch (Debian: apt install python3-torch)") or 77)


def distance(a, b):
    """The largest difference, relative to the largest element of b."""
    assert a.shape == b.shape, f"shape {tuple(a.shape)} for {tuple(b.shape)}"
    if b.numel() == 0:
        return 0.0
    a, b = a.double(), b.double()
    difference, size = (a - b).abs().max().item(), b.abs().max().item()
    return difference / size if size > 0 else difference


def distances(a, b):
    """Between tensors of the same name."""
    assert a.keys() == b.keys(), f"of flipbook alone: {a.keys() - b.keys()}, of PyTorch alone: {b.keys() - a.keys()}"
    return {name: distance(a[name], b[name]) for name in b}


def largest_of_kind(errors):
    """For each tensor the largest of those of its kind, such as all biases: where a gradient is zero but for rounding,
    chance decides which of them is far off."""
    kinds = {}
    for name, error in errors.items():
        kind = name.rsplit(".", 1)[-1]
        kinds[kind] = max(kinds.get(kind, 0), error)
    return {name: kinds[name.rsplit(".", 1)[-1]] for name in errors}


def check(case, folder, dtype):
    """Prints the largest error of a case, and returns it with what is beyond its tolerance."""
    expected = case.expected(dtype, folder)
    errors = distances(case.got(folder, dtype), expected)
    where = max(errors, key=errors.get)
    print(f"{folder.name:28} {str(dtype)[6:]} {errors[where]:8.1e}  {where:36}", end="")
    own = dict.fromkeys(errors, 0)
    if dtype == torch.float32:
        own = distances(expected, case.expected(torch.float64, folder))
        print(f" PyTorch's own {max(own.values()):8.1e}", end="")
    print()
    own = largest_of_kind(own)
    allowed = {name: max(case.tolerance[dtype], case.own_errors * own[name]) for name in errors}
    return errors[where], [f"{name} is off by {errors[name]:.1e}, more than {allowed[name]:.1e}"
                           for name in errors if not errors[name] <= allowed[name]]


def main():
    group, program = sys.argv[1:]
    cases = importlib.import_module(group).CASES
    largest, failures = {torch.float32: 0, torch.float64: 0}, []
    with tempfile.TemporaryDirectory(prefix="flipbook_pytorch_") as root:
        folders = {(name, dtype): pathlib.Path(root, str(dtype)[6:], name) for name in cases for dtype in largest}
        for name, case in cases.items():
            case.draw(name)
        for (name, dtype), folder in folders.items():
            folder.mkdir(parents=True)
            cases[name].write(folder, dtype)
        if subprocess.run([program, root]).returncode != 0:
            failures.append(f"{program} failed, with the message above")
        for (name, dtype), folder in folders.items():
            try:
                error, problems = check(cases[name], folder, dtype)
                largest[dtype] = max(largest[dtype], error)
            except (AssertionError, KeyError, OSError, RuntimeError) as problem:
                problems = [repr(problem)]
            failures += [f"{name} {str(dtype)[6:]}: {problem}" for problem in problems]
    print(f"{group}: {len(cases)} cases, off by at most",
          " and ".join(f"{x:.1e} in {str(d)[6:]}" for d, x in largest.items()))
    for failure in failures:
        print("FAILED", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
