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


def worst(a, b):
    """The largest distance between tensors of the same name, and that name."""
    assert a.keys() == b.keys(), f"of flipbook alone: {a.keys() - b.keys()}, of PyTorch alone: {b.keys() - a.keys()}"
    return max((distance(a[name], b[name]), name) for name in b)


def main():
    group, program = sys.argv[1:]
    cases = importlib.import_module(group).CASES
    failures = []
    with tempfile.TemporaryDirectory(prefix="flipbook_pytorch_") as root:
        folders = {(name, dtype): pathlib.Path(root, str(dtype).removeprefix("torch."), name)
                   for name in cases for dtype in (torch.float32, torch.float64)}
        for name, case in cases.items():
            case.draw(name)
        for (name, dtype), folder in folders.items():
            folder.mkdir(parents=True)
            cases[name].write(folder, dtype)
        subprocess.run([program, root], check=True)
        for (name, dtype), folder in folders.items():
            case, number = cases[name], "float" if dtype == torch.float32 else "double"
            try:
                expected = case.expected(dtype, folder)
                error, where = worst(case.got(folder, dtype), expected)
                own = worst(expected, case.expected(torch.float64, folder))[0] if dtype == torch.float32 else None
            except (AssertionError, KeyError, OSError, RuntimeError) as problem:
                failures.append(f"{name} in {number}: {problem}")
                continue
            rounding = "" if own is None else f"   PyTorch's own {own:8.1e}"
            print(f"{name:36} {number:6} {error:8.1e}  {where:32}{rounding}")
            if not error <= case.tolerance[dtype]:
                failures.append(f"{name} in {number}: {where} is off by {error:.1e}, more than {case.tolerance[dtype]:.0e}")
    for failure in failures:
        print("FAILED", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
