// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/intrinsics.hpp>
#include <flipbook/core/tensor.hpp>

#include <Eigen/Core>

namespace flipbook::inline FLIPBOOK_ISA {

/// An Eigen matrix in row-major order, the order of a tensor's memory.
template <class T>
using RowMajorMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The tensor's memory as a matrix, without a copy. The last axis becomes the columns, all others the rows; rank 0 is a
/// 1 × 1 matrix. Writing to the matrix changes the tensor.
template <class T>
Eigen::Map<RowMajorMatrix<T>> as_matrix(Tensor<T, Cpu>& x) {
  const Index columns = x.rank() == 0 ? 1 : x.extent(-1);
  return {x.data(), columns == 0 ? 0 : x.size() / columns, columns};
}
template <class T>
Eigen::Map<const RowMajorMatrix<T>> as_matrix(const Tensor<T, Cpu>& x) {
  const Index columns = x.rank() == 0 ? 1 : x.extent(-1);
  return {x.data(), columns == 0 ? 0 : x.size() / columns, columns};
}

}  // namespace flipbook
