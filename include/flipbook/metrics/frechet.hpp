// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/eigen.hpp>
#include <flipbook/metrics/two_samples.hpp>

#include <Eigen/Eigenvalues>

namespace flipbook::inline FLIPBOOK_ISA::metrics {

/// Mean and covariance of vectors, accumulated by batches in double. Parts are combined as in Chan, Golub & LeVeque,
/// Updating formulae and a pairwise algorithm for computing sample variances, 1979.
class FeatureMoments {
 public:
  /// @param features  (N, D), finite; D is the same in every call
  template <std::floating_point T>
  void add(const Tensor<T>& features) {
    Eigen::MatrixXd x = as_matrix(features).template cast<double>();
    FeatureMoments batch;
    batch.count_ = features.extent(0);
    batch.mean_ = x.colwise().mean().transpose();
    x.rowwise() -= batch.mean_.transpose();
    batch.scatter_ = Eigen::MatrixXd::Zero(x.cols(), x.cols());
    batch.scatter_.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
    merge(batch);
  }
  void merge(const FeatureMoments& other) {
    if (count_ == 0) *this = other;
    else if (other.count_ > 0) join(other);
  }
  Index count() const noexcept { return count_; }
  /// (D)
  const Eigen::VectorXd& mean() const noexcept { return mean_; }
  /// Σ (x − mean)(x − mean)ᵀ / (N − 1), (D, D).
  Eigen::MatrixXd covariance() const {
    return Eigen::MatrixXd(scatter_.selfadjointView<Eigen::Lower>()) / static_cast<double>(count_ - 1);
  }

 private:
  void join(const FeatureMoments& other) {
    const auto here = static_cast<double>(count_), there = static_cast<double>(other.count_);
    const Eigen::VectorXd apart = other.mean_ - mean_;
    mean_ += apart * (there / (here + there));
    scatter_ += other.scatter_;
    scatter_.selfadjointView<Eigen::Lower>().rankUpdate(apart, here * there / (here + there));
    count_ += other.count_;
  }

  Index count_ = 0;
  Eigen::VectorXd mean_;
  Eigen::MatrixXd scatter_;  // below and on the diagonal
};

/// The squared Fréchet distance of two normal distributions with the means and covariances of features:
///
///     |m₁ − m₂|² + tr(S₁ + S₂ − 2 (√S₁ S₂ √S₁)^½)
///
/// Heusel et al., GANs trained by a two time-scale update rule converge to a local Nash equilibrium, 2017. The features
/// are from a network of your own, so values are comparable only for the same network, and not with published ones.
/// They are biased upwards for few samples: compare equal numbers, of many more than D.
class FrechetDistance : public detail::TwoSamples<FeatureMoments> {
 public:
  static constexpr bool higher_is_better = false;

  FrechetDistance() : TwoSamples("FrechetDistance") {}

  /// The distance for all samples that were added. A template, so that only its callers compile the
  /// eigen-decomposition.
  /// @throws Error  if fewer than two samples of either set were added
  template <class Matrix = Eigen::MatrixXd>
  double value() const {
    require_two_each();
    const Matrix s1 = generated().covariance(), s2 = real().covariance();
    const Eigen::SelfAdjointEigenSolver<Matrix> of_s1(s1);
    const Matrix factor = of_s1.eigenvectors() * of_s1.eigenvalues().cwiseMax(0).cwiseSqrt().cwiseSqrt().asDiagonal();
    // Symmetric products: Eigen computes these identically for any number of threads, unlike plain products.
    Matrix root = Matrix::Zero(s1.rows(), s1.cols());
    root.template selfadjointView<Eigen::Lower>().rankUpdate(factor);
    const Matrix right =
        s2.template selfadjointView<Eigen::Lower>() * Matrix(root.template selfadjointView<Eigen::Lower>());
    const Matrix product = root.template selfadjointView<Eigen::Lower>() * right;
    const Eigen::SelfAdjointEigenSolver<Matrix> of_product(product, Eigen::EigenvaluesOnly);
    return (generated().mean() - real().mean()).squaredNorm() + s1.trace() + s2.trace() -
           2 * of_product.eigenvalues().cwiseMax(0).cwiseSqrt().sum();
  }
};

}  // namespace flipbook::metrics
