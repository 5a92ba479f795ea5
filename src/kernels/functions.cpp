// SPDX-License-Identifier: MIT
// What flipbook::kernels has besides kernels: the functions that programs need not compile (FLIPBOOK_COMPILED).
#include <flipbook/io/atomic_file.ipp>
#include <flipbook/io/file.ipp>
#include <flipbook/io/gif.ipp>
#include <flipbook/io/json.ipp>
#include <flipbook/io/palette.ipp>
#include <flipbook/io/safetensors.ipp>
#include <flipbook/nn/summary.ipp>
#include <flipbook/train/checkpoint.ipp>
#include <flipbook/train/diagnosis.ipp>
#include <flipbook/train/history.ipp>
#include <flipbook/train/keeper.ipp>
#include <flipbook/train/monitor.ipp>
#include <flipbook/train/plan_memory.ipp>
#include <flipbook/train/progress.ipp>
#include <flipbook/train/weights.ipp>

#ifdef _OPENMP
static_assert(FLIPBOOK_COMPILED, "flipbook::kernels has the functions of programs for the lowest level");
#endif
