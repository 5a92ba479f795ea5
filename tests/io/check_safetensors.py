# SPDX-License-Identifier: MIT
"""An independent reader and writer of safetensors files, for tests: json and numpy alone.

check_safetensors.py read FILE    prints the header's facts and each tensor's sum, one line each
check_safetensors.py write FILE   writes a small file as PyTorch's exporters lay it out
"""
import json
import struct
import sys

import numpy

TYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "|u1"}


def read(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    assert length % 8 == 0, "the numbers are not aligned"
    header = json.loads(data[8:8 + length].decode("utf-8"))
    body = data[8 + length:]
    for key, value in sorted(header.pop("__metadata__", {}).items()):
        print("metadata", key, value)
    end = 0
    for name, entry in sorted(header.items()):
        first, last = entry["data_offsets"]
        end = max(end, last)
        if entry["dtype"] == "BF16":
            upper = numpy.frombuffer(body[first:last], "<u2").astype("<u4") << 16
            x = upper.view("<f4").reshape(entry["shape"])
        else:
            x = numpy.frombuffer(body[first:last], TYPES[entry["dtype"]]).reshape(entry["shape"])
        ramp = numpy.arange(1, x.size + 1, dtype="f8")
        shape = ",".join(str(extent) for extent in entry["shape"])
        print(name, entry["dtype"], f"({shape})", "%.6f" % float((x.reshape(-1).astype("f8") * ramp).sum()))
    assert end == len(body), "the tensors do not fill the file"


def write(path):
    tensors = {
        "layer.weight": numpy.arange(6, dtype="<f4").reshape(2, 3) / 4,
        "layer.half": numpy.array([1.5, -2.0, 6e-8, 65504.0], dtype="<f2"),
        "steps": numpy.array(7, dtype="<i8"),
        "mask": numpy.array([True, False, True]),
    }
    names = {"<f4": "F32", "<f2": "F16", "<i8": "I64", "|b1": "BOOL"}
    header, body = {"__metadata__": {"format": "pt"}}, b""
    for name, x in tensors.items():
        header[name] = {"dtype": names[x.dtype.str], "shape": list(x.shape),
                        "data_offsets": [len(body), len(body) + x.nbytes]}
        body += x.tobytes()
    text = json.dumps(header).encode("utf-8")  # not padded: readers must not rely on alignment
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + body)


{"read": read, "write": write}[sys.argv[1]](sys.argv[2])
