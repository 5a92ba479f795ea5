// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <mutex>
#include <optional>

#include <cublasLt.h>

#include <flipbook/backend/cuda/runtime/autotune.hpp>
#include <flipbook/backend/cuda/runtime/launch.hpp>
#include <flipbook/backend/cuda/runtime/scratch.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Throws an Error that names the call, unless the call of cuBLASLt succeeded.
inline void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) [[unlikely]] {
    fail("Cuda: ", call, ": ", cublasLtGetStatusName(status), ": ", cublasLtGetStatusString(status));
  }
}

/// c[i] = op(a[i]) op(b[i]) (+ bias) (+ onto[i]) for each matrix i of the batch, all row-major and contiguous.
struct ProductShape {
  bool transpose_a = false, transpose_b = false;
  Index m = 0, n = 0, k = 0, batch = 1;  ///< c (m, n), summed over k
};

namespace detail {

template <class T>
inline constexpr cudaDataType_t blas_type = std::is_same_v<T, double>     ? CUDA_R_64F
                                            : std::is_same_v<T, float>    ? CUDA_R_32F
                                            : std::is_same_v<T, bfloat16> ? CUDA_R_16BF
                                                                          : CUDA_R_16F;
template <class T>
cublasComputeType_t compute_type() {
  if constexpr (std::is_same_v<T, double>) return CUBLAS_COMPUTE_64F;
  else if (std::is_same_v<T, float> && arithmetic().tf32) return CUBLAS_COMPUTE_32F_FAST_TF32;
  else return CUBLAS_COMPUTE_32F;
}

/// The largest power of two, 256 at most, that divides an address.
inline Index alignment_of(const void* pointer) {
  return Index{1} << std::min(8, std::countr_zero(std::bit_cast<std::uintptr_t>(pointer) | 256));
}

/// A product in cuBLASLt's terms. Its matrices are column-major, so that it reads a row-major matrix as its transpose:
/// it computes  cᵀ = op(b)ᵀ op(a)ᵀ,  with b first.
struct ProductPlan {
  cublasLtMatmulDesc_t product{};
  cublasLtMatrixLayout_t first{}, second{}, out{};  ///< bᵀ, aᵀ, cᵀ
  cublasLtMatmulAlgo_t algorithm{};
  std::size_t workspace = 0;
  bool adds_bias = false;  ///< in its epilogue; otherwise c is first filled with the bias, and the product added
};

inline cublasLtMatrixLayout_t layout(cudaDataType_t type, Index rows, Index columns, Index batch) {
  cublasLtMatrixLayout_t made{};
  check(cublasLtMatrixLayoutCreate(&made, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns),
                                   rows),
        "cublasLtMatrixLayoutCreate");
  const auto count = static_cast<std::int32_t>(batch);
  const std::int64_t stride = rows * columns;
  check(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count),
        "batch count");
  check(cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride),
        "batch stride");
  return made;
}

template <class X>
void set(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t attribute, const X& value) {
  check(cublasLtMatmulDescSetAttribute(product, attribute, &value, sizeof value), "cublasLtMatmulDescSetAttribute");
}

template <class T>
ProductPlan describe(const ProductShape& s, const T* bias) {
  ProductPlan plan;
  const cublasOperation_t first = s.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                          second = s.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  check(cublasLtMatmulDescCreate(&plan.product, compute_type<T>(), blas_type<Wide<T>>), "cublasLtMatmulDescCreate");
  set(plan.product, CUBLASLT_MATMUL_DESC_TRANSA, first);
  set(plan.product, CUBLASLT_MATMUL_DESC_TRANSB, second);
  plan.first = s.transpose_b ? layout(blas_type<T>, s.k, s.n, s.batch) : layout(blas_type<T>, s.n, s.k, s.batch);
  plan.second = s.transpose_a ? layout(blas_type<T>, s.m, s.k, s.batch) : layout(blas_type<T>, s.k, s.m, s.batch);
  plan.out = layout(blas_type<T>, s.n, s.m, s.batch);
  plan.adds_bias = bias != nullptr;
  if (bias != nullptr) {
    set(plan.product, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    set(plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    set(plan.product, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, blas_type<T>);
  }
  return plan;
}
inline void destroy(const ProductPlan& plan) {
  for (const auto made : {plan.first, plan.second, plan.out})
    check(cublasLtMatrixLayoutDestroy(made), "cublasLtMatrixLayoutDestroy");
  check(cublasLtMatmulDescDestroy(plan.product), "cublasLtMatmulDescDestroy");
}

/// The product if cuBLASLt has no kernel for it, or if k = 0: one thread for each element of c.
template <class T>
__global__ void plain_product(ProductShape s, const T* a, const T* b, const T* bias, const T* onto, T* c) {
  for (Index i = thread_number(); i < s.batch * s.m * s.n; i += thread_count()) {
    const Index column = i % s.n, row = i / s.n % s.m, matrix = i / s.n / s.m;
    const T* left = a + matrix * s.m * s.k + row * (s.transpose_a ? 1 : s.k);
    const T* right = b + matrix * s.k * s.n + column * (s.transpose_b ? s.k : 1);
    Wide<T> sum = bias == nullptr ? Wide<T>(0) : static_cast<Wide<T>>(bias[column]);
    if (onto != nullptr) sum += static_cast<Wide<T>>(onto[i]);
    for (Index k = 0; k < s.k; ++k, left += s.transpose_a ? s.m : 1, right += s.transpose_b ? 1 : s.n) {
      sum += static_cast<Wide<T>>(*left) * static_cast<Wide<T>>(*right);
    }
    c[i] = static_cast<T>(sum);
  }
}
template <class T>
void multiply_plainly(const ProductShape& s, const T* a, const T* b, const T* bias, const T* onto, T* c) {
  launch(plain_product<T>, blocks_for(s.batch * s.m * s.n), block_threads, 0, s, a, b, bias, onto, c);
}

/// The products of one device: its cuBLASLt handle and the plans of all products computed so far.
class Blas {
 public:
  /// The instance of the calling thread's device.
  static Blas& of_device() {
    static std::mutex mutex;
    static std::array<Blas*, most_devices> known{};
    const std::lock_guard lock(mutex);
    Blas*& blas = known[static_cast<std::size_t>(device())];
    if (blas == nullptr) blas = new Blas;  // outlives every tensor of static storage
    return *blas;
  }

  /// @return  whether cuBLASLt has a kernel
  template <class T>
  bool multiply(const ProductShape& s, const T* a, const T* b, const T* bias, const T* onto, T* c) {
    const std::lock_guard lock(mutex_);
    const std::optional<ProductPlan> plan = plan_of(s, a, b, bias, onto, c);
    if (!plan) return false;
    if (plan->adds_bias) set(plan->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    if (bias != nullptr && !plan->adds_bias) {
      multiply_plainly<T>({false, false, s.m, s.n, 0, s.batch}, nullptr, nullptr, bias, onto, c);
      onto = c;
    }
    const cublasStatus_t status = run(*plan, a, b, onto, c, plan->algorithm, plan->workspace);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED) return false;
    check(status, "cublasLtMatmul");
    return true;
  }

 private:
  using Key = std::array<Index, 13>;
  static constexpr int most_candidates = 8;
  static constexpr std::size_t most_workspace = std::size_t{32} << 20;

  struct Candidates {
    cublasLtMatmulHeuristicResult_t result[most_candidates];
    int count = 0;
  };

  Blas() { check(cublasLtCreate(&handle_), "cublasLtCreate"); }

  template <class T>
  cublasStatus_t run(const ProductPlan& plan, const T* a, const T* b, const T* onto, T* c,
                     const cublasLtMatmulAlgo_t& algorithm, std::size_t workspace) const {
    const Scratch<unsigned char> buffer(static_cast<Index>(workspace));
    const Wide<T> one = 1, kept = onto != nullptr ? Wide<T>(1) : Wide<T>(0);
    const T* const added = onto != nullptr ? onto : c;
    return cublasLtMatmul(handle_, plan.product, &one, b, plan.first, a, plan.second, &kept, added, plan.out, c,
                          plan.out, &algorithm, buffer.data(), workspace, stream());
  }

  template <class T>
  std::optional<ProductPlan> plan_of(const ProductShape& s, const T* a, const T* b, const T* bias, const T* onto,
                                     T* c) {
    // cuBLASLt takes one alignment for c and what is added to it.
    const Index aligned = std::min({alignment_of(c), alignment_of(bias), alignment_of(onto)});
    Key key{blas_type<T>, compute_type<T>(), s.transpose_a,   s.transpose_b,   s.m,     s.n, s.k,
            s.batch,      bias != nullptr,   alignment_of(a), alignment_of(b), aligned, true};
    const bool timed = arithmetic().autotune && (!capturing() || plans_.contains(key));
    key.back() = timed;
    if (const auto known = plans_.find(key); known != plans_.end()) return known->second;
    ProductPlan plan = describe<T>(s, std::is_same_v<T, double> ? nullptr : bias);
    auto candidates = candidates_of(plan, alignment_of(a), alignment_of(b), aligned);
    if (candidates.count == 0 && plan.adds_bias) {
      destroy(plan);
      plan = describe<T>(s, nullptr);
      candidates = candidates_of(plan, alignment_of(a), alignment_of(b), aligned);
    }
    if (candidates.count == 0) {
      destroy(plan);
      return plans_[key];
    }
    const auto attempt = [&](int i) {
      const auto& candidate = candidates.result[i];
      return run(plan, a, b, static_cast<const T*>(nullptr), c, candidate.algo, candidate.workspaceSize) ==
             CUBLAS_STATUS_SUCCESS;
    };
    const auto& chosen = candidates.result[timed ? fastest(candidates.count, attempt) : 0];
    plan.algorithm = chosen.algo, plan.workspace = chosen.workspaceSize;
    return plans_.emplace(key, plan).first->second;
  }

  /// The algorithms that cuBLASLt recommends for matrices of these alignments, best first.
  Candidates candidates_of(const ProductPlan& plan, Index a, Index b, Index c) const {
    cublasLtMatmulPreference_t preference{};
    check(cublasLtMatmulPreferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
      check(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value),
            "cublasLtMatmulPreferenceSetAttribute");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{most_workspace});
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, static_cast<std::uint32_t>(b));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, static_cast<std::uint32_t>(a));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, static_cast<std::uint32_t>(c));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, static_cast<std::uint32_t>(c));
    Candidates found;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle_, plan.product, plan.first, plan.second, plan.out, plan.out, preference,
                                       most_candidates, found.result, &found.count);
    check(cublasLtMatmulPreferenceDestroy(preference), "cublasLtMatmulPreferenceDestroy");
    if (status != CUBLAS_STATUS_NOT_SUPPORTED) check(status, "cublasLtMatmulAlgoGetHeuristic");
    const auto* const end = std::remove_if(found.result, found.result + found.count,
                                           [](const auto& result) { return result.state != CUBLAS_STATUS_SUCCESS; });
    found.count = static_cast<int>(end - found.result);
    return found;
  }

  std::mutex mutex_;
  cublasLtHandle_t handle_{};
  std::map<Key, std::optional<ProductPlan>> plans_;  ///< none: cuBLASLt has no kernel
};

}  // namespace detail

/// c[i] = op(a[i]) op(b[i]) (+ bias) (+ onto[i]) for each matrix i of the batch; sums of bfloat16 and half are in
/// float.
/// @param bias  (n) or null    @param onto  (batch, m, n) or null
template <class T>
void product(const ProductShape& s, const T* a, const T* b, const T* bias, T* c, const T* onto = nullptr) {
  if (s.batch * s.m * s.n == 0) return;
  const bool done = s.k > 0 && detail::Blas::of_device().multiply(s, a, b, bias, onto, c);
  if (!done) detail::multiply_plainly(s, a, b, bias, onto, c);
}

}  // namespace flipbook::cuda
