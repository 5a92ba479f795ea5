// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/conv/geometry.hpp>

/// Convolutions as their definitions read, one loop for each index; sums in double.
namespace reference {

using flipbook::ConvGeometry;
using flipbook::Index;

/// Calls `visit(x, w, y)` with the offsets of every product of the convolution: it joins pixel x of the
/// input through weight w with pixel y of the output.
template <class Visit>
void visit_products(const ConvGeometry& g, const Visit& visit) {
  const Index channels = g.in_channels / g.groups, columns = g.out_channels / g.groups;
  for (Index n = 0; n < g.batch; ++n)
    for (Index pt = 0; pt < g.output[0]; ++pt)
      for (Index ph = 0; ph < g.output[1]; ++ph)
        for (Index pw = 0; pw < g.output[2]; ++pw)
          for (Index kt = 0; kt < g.kernel[0]; ++kt)
            for (Index kh = 0; kh < g.kernel[1]; ++kh)
              for (Index kw = 0; kw < g.kernel[2]; ++kw) {
                const Index t = pt * g.stride[0] + kt * g.dilation[0] - g.padding[0];
                const Index h = ph * g.stride[1] + kh * g.dilation[1] - g.padding[1];
                const Index v = pw * g.stride[2] + kw * g.dilation[2] - g.padding[2];
                if (t < 0 || t >= g.input[0] || h < 0 || h >= g.input[1] || v < 0 || v >= g.input[2]) continue;
                const Index x = (((n * g.input[0] + t) * g.input[1] + h) * g.input[2] + v) * g.in_channels;
                const Index y = (((n * g.output[0] + pt) * g.output[1] + ph) * g.output[2] + pw) * g.out_channels;
                const Index w = ((kt * g.kernel[1] + kh) * g.kernel[2] + kw) * channels * g.out_channels;
                for (Index group = 0; group < g.groups; ++group)
                  for (Index c = 0; c < channels; ++c)
                    for (Index o = group * columns; o < (group + 1) * columns; ++o) {
                      visit(x + group * channels + c, w + c * g.out_channels + o, y + o);
                    }
              }
}

/// y (N, T', H', W', O) from x (N, T, H, W, C), w (Kt, Kh, Kw, C / groups, O) and bias (O) or null.
template <class T>
void conv(const ConvGeometry& g, const T* x, const T* w, const T* bias, double* y) {
  for (Index i = 0; i < g.outputs() * g.out_channels; ++i) y[i] = bias == nullptr ? 0 : bias[i % g.out_channels];
  visit_products(g, [&](Index i, Index k, Index o) { y[o] += double(x[i]) * double(w[k]); });
}

/// x from y: the transpose of the convolution's matrix; bias (C) or null.
template <class T>
void conv_transpose(const ConvGeometry& g, const T* y, const T* w, const T* bias, double* x) {
  for (Index i = 0; i < g.inputs() * g.in_channels; ++i) x[i] = bias == nullptr ? 0 : bias[i % g.in_channels];
  visit_products(g, [&](Index i, Index k, Index o) { x[i] += double(y[o]) * double(w[k]); });
}

/// dw from x and dy.
template <class T>
void conv_weight(const ConvGeometry& g, const T* x, const T* dy, double* dw) {
  for (Index i = 0; i < g.taps() * (g.in_channels / g.groups) * g.out_channels; ++i) dw[i] = 0;
  visit_products(g, [&](Index i, Index k, Index o) { dw[k] += double(x[i]) * double(dy[o]); });
}

/// C (m, n) = op(A) · op(B) + C·accumulate + bias, where an operand is transposed if it says so.
template <class T>
void gemm(bool a_transposed, bool b_transposed, Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb,
          double* c, Index ldc, bool accumulate, const T* bias) {
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      double sum = accumulate ? c[i * ldc + j] : bias != nullptr ? bias[j] : 0;
      for (Index p = 0; p < k; ++p) {
        sum += double(a_transposed ? a[p * lda + i] : a[i * lda + p]) *
               double(b_transposed ? b[j * ldb + p] : b[p * ldb + j]);
      }
      c[i * ldc + j] = sum;
    }
}

}  // namespace reference
