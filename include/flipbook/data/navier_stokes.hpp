// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <utility>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/fft.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Two-dimensional incompressible flow on the periodic square of side 2π, in terms of its vorticity ω = ∂v/∂x − ∂u/∂y:
///
///     ∂ω/∂t + u·∇ω = ν ∇²ω − μ ω
///
/// Pseudo-spectral on n × n points, dealiased by the 2/3 rule (Orszag, 1971): waves of |k_x|, |k_y| < n/3 are kept.
/// Time steps use the Runge–Kutta method of order 4; viscosity ν and drag μ are exact, by an integrating factor.
/// Without either, energy and enstrophy change only by the error of the time steps. The complex velocity is u + iv =
/// F⁻¹[ω̂ / (k_x − i k_y)], and u·∇ω = ½ Im (∂_x − i∂_y)² (u + iv)², so a step takes eight complex transforms (the form
/// of Basdevant, 1983, with two complex transforms for its four real ones).
template <std::floating_point T>
class NavierStokes2d {
 public:
  /// A flow at rest.
  /// @param n  points along a side, a power of two, at least 16
  /// @throws Error for another n, and for a viscosity or drag below 0
  explicit NavierStokes2d(Index n, double viscosity = 0, double drag = 0)
      : n_(n),
        most_((n - 1) / 3),
        viscosity_(viscosity),
        drag_(drag),
        fft_(n),
        spectrum_({2, n, n}),
        tendency_({2, n, n}),
        stage_({2, n, n}),
        sum_({2, n, n}),
        velocity_of_({2, n, n}),
        decay_({n, n}) {
    require(viscosity >= 0 && drag >= 0, "NavierStokes2d: viscosity ", viscosity, " and drag ", drag,
            "; both must be 0 or more");
    for (Tensor<T>* x : {&spectrum_, &tendency_, &velocity_of_}) std::fill(x->begin(), x->end(), T(0));
    each_wave([&](Index kx, Index ky, Index at) {  // 1 / (k_x − i k_y)
      const auto square = static_cast<double>(kx * kx + ky * ky);
      velocity_of_.data()[at] = static_cast<T>(static_cast<double>(kx) / square);
      velocity_of_.data()[at + n * n] = static_cast<T>(static_cast<double>(ky) / square);
    });
  }

  NavierStokes2d(NavierStokes2d&&) = default;  // a copy would share its memory
  NavierStokes2d& operator=(NavierStokes2d&&) = default;

  /// Sets the vorticity, of which the mean and the waves of |k_x| or |k_y| >= n/3 are dropped.
  /// @param vorticity  (n, n), at (y, x)
  /// @throws Error for another shape
  void set_vorticity(const Tensor<T>& vorticity) {
    require(vorticity.shape() == Shape{n_, n_}, "NavierStokes2d: needs a vorticity ", Shape{n_, n_}, ", got ",
            vorticity.shape());
    std::copy(vorticity.begin(), vorticity.end(), stage_.begin());
    std::fill(stage_.begin() + n_ * n_, stage_.end(), T(0));
    fft_.forward(stage_);
    std::fill(spectrum_.begin(), spectrum_.end(), T(0));
    const T scale = T(1) / static_cast<T>(n_ * n_);
    each_wave([&](Index, Index, Index at) {
      for (const Index part : {at, at + n_ * n_}) spectrum_.data()[part] = scale * stage_.data()[part];
    });
  }

  /// The vorticity, (n, n), at (y, x).
  Tensor<T> vorticity() {
    std::copy(spectrum_.begin(), spectrum_.end(), stage_.begin());
    fft_.inverse(stage_);
    return stage_[0].clone();
  }
  /// The velocity, (2, n, n): u, along x, and v, along y.
  Tensor<T> velocity() {
    find_velocity(spectrum_);
    return stage_.clone();
  }

  /// ½ ⟨u² + v²⟩, the mean being over the square.
  double energy() const {
    return half_sum([](double square) { return 1 / square; });
  }
  /// ½ ⟨ω²⟩
  double enstrophy() const {
    return half_sum([](double) { return 1.0; });
  }

  /// Adds a random field of independent Gaussian waves. The share of each wave of wave number k in the energy is
  /// proportional to weight(k); the expected energy of all waves is `energy`. The same rng gives the same field at any
  /// resolution, except for the waves that are kept.
  template <class Weight>
  void add_random(double energy, const Weight& weight, Rng& rng) {
    double all = 0;
    each_wave([&](Index kx, Index ky, Index) { all += weight(std::hypot(kx, ky)); });
    const Rng stream = rng.take(std::uint64_t{1} << 32);
    each_wave([&](Index kx, Index ky, Index at) {
      if (kx < 0 || (kx == 0 && ky < 0)) return;  // the conjugate of a drawn wave
      const double k = std::hypot(kx, ky), part = weight(k);
      if (part == 0) return;
      const auto [re, im] = Rng::normal_pair(stream.block(static_cast<std::uint64_t>(kx << 16 | (ky + (1 << 15)))));
      const double scale = k * std::sqrt(energy * part / all);
      const Index conjugate = place(-kx, -ky);
      for (const auto& [to, value] :
           {std::pair{at, re}, {at + n_ * n_, im}, {conjugate, re}, {conjugate + n_ * n_, -im}})
        spectrum_.data()[to] += static_cast<T>(scale * value);
    });
  }
  /// Multiplies the velocity by a factor.
  void scale(double factor) {
    for (T& x : spectrum_) x *= static_cast<T>(factor);
  }

  /// The number of equal steps in which `time` is stable: the shortest wave moves by at most `most` radians per step;
  /// the Runge–Kutta method is stable up to 2.8.
  /// @throws Error if the flow is not finite, or too fast to integrate
  Index steps_for(double time, double most = 2.4) {
    find_velocity(spectrum_);
    T speed = 0;
    for (Index i = 0; i < n_ * n_; ++i)
      speed = std::max(speed, std::abs(stage_.data()[i]) + std::abs(stage_.data()[i + n_ * n_]));
    const double radians = static_cast<double>(most_) * static_cast<double>(speed) * time;
    require(std::isfinite(energy()) && radians < 1e6, "NavierStokes2d: the energy has grown to ", energy(),
            ", the velocity to ", speed);
    return std::max<Index>(1, static_cast<Index>(std::ceil(radians / most)));
  }

  /// One time step.
  void step(double time) {
    set_decay(time);
    const T h = static_cast<T>(time), sixth = h / 6, third = h / 3, half = h / 2;
    // With e = exp(−(ν k² + μ) h / 2), w the spectrum and N the tendency:
    find_tendency(spectrum_);
    combine([=](V& w, V n, V e, V& sum, V& stage) { sum = e * e * (w + sixth * n), stage = e * (w + half * n); });
    find_tendency(stage_);
    combine([=](V& w, V n, V e, V& sum, V& stage) { sum += third * e * n, stage = e * w + half * n; });
    find_tendency(stage_);
    combine([=](V& w, V n, V e, V& sum, V& stage) { sum += third * e * n, stage = e * (e * w + h * n); });
    find_tendency(stage_);
    combine([=](V& w, V n, V, V& sum, V&) { w = sum + sixth * n; });
  }

 private:
  using V = xsimd::batch<T>;
  static constexpr Index lanes = static_cast<Index>(V::size);

  /// The index of a wave in a spectrum; n is a power of two.
  Index place(Index kx, Index ky) const { return (kx & (n_ - 1)) * n_ + (ky & (n_ - 1)); }

  /// Calls f(k_x, k_y, index in a spectrum) for all waves that are kept, except the mean.
  template <class F>
  void each_wave(const F& f) const {
    for (Index kx = -most_; kx <= most_; ++kx)
      for (Index ky = -most_; ky <= most_; ++ky)
        if (kx != 0 || ky != 0) f(kx, ky, place(kx, ky));
  }

  template <class Weight>
  double half_sum(const Weight& weight) const {
    double sum = 0;
    each_wave([&](Index kx, Index ky, Index at) {
      const double re = static_cast<double>(spectrum_.data()[at]),
                   im = static_cast<double>(spectrum_.data()[at + n_ * n_]);
      sum += weight(static_cast<double>(kx * kx + ky * ky)) * (re * re + im * im) / 2;
    });
    return sum;
  }

  void set_decay(double time) {
    if (time == decay_time_) return;
    decay_time_ = time;
    std::fill(decay_.begin(), decay_.end(), T(0));
    each_wave([&](Index kx, Index ky, Index at) {
      decay_.data()[at] =
          static_cast<T>(std::exp(-(viscosity_ * static_cast<double>(kx * kx + ky * ky) + drag_) * time / 2));
    });
  }

  /// Writes u and v of a vorticity's spectrum to the two planes of stage_.
  void find_velocity(const Tensor<T>& spectrum) {
    const Index size = n_ * n_;
    const T *w = spectrum.data(), *m = velocity_of_.data();
    T* to = stage_.data();
    for (Index i = 0; i < size; i += lanes) {
      const V a = V::load_unaligned(w + i), b = V::load_unaligned(w + i + size);
      const V c = V::load_unaligned(m + i), d = V::load_unaligned(m + i + size);
      (a * c - b * d).store_unaligned(to + i), (a * d + b * c).store_unaligned(to + i + size);
    }
    fft_.inverse(stage_);
  }

  /// Writes the spectrum of −u·∇ω to tendency_; overwrites stage_, which may be the argument.
  void find_tendency(const Tensor<T>& spectrum) {
    find_velocity(spectrum);
    const Index size = n_ * n_;
    T* q = stage_.data();
    for (Index i = 0; i < size; i += lanes) {  // (u + iv)²
      const V u = V::load_unaligned(q + i), v = V::load_unaligned(q + i + size);
      (u * u - v * v).store_unaligned(q + i), (V(2) * u * v).store_unaligned(q + i + size);
    }
    fft_.forward(stage_);
    // The spectra of a and b in that of a + ib are its parts that are symmetric under k → −k, conjugated.
    const T scale = T(1) / static_cast<T>(4 * size);
    for (Index kx = -most_; kx <= most_; ++kx) {
      for (Index ky = 0; ky <= most_; ++ky) {
        const Index here = place(kx, ky), there = place(-kx, -ky);
        const T difference = scale * static_cast<T>(kx * kx - ky * ky), twice = scale * static_cast<T>(2 * kx * ky);
        const T re = difference * (q[here + size] + q[there + size]) - twice * (q[here] + q[there]);
        const T im = difference * (q[there] - q[here]) - twice * (q[here + size] - q[there + size]);
        tendency_.data()[here] = tendency_.data()[there] = re;
        tendency_.data()[here + size] = im, tendency_.data()[there + size] = -im;
      }
    }
  }

  /// Calls f(spectrum, tendency, decay, sum, stage) for all numbers of a spectrum.
  template <class F>
  void combine(const F& f) {
    const Index size = n_ * n_;
    for (Index i = 0; i < 2 * size; i += lanes) {
      V w = V::load_unaligned(spectrum_.data() + i), sum = V::load_unaligned(sum_.data() + i), stage(T(0));
      f(w, V::load_unaligned(tendency_.data() + i), V::load_unaligned(decay_.data() + (i & (size - 1))), sum, stage);
      w.store_unaligned(spectrum_.data() + i);
      sum.store_unaligned(sum_.data() + i);
      stage.store_unaligned(stage_.data() + i);
    }
  }

  Index n_, most_;  // points along a side; the largest wave number that is kept
  double viscosity_, drag_, decay_time_ = -1;
  Fft2d<T> fft_;
  Tensor<T> spectrum_, tendency_, stage_, sum_;  // (2, n, n)
  Tensor<T> velocity_of_;                        // (2, n, n): factor from a vorticity's spectrum to the velocity's
  Tensor<T> decay_;                              // (n, n)
};

}  // namespace flipbook
