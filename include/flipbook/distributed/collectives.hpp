// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/distributed/communicator.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
template <class T>
constexpr distributed::Number number_of() {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>, "ranks sum float and double");
  return std::is_same_v<T, float> ? distributed::Number::float32 : distributed::Number::float64;
}

template <class T, class B>
[[gnu::cold]] Tensor<T, B> reduced_over_ranks(const Tensor<T, B>& x, bool mean) {
  using W = Wide<T>;
  distributed::Communicator& ranks = distributed::world();
  if (ranks.size() == 1) return x;
  const auto count = static_cast<std::size_t>(x.size());
#ifdef FLIPBOOK_CUDA
  if constexpr (!std::is_same_v<B, Cpu>) {
    if (ranks.on_devices()) {
      Tensor<W, B> sum = cast<W>(x).clone();
      ranks.sum_on_device(sum.data(), count, number_of<W>(), mean, cuda::stream());
      return cast<T>(sum);
    }
  }
#endif
  Tensor<W> sum = to<Cpu>(cast<W>(x)).clone();
  ranks.sum(sum.data(), count, number_of<W>());
  if (mean) {
    for (W& number : sum) number /= static_cast<W>(ranks.size());
  }
  return to<B>(cast<T>(sum));
}
}  // namespace detail

/// The sum of a tensor over all ranks, which all call it with tensors of the same shape. Two-byte scalars are summed in
/// float.
template <Real T, class B>
Tensor<T, B> sum_over_ranks(const Tensor<T, B>& x) {
  return detail::reduced_over_ranks(x, false);
}
/// The mean of a tensor over all ranks, as `sum_over_ranks`.
template <Real T, class B>
Tensor<T, B> mean_over_ranks(const Tensor<T, B>& x) {
  return detail::reduced_over_ranks(x, true);
}
/// The mean of a number over all ranks.
inline double mean_over_ranks(double number) {
  distributed::Communicator& ranks = distributed::world();
  if (ranks.size() == 1) return number;
  ranks.sum(&number, 1, distributed::Number::float64);
  return number / ranks.size();
}

/// The elements [first, last) of a rank's share of a tensor.
struct Share {
  Index first, last;
};
/// The elements of a rank: [size · rank / ranks, size · (rank + 1) / ranks).
inline Share share_of_rank(Index size, int rank, int ranks) { return {size * rank / ranks, size * (rank + 1) / ranks}; }
/// Gathers the shares of a tensor in place: each rank has written its own share, and all receive the whole.
template <Real T, class B>
[[gnu::cold]] void gather_shares(Tensor<T, B> x) {
  distributed::Communicator& ranks = distributed::world();
  std::vector<std::size_t> ends;
  ends.reserve(static_cast<std::size_t>(ranks.size()));
  for (int rank = 0; rank < ranks.size(); ++rank) {
    ends.push_back(static_cast<std::size_t>(share_of_rank(x.size(), rank, ranks.size()).last) * sizeof(T));
  }
  if constexpr (std::is_same_v<B, Cpu>) {
    ranks.all_gather(x.data(), ends);
  } else {
#ifdef FLIPBOOK_CUDA
    if (ranks.on_devices()) return ranks.all_gather_on_device(x.data(), ends, cuda::stream());
#endif
    Tensor<T> here = to<Cpu>(x).clone();
    ranks.all_gather(here.data(), ends);
    B::copy(x.data(), std::as_const(here).data(), ends.back());
  }
}

/// Copies rank 0's elements to all ranks, in place.
template <Real T, class B>
[[gnu::cold]] void copy_from_first_rank(Tensor<T, B> x) {
  distributed::Communicator& ranks = distributed::world();
  if (ranks.size() == 1) return;
  Tensor<T, Cpu> here = to<Cpu>(x).clone();
  const std::size_t bytes = static_cast<std::size_t>(x.size()) * sizeof(T);
  ranks.broadcast(here.data(), bytes);
  B::copy(x.data(), std::as_const(here).data(), bytes);
}

}  // namespace flipbook
