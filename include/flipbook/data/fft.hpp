// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <numbers>
#include <utility>
#include <vector>

#include <flipbook/core/math.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Discrete Fourier transforms of fields of n × n complex numbers, n a power of two. A field is (2, n, n): the plane of
/// the real parts, then that of the imaginary parts. Stockham's algorithm of radix 4 transforms all columns at once, so
/// every inner loop is contiguous in memory; the field is then transposed and its columns transformed again.
template <std::floating_point T>
class Fft2d {
  using V = xsimd::batch<T>;

 public:
  /// @throws Error unless n is a power of two, at least 16
  explicit Fft2d(Index n) : n_(n), scratch_({2, n, n}) {
    require(n >= 16 && std::has_single_bit(static_cast<std::uint64_t>(n)), "Fft2d: of ", n, " x ", n,
            " numbers; needs a power of two, 16 or more");
    for (Index j = 0; j < n; ++j) {
      const double angle = -2 * std::numbers::pi * static_cast<double>(j) / static_cast<double>(n);
      roots_.emplace_back(static_cast<T>(std::cos(angle)), static_cast<T>(std::sin(angle)));
    }
  }

  Fft2d(Fft2d&&) = default;  // a copy would share the scratch memory
  Fft2d& operator=(Fft2d&&) = default;

  /// Σ_yx f(y, x) exp(−2πi (p x + q y) / n) of the field f, in place. The spectrum is stored transposed, as (p, q).
  void forward(Tensor<T>& field) { transform(field.data(), field.data() + n_ * n_); }
  /// Σ_pq F(p, q) exp(2πi (p x + q y) / n) of the spectrum F, in place, in the layout of `forward`.
  void inverse(Tensor<T>& field) { transform(field.data() + n_ * n_, field.data()); }

 private:
  struct Planes {
    T *re, *im;
  };

  // The forward transform becomes the inverse when real and imaginary parts are exchanged, before and after it.
  void transform(T* re, T* im) {
    Planes x{re, im}, y{scratch_.data(), scratch_.data() + n_ * n_};
    if (columns(x, y)) std::swap(x, y);
    transpose(x.re, y.re), transpose(x.im, y.im);
    if (!columns(y, x)) std::copy_n(y.re, n_ * n_, x.re), std::copy_n(y.im, n_ * n_, x.im);
    if (x.re != re) std::copy_n(x.re, n_ * n_, re), std::copy_n(x.im, n_ * n_, im);
  }

  /// Transforms each column of x.
  /// @return whether the result is in y
  bool columns(Planes x, Planes y) const {
    bool in_y = false;
    Index length = n_, run = n_;  // of the remaining transform; of neighbours that are multiplied by the same root
    for (; length >= 4; length /= 4, run *= 4, in_y = !in_y) {
      for (Index p = 0; p < length / 4; ++p) radix4(x, y, p, length, run);
      std::swap(x, y);
    }
    if (length == 1) return in_y;
    radix2(x.re, y.re, run), radix2(x.im, y.im, run);
    return !in_y;
  }

  static void radix2(const T* from, T* to, Index run) {
    for (Index q = 0; q < run; q += lanes) {
      const V a = V::load_unaligned(from + q), b = V::load_unaligned(from + q + run);
      (a + b).store_unaligned(to + q), (a - b).store_unaligned(to + q + run);
    }
  }

  void radix4(const Planes& x, const Planes& y, Index p, Index length, Index run) const {
    const Index quarter = run * (length / 4), turn = p * (n_ / length);
    const auto root = [&](Index power) { return roots_[static_cast<std::size_t>(turn * power)]; };
    const auto [r1, i1] = root(1);
    const auto [r2, i2] = root(2);
    const auto [r3, i3] = root(3);
    const T *re = x.re + run * p, *im = x.im + run * p;
    T *to_re = y.re + 4 * run * p, *to_im = y.im + 4 * run * p;
    const auto put = [&](Index at, const V& a, const V& b, T r, T i) {
      (a * r - b * i).store_unaligned(to_re + at), (a * i + b * r).store_unaligned(to_im + at);
    };
    for (Index q = 0; q < run; q += lanes) {
      const auto at = [&](const T* plane, Index k) { return V::load_unaligned(plane + q + k * quarter); };
      const V a = at(re, 0) + at(re, 2), b = at(im, 0) + at(im, 2), c = at(re, 0) - at(re, 2),
              d = at(im, 0) - at(im, 2);
      const V e = at(re, 1) + at(re, 3), f = at(im, 1) + at(im, 3), g = at(re, 1) - at(re, 3),
              h = at(im, 1) - at(im, 3);
      (a + e).store_unaligned(to_re + q), (b + f).store_unaligned(to_im + q);
      put(q + run, c + h, d - g, r1, i1);
      put(q + 2 * run, a - e, b - f, r2, i2);
      put(q + 3 * run, c - h, d + g, r3, i3);
    }
  }

  /// In blocks of columns, so that whole cache lines are read.
  void transpose(const T* from, T* to) const {
    constexpr Index block = 16;
    for (Index left = 0; left < n_; left += block)
      for (Index y = 0; y < n_; ++y)
        for (Index x = 0; x < block; ++x) to[(left + x) * n_ + y] = from[y * n_ + left + x];
  }

  static constexpr Index lanes = static_cast<Index>(V::size);
  Index n_;
  Tensor<T> scratch_;  // (2, n, n)
  std::vector<std::pair<T, T>> roots_;
};

}  // namespace flipbook
