// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <optional>

#include <flipbook/backend/cuda/conv/conv.hpp>
#include <flipbook/backend/cuda/gemm/blas.hpp>
#include <flipbook/backend/cuda/shape/transpose.hpp>
#ifdef FLIPBOOK_CUDNN
#include <flipbook/backend/cuda/conv/cudnn.hpp>
#endif

/// Chooses how a convolution is computed: as one matrix product if it is one, by cuDNN if it has a kernel, otherwise by
/// the library's own kernels.

namespace flipbook::inline FLIPBOOK_ISA::cuda {

namespace detail {

/// x[i, c] += bias[c]
template <class T>
__global__ void add_bias(Index size, Index channels, const T* bias, T* x) {
  for (Index i = thread_number(); i < size; i += thread_count()) {
    x[i] = static_cast<T>(static_cast<Wide<T>>(x[i]) + static_cast<Wide<T>>(bias[i % channels]));
  }
}
template <class T>
void add_bias_to(Index pixels, Index channels, const T* bias, T* x) {
  if (bias == nullptr) return;
  launch(add_bias<T>, blocks_for(pixels * channels), block_threads, 0, pixels * channels, channels, bias, x);
}

/// The extents of a convolution that is one product  (rows, depth) · (depth, O).
struct ConvProductExtents {
  Index rows, depth;
};
/// The product if each output position reads one pixel, or if the only one reads the whole image; otherwise none.
inline std::optional<ConvProductExtents> as_product(const ConvGeometry& g) {
  constexpr ConvGeometry::Axes ones{1, 1, 1}, nothing{0, 0, 0};
  if (g.groups != 1 || g.padding != nothing) return {};
  if (g.kernel == ones && g.stride == ones) return ConvProductExtents{g.outputs(), g.in_channels};
  if (g.kernel == g.input && g.output == ones && g.dilation == ones) {
    return ConvProductExtents{g.batch, g.taps() * g.in_channels};
  }
  return {};
}

#ifdef FLIPBOOK_CUDNN

/// A convolution with its operands `first`, `second` and `out`: x, w and y in the forward pass; y, w and x for the
/// gradient with respect to the input; x, y and w for that with respect to the weights.
template <class T>
struct ConvCall {
  const ConvGeometry& geometry;
  cudnn::Pass pass;
  const T *first, *second, *bias;
  T* out;
  bool later = false;  ///< for the weights' gradient: `out` is not read before settle()

  void run_own() const {
    if (pass == cudnn::Pass::forward) direct_conv(geometry, first, second, bias, out);
    else if (pass == cudnn::Pass::by_input) direct_conv_transpose(geometry, first, second, bias, out);
    else direct_conv_weight(geometry, first, second, out);
  }

  /// cuDNN's weights are (O, taps, C / groups).
  bool run(const cudnn::Plan& plan) const {
    const ConvGeometry& g = geometry;
    const Index height = g.taps() * (g.in_channels / g.groups);
    if (pass == cudnn::Pass::by_weights) {
      return transpose_into<T>(out, g.out_channels, height, later, [&](T* weights) {
        return plan.run({first, weights, second});
      });
    }
    const bool forward = pass == cudnn::Pass::forward;
    const bool done = with_transposed<T>(height, g.out_channels, second, [&](const T* weights) {
      return plan.run(forward ? cudnn::Operands{first, weights, out} : cudnn::Operands{out, weights, first});
    });
    if (!done) return false;
    add_bias_to(forward ? g.outputs() : g.inputs(), forward ? g.out_channels : g.in_channels, bias, out);
    return true;
  }
};

/// The cuDNN plans of the convolutions that a thread has run; no plan: the library's own kernels.
template <class T>
class ConvPlans {
 public:
  /// @return  whether cuDNN computed it
  bool run(const ConvCall<T>& call) {
    Key key = key_of(call);
    const bool timed = arithmetic().autotune && (!capturing() || plans_.contains(key));
    key.back() = timed;
    const auto known = plans_.find(key);
    if (known != plans_.end() && !known->second) return false;
    if (known != plans_.end()) return call.run(*known->second);
    const std::optional<cudnn::Plan> plan = timed ? fastest_of(call) : first_of(call);
    plans_.emplace(key, plan);
    return plan && (!timed || call.run(*plan));
  }

 private:
  using Key = std::array<Index, 25>;

  static Key key_of(const ConvCall<T>& call) {
    const ConvGeometry& g = call.geometry;
    Key key{};
    auto at = key.begin();
    for (const auto& axes : {g.input, g.output, g.kernel, g.stride, g.dilation, g.padding})
      at = std::copy(axes.begin(), axes.end(), at);
    for (const Index one :
         {g.batch, g.in_channels, g.out_channels, g.groups, static_cast<Index>(call.pass), Index{arithmetic().tf32}}) {
      *at++ = one;
    }
    key.back() = true;
    return key;
  }

  /// Computes the call with the first plan that works, and returns that plan.
  static std::optional<cudnn::Plan> first_of(const ConvCall<T>& call) {
    std::optional<cudnn::Plan> chosen;
    cudnn::each_plan<T>(call.geometry, call.pass, [&](const cudnn::Plan& plan) {
      if (!call.run(plan)) return false;
      chosen = plan;
      return true;
    });
    return chosen;
  }
  static std::optional<cudnn::Plan> fastest_of(const ConvCall<T>& call) {
    std::vector<cudnn::Plan> candidates;
    cudnn::each_plan<T>(call.geometry, call.pass, [&](const cudnn::Plan& plan) {
      candidates.push_back(plan);
      return false;
    });
    const int count = static_cast<int>(candidates.size());
    const int choice = fastest(count + 1, [&](int i) {
      if (i < count) return call.run(candidates[static_cast<std::size_t>(i)]);
      call.run_own();
      return true;
    });
    if (choice == count) return {};
    return candidates[static_cast<std::size_t>(choice)];
  }

  std::map<Key, std::optional<cudnn::Plan>> plans_;
};

/// @return  whether cuDNN computed it
template <class T>
bool by_cudnn(const ConvCall<T>& call) {
  const auto aligned = [](const T* data) { return std::bit_cast<std::uintptr_t>(data) % 16 == 0; };
  const bool by_weights = call.pass == cudnn::Pass::by_weights;  // weights are copied
  if (!arithmetic().cudnn || !aligned(call.first) || !aligned(by_weights ? call.second : call.out)) return false;
  const ConvGeometry& g = call.geometry;
  if (g.inputs() * g.in_channels == 0 || g.outputs() * g.out_channels == 0 || g.taps() == 0) return false;
  return of_queue<ConvPlans<T>>().run(call);
}

#endif

}  // namespace detail

/// y[n, p, o] = bias[o] + Σ_k Σ_c  x[n, p·stride + k·dilation − padding, c] · w[k, c, o]
/// @param bias  (O) or null
template <class T>
void conv(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  if (const auto extents = detail::as_product(g)) {
    return product({false, false, extents->rows, g.out_channels, extents->depth}, x, w, bias, y);
  }
#ifdef FLIPBOOK_CUDNN
  if (detail::by_cudnn<T>({g, cudnn::Pass::forward, x, w, bias, y})) return;
#endif
  direct_conv(g, x, w, bias, y);
}

/// The adjoint of `conv`, as `direct_conv_transpose`.
/// @param bias  (C) or null
template <class T>
void conv_transpose(const ConvGeometry& g, const T* y, const T* w, const T* bias, T* x) {
  if (const auto extents = detail::as_product(g)) {
    const bool in_product = g.taps() == 1;
    product({false, true, extents->rows, extents->depth, g.out_channels}, y, w, in_product ? bias : nullptr, x);
    return in_product ? void() : detail::add_bias_to(g.inputs(), g.in_channels, bias, x);
  }
#ifdef FLIPBOOK_CUDNN
  if (detail::by_cudnn<T>({g, cudnn::Pass::by_input, y, w, bias, x})) return;
#endif
  direct_conv_transpose(g, y, w, bias, x);
}

/// The gradient of `conv` with respect to w, as `direct_conv_weight`.
/// @param later  dw is not read before settle(), so that a captured step may transpose several gradients in one launch
template <class T>
void conv_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw, [[maybe_unused]] bool later) {
  if (const auto extents = detail::as_product(g)) {
    return product({true, false, extents->depth, g.out_channels, extents->rows}, x, dy, static_cast<const T*>(nullptr),
                   dw);
  }
#ifdef FLIPBOOK_CUDNN
  if (detail::by_cudnn<T>({g, cudnn::Pass::by_weights, x, dy, nullptr, dw, later})) return;
#endif
  direct_conv_weight(g, x, dy, dw);
}

}  // namespace flipbook::cuda
