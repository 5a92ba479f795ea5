#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Whether ONNX Runtime computes what PyTorch does, of every network that export.py exports.

usage: check.py PACKAGES     PACKAGES: where scripts/setup onnxruntime put it; without it the status is 77
"""
import pathlib
import sys
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pytorch"))
from sides import Missing, OnnxRuntime


def main():
    try:
        peer = OnnxRuntime(types.SimpleNamespace(onnxruntime=sys.argv[1]))
    except Missing as why:
        print(why)
        sys.exit(77)
    differ = [workload for workload in peer.exported if not peer.ways(workload, [1])]
    print(f"{peer.version}: {len(peer.exported) - len(differ)} of {len(peer.exported)} networks agree with PyTorch")
    sys.exit(bool(differ))


if __name__ == "__main__":
    main()
