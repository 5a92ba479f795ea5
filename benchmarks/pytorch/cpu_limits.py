# SPDX-License-Identifier: MIT
"""Keeps libraries at their best: an environment, or a library older than the processor, may hold one to AVX2."""
import os


def lift_cpu_limits():
    """Lets OpenBLAS, oneDNN and PyTorch of this process and of its children use all that the processor has; call it
    before they are loaded."""
    for held_back in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "OPENBLAS_L2_SIZE", "OPENBLAS_CORETYPE",
                      "ATEN_CPU_CAPABILITY"):
        os.environ.pop(held_back, None)
    if os.path.exists("/proc/cpuinfo") and "avx512f" in open("/proc/cpuinfo").read():
        os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
        os.environ["ATEN_CPU_CAPABILITY"] = "avx512"
