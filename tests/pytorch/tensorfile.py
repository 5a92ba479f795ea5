# SPDX-License-Identifier: MIT
"""Safetensors files with json and numpy alone: https://github.com/huggingface/safetensors"""
import json

import numpy

TYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4"}
NAMES = {there: here for here, there in TYPES.items()}


def write(path, arrays):
    """Writes arrays, by name."""
    header, body = {}, b""
    for name, x in arrays.items():
        header[name] = {"dtype": NAMES[x.dtype.str], "shape": x.shape,
                        "data_offsets": [len(body), len(body) + x.nbytes]}
        body += x.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def read(path):
    """The arrays of a file, by name."""
    data = path.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    header.pop("__metadata__", None)
    return {name: numpy.frombuffer(data[begin + x["data_offsets"][0]:begin + x["data_offsets"][1]], TYPES[x["dtype"]])
                       .reshape(x["shape"]) for name, x in header.items()}
