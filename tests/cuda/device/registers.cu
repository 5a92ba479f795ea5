// SPDX-License-Identifier: MIT
// What registers.py compiles for its registers: kernels that programs spend their time in, and those of the most
// registers.
#include <flipbook/backend/cuda/attention/gradient.hpp>
#include <flipbook/backend/cuda/conv/conv.hpp>
#include <flipbook/backend/cuda/norm/normalize.hpp>
#include <flipbook/ops/elementwise/unary.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

using Gelu = Epilogue<function::Gelu>;
template __global__ void row_gradient<double, 2, Gelu>(RowPlan, Index, double, bool, const double*, const double*,
                                                       const double*, const double*, const double*, Gelu, const double*,
                                                       const double*, double*);
template __global__ void normalize_rows<double, 2, Gelu>(RowPlan, Index, double, bool, const double*, const double*,
                                                         const double*, Gelu, double*, double*, double*);

namespace detail {

using Gemm = ImplicitGemm<bfloat16>;
template __global__ void implicit_gemm<bfloat16, true, 128, false>(const __grid_constant__ Gemm);
template __global__ void implicit_gemm<bfloat16, true, 128, true>(const __grid_constant__ Gemm);
template __global__ void weight_gradient<bfloat16, true, 128>(const __grid_constant__ WeightGradient<bfloat16>);

using Tiles = AttentionTiles<bfloat16, true, 64, 64>;
template __global__ void attention<bfloat16, Tiles>(AttentionWork<bfloat16>, HeadRows<bfloat16>);
template __global__ void attention_queries<bfloat16, Tiles>(AttentionGradientWork<bfloat16>, HeadRows<bfloat16>);
template __global__ void attention_keys<bfloat16, Tiles>(AttentionGradientWork<bfloat16>, HeadRows<bfloat16>,
                                                         HeadRows<bfloat16>);

}  // namespace detail
}  // namespace flipbook::cuda
