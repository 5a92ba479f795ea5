// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/metrics/metric.hpp>

namespace flipbook::inline FLIPBOOK_ISA::metrics::detail {

/// Features of generated and of real data, of one width, each accumulated by a Store: the input of distances between
/// distributions.
template <class Store>
class TwoSamples {
 public:
  explicit TwoSamples(const char* name) : name_(name) {}

  /// @param generated  (N, D): features of any network          @param real  (M, D), of the same network
  /// @throws Error  if the shapes do not fit, or an element is not finite
  template <std::floating_point T>
  void add(const Tensor<T>& generated, const Tensor<T>& real) {
    require(generated.rank() == 2 && real.rank() == 2 && generated.extent(1) == real.extent(1), name_,
            ".add: generated ", generated.shape(), " and real ", real.shape(), "; needs (N, D) and (M, D)");
    check(generated, "generated"), check(real, "real");
    generated_.add(generated), real_.add(real);
    width_ = real.extent(1);
  }
  /// @param features  (N, D)      @throws Error  as add
  template <std::floating_point T>
  void add_generated(const Tensor<T>& features) {
    check(features, "generated");
    generated_.add(features);
    width_ = features.extent(1);
  }
  /// @param features  (N, D)      @throws Error  as add
  template <std::floating_point T>
  void add_real(const Tensor<T>& features) {
    check(features, "real");
    real_.add(features);
    width_ = features.extent(1);
  }
  /// @throws Error  if the features differ in width
  void merge(const TwoSamples& other) {
    if (other.width_ == 0) return;
    require(width_ == 0 || width_ == other.width_, name_, ".merge: features of ", width_, " and of ", other.width_);
    generated_.merge(other.generated_), real_.merge(other.real_);
    width_ = other.width_;
  }

 protected:
  void require_two_each() const {
    require(generated_.count() >= 2 && real_.count() >= 2, name_, ".value: needs two of each, has ", generated_.count(),
            " generated and ", real_.count(), " real");
  }
  const Store& generated() const noexcept { return generated_; }
  const Store& real() const noexcept { return real_; }

 private:
  template <class T>
  void check(const Tensor<T>& features, const char* which) const {
    require(features.rank() == 2 && features.size() > 0 && (width_ == 0 || features.extent(1) == width_), name_,
            ".add: ", which, " ", features.shape(), "; needs (N, D) with ",
            width_ == 0 ? std::string("D > 0") : text("D = ", width_, ", as before"));
    require_finite(features, text(name_, ".add: ", which));
  }

  const char* name_;
  Index width_ = 0;  // 0: nothing was added
  Store generated_, real_;
};

}  // namespace flipbook::metrics::detail
