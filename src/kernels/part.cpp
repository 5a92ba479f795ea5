// SPDX-License-Identifier: MIT
#include "table.hpp"

using namespace flipbook::parts;

/// The kernel with this name and key of the part, which is compiled for one instruction set; null if there is none.
extern "C" void (*FLIPBOOK_KERNELS_PART(const char* name, const char* key))() {
  static const Table table = [] {
    Table kernels;
    add_attention(kernels);
    add_conv(kernels);
    add_elementwise(kernels);
    add_fused(kernels);
    add_indices(kernels);
    add_matmul(kernels);
    add_norm(kernels);
    add_recurrent(kernels);
    add_reduce(kernels);
    add_resample(kernels);
    add_softmax(kernels);
    add_update(kernels);
    return kernels;
  }();
  return table.find(name, key);
}
