// SPDX-License-Identifier: MIT
#pragma once

// The part of cuBLASLt that the library uses, as its manual defines it: column-major matrices with a leading
// dimension, batches at strides, operands transposed or not, beta, a bias for every row of the result, a workspace.
// It is as strict as the library may be: pointers as aligned as was promised, a workspace as large as was asked for.

#include <algorithm>
#include <vector>

#include <cuda_runtime.h>

#include <flipbook/core/scalar.hpp>

enum cublasStatus_t { CUBLAS_STATUS_SUCCESS = 0, CUBLAS_STATUS_INVALID_VALUE = 7, CUBLAS_STATUS_NOT_SUPPORTED = 15 };
enum cudaDataType_t { CUDA_R_32F = 0, CUDA_R_64F = 1, CUDA_R_16F = 2, CUDA_R_16BF = 14 };
enum cublasComputeType_t { CUBLAS_COMPUTE_32F = 68, CUBLAS_COMPUTE_64F = 70, CUBLAS_COMPUTE_32F_FAST_TF32 = 77 };
enum cublasOperation_t { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 };
enum cublasLtEpilogue_t { CUBLASLT_EPILOGUE_DEFAULT = 1, CUBLASLT_EPILOGUE_BIAS = 4 };
enum cublasLtMatmulDescAttributes_t {
  CUBLASLT_MATMUL_DESC_TRANSA = 3,
  CUBLASLT_MATMUL_DESC_TRANSB = 4,
  CUBLASLT_MATMUL_DESC_EPILOGUE = 7,
  CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8,
  CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE = 26,
};
enum cublasLtMatrixLayoutAttribute_t {
  CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT = 5,
  CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET = 6,
};
enum cublasLtMatmulPreferenceAttributes_t {
  CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES = 5,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES = 6,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES = 7,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES = 8,
};

namespace emulated::blas {

struct Product {
  cublasComputeType_t compute{};
  cudaDataType_t scale{}, bias_type{};
  cublasOperation_t a = CUBLAS_OP_N, b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
};
struct Layout {
  cudaDataType_t type{};
  std::uint64_t rows = 0, columns = 0;
  std::int64_t ld = 0, stride = 0;
  std::int32_t batch = 1;
};
struct Preference {
  std::uint64_t workspace = 0;
  std::uint32_t alignment[4] = {256, 256, 256, 256};
};

/// How many products have run, by the place of their algorithm among those that were recommended.
inline std::size_t products_run[8] = {};
/// What the tests set: how many algorithms are recommended, and whether they then refuse to run.
inline int recommends = 3;
inline bool refuses = false;

inline double read(cudaDataType_t type, const void* data, std::int64_t i) {
  switch (type) {
    case CUDA_R_32F: return static_cast<const float*>(data)[i];
    case CUDA_R_64F: return static_cast<const double*>(data)[i];
    case CUDA_R_16F: return static_cast<const flipbook::half*>(data)[i];
    case CUDA_R_16BF: return static_cast<const flipbook::bfloat16*>(data)[i];
  }
  std::abort();
}
inline void write(cudaDataType_t type, void* data, std::int64_t i, double value) {
  switch (type) {
    case CUDA_R_32F: static_cast<float*>(data)[i] = static_cast<float>(value); return;
    case CUDA_R_64F: static_cast<double*>(data)[i] = value; return;
    case CUDA_R_16F: static_cast<flipbook::half*>(data)[i] = flipbook::half(static_cast<float>(value)); return;
    case CUDA_R_16BF: static_cast<flipbook::bfloat16*>(data)[i] = flipbook::bfloat16(static_cast<float>(value)); return;
  }
  std::abort();
}
inline double round_to_tf32(double x) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(x));
  return static_cast<double>(std::bit_cast<float>((bits + 0x1000U) & ~0x1fffU));
}

inline void multiply(const Product& p, double alpha, const void* a, const Layout& al, const void* b, const Layout& bl,
                     double beta, const void* c, const Layout& cl, void* d, const Layout& dl) {
  const bool tf32 = p.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  const std::uint64_t depth = p.a == CUBLAS_OP_N ? al.columns : al.rows;
  const auto element = [tf32](const void* data, const Layout& l, bool transposed, std::int64_t batch, std::uint64_t i,
                              std::uint64_t j) {
    const auto row = static_cast<std::int64_t>(transposed ? j : i),
               column = static_cast<std::int64_t>(transposed ? i : j);
    const double value = read(l.type, data, batch * l.stride + column * l.ld + row);
    return tf32 ? round_to_tf32(value) : value;
  };
  for (std::int64_t batch = 0; batch < dl.batch; ++batch) {
    for (std::uint64_t j = 0; j < dl.columns; ++j) {
      for (std::uint64_t i = 0; i < dl.rows; ++i) {
        double sum = 0;
        for (std::uint64_t k = 0; k < depth; ++k) {
          sum += element(a, al, p.a == CUBLAS_OP_T, batch, i, k) * element(b, bl, p.b == CUBLAS_OP_T, batch, k, j);
        }
        sum *= alpha;
        const std::int64_t column = static_cast<std::int64_t>(j), row = static_cast<std::int64_t>(i);
        if (beta != 0) sum += beta * read(cl.type, c, batch * cl.stride + column * cl.ld + row);
        if (p.epilogue == CUBLASLT_EPILOGUE_BIAS) sum += read(p.bias_type, p.bias, row);
        write(dl.type, d, batch * dl.stride + column * dl.ld + row, sum);
      }
    }
  }
}

}  // namespace emulated::blas

using cublasLtMatmulDesc_t = emulated::blas::Product*;
using cublasLtMatrixLayout_t = emulated::blas::Layout*;
using cublasLtMatmulPreference_t = emulated::blas::Preference*;
using cublasLtHandle_t = struct cublasLtContext*;
struct cublasLtMatmulAlgo_t {
  std::uint64_t data[8];  ///< the place among those recommended, the workspace, and four alignments
};
struct cublasLtMatmulHeuristicResult_t {
  cublasLtMatmulAlgo_t algo;
  std::size_t workspaceSize;
  cublasStatus_t state;
  float wavesCount;
  int reserved[4];
};

inline const char* cublasLtGetStatusName(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS         ? "CUBLAS_STATUS_SUCCESS"
         : status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE"
                                                 : "CUBLAS_STATUS_NOT_SUPPORTED";
}
inline const char* cublasLtGetStatusString(cublasStatus_t) { return "as emulated"; }

inline cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(handle);
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t compute,
                                               cudaDataType_t scale) {
  *made = new emulated::blas::Product{.compute = compute, .scale = scale};
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product) {
  delete product;
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t p, cublasLtMatmulDescAttributes_t attribute,
                                                     const void* value, std::size_t bytes) {
  const auto set = [&](auto& to) {
    if (bytes != sizeof to) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&to, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
  };
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA: return set(p->a);
    case CUBLASLT_MATMUL_DESC_TRANSB: return set(p->b);
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return set(p->epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return set(p->bias);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: return set(p->bias_type);
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}

inline cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType_t type, std::uint64_t rows,
                                                 std::uint64_t columns, std::int64_t ld) {
  *made = new emulated::blas::Layout{.type = type, .rows = rows, .columns = columns, .ld = ld};
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                       cublasLtMatrixLayoutAttribute_t attribute, const void* value,
                                                       std::size_t bytes) {
  void* const to =
      attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT ? static_cast<void*>(&layout->batch) : &layout->stride;
  if (bytes != (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT ? sizeof layout->batch : sizeof layout->stride)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  std::memcpy(to, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

inline cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  *made = new emulated::blas::Preference;
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                           cublasLtMatmulPreferenceAttributes_t attribute,
                                                           const void* value, std::size_t bytes) {
  if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) {
    if (bytes != sizeof preference->workspace) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&preference->workspace, value, bytes);
  } else {
    if (bytes != sizeof(std::uint32_t)) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&preference->alignment[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, bytes);
  }
  return CUBLAS_STATUS_SUCCESS;
}

/// Recommends some algorithms, of which each asks for more workspace; none with a bias in double.
inline cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t p, cublasLtMatrixLayout_t,
                                                     cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                                     cublasLtMatrixLayout_t, cublasLtMatmulPreference_t preference,
                                                     int most, cublasLtMatmulHeuristicResult_t* results, int* count) {
  *count = 0;
  if (p->epilogue == CUBLASLT_EPILOGUE_BIAS && p->compute == CUBLAS_COMPUTE_64F) return CUBLAS_STATUS_NOT_SUPPORTED;
  for (int i = 0; i < std::min(most, emulated::blas::recommends); ++i) {
    const std::uint64_t workspace = static_cast<std::uint64_t>(i) * 1000;
    if (workspace > preference->workspace) break;
    cublasLtMatmulHeuristicResult_t& result = results[(*count)++] = {};
    result.algo.data[0] = static_cast<std::uint64_t>(i), result.algo.data[1] = workspace;
    for (int j = 0; j < 4; ++j) result.algo.data[2 + j] = preference->alignment[j];
    result.workspaceSize = workspace;
    result.state = CUBLAS_STATUS_SUCCESS;
  }
  return CUBLAS_STATUS_SUCCESS;
}

inline cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t p, const void* alpha, const void* a,
                                     cublasLtMatrixLayout_t al, const void* b, cublasLtMatrixLayout_t bl,
                                     const void* beta, const void* c, cublasLtMatrixLayout_t cl, void* d,
                                     cublasLtMatrixLayout_t dl, const cublasLtMatmulAlgo_t* algorithm, void* workspace,
                                     std::size_t workspace_bytes, cudaStream_t stream) {
  const auto rows = [](const emulated::blas::Layout& l, cublasOperation_t o) {
    return o == CUBLAS_OP_N ? l.rows : l.columns;
  };
  const auto columns = [](const emulated::blas::Layout& l, cublasOperation_t o) {
    return o == CUBLAS_OP_N ? l.columns : l.rows;
  };
  const auto spans = [](const emulated::blas::Layout& l) { return l.ld >= static_cast<std::int64_t>(l.rows); };
  const bool fits = rows(*al, p->a) == dl->rows && columns(*bl, p->b) == dl->columns &&
                    columns(*al, p->a) == rows(*bl, p->b) && cl->rows == dl->rows && cl->columns == dl->columns &&
                    al->batch == dl->batch && bl->batch == dl->batch && cl->batch == dl->batch &&
                    al->type == bl->type && spans(*al) && spans(*bl) && spans(*cl) && spans(*dl);
  const void* const places[4] = {a, b, c, d};
  bool aligned = true;
  for (int i = 0; i < 4; ++i)
    aligned = aligned && std::bit_cast<std::uintptr_t>(places[i]) % algorithm->data[2 + i] == 0;
  const bool biased = p->epilogue == CUBLASLT_EPILOGUE_BIAS;
  if (!fits || !aligned || workspace_bytes < algorithm->data[1] || (biased && p->bias == nullptr))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (emulated::blas::refuses) return CUBLAS_STATUS_NOT_SUPPORTED;
  const auto scale = [p](const void* x) { return emulated::blas::read(p->scale, x, 0); };
  const auto work = [=, product = *p, al = *al, bl = *bl, cl = *cl, dl = *dl, alpha = scale(alpha), beta = scale(beta),
                     place = algorithm->data[0], used = algorithm->data[1]] {
    std::memset(workspace, 0xff, used);
    emulated::blas::multiply(product, alpha, a, al, b, bl, beta, c, cl, d, dl);
    ++emulated::blas::products_run[place];
  };
  return emulated::enqueue(stream, "cublasLtMatmul", work) == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                                                          : CUBLAS_STATUS_INVALID_VALUE;
}
