// SPDX-License-Identifier: MIT
// What flipbook::kernels has besides kernels: the functions that programs need not compile (FLIPBOOK_COMPILED).
#include <flipbook/core/compiled.ipp>
#include <flipbook/core/error.ipp>
#include <flipbook/core/type_name.ipp>
#include <flipbook/io/atomic_file.ipp>
#include <flipbook/io/file.ipp>
#include <flipbook/io/gif.ipp>
#include <flipbook/io/json.ipp>
#include <flipbook/io/palette.ipp>
#include <flipbook/io/safetensors.ipp>
#include <flipbook/nn/summary.ipp>
#include <flipbook/ops/conv/conv.ipp>
#include <flipbook/optim/group.ipp>
#include <flipbook/train/agreement.ipp>
#include <flipbook/train/checkpoint.ipp>
#include <flipbook/train/description.ipp>
#include <flipbook/train/diagnosis.ipp>
#include <flipbook/train/history.ipp>
#include <flipbook/train/interrupt.ipp>
#include <flipbook/train/keeper.ipp>
#include <flipbook/train/monitor.ipp>
#include <flipbook/train/plan_memory.ipp>
#include <flipbook/train/progress.ipp>
#include <flipbook/train/train_step.ipp>
#include <flipbook/train/weights.ipp>

#ifdef _OPENMP
static_assert(FLIPBOOK_COMPILED, "flipbook::kernels has the functions of programs for the lowest level");
#endif
