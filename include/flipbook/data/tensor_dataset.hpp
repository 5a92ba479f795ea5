// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <utility>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/io/pixels.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Clips held in memory as one tensor.
class TensorDataset {
 public:
  /// @param clips  (N, T, H, W, C) in [0, 1]
  /// @throws Error for another rank, and for an element that is infinite or NaN: names its position
  explicit TensorDataset(Tensor<float> clips) : clips_(std::move(clips)) {
    require(clips_.rank() == 5, "TensorDataset: needs (N, T, H, W, C), got ", clips_.shape());
    require_finite(clips_, "TensorDataset");
  }

  Shape shape() const { return clips_.shape().part(1, 5); }
  Index size() const noexcept { return clips_.extent(0); }
  Tensor<float> clip(Index index) const { return clips_[index]; }

 private:
  Tensor<float> clips_;
};

/// All clips of a finite source, computed once and kept in memory.
template <FiniteDataset Source>
  requires std::same_as<ClipOf<Source>, Tensor<float>> TensorDataset in_memory(const Source& source) {
    return TensorDataset(batch_of(source, 0, source.size()));
  }

/// A permutation of 0 … size − 1 without a table: a Feistel network over the next power of four, iterated until the
/// result is below size, so that each element is a pure function of the key. (Black and Rogaway, Ciphers with arbitrary
/// finite domains, 2002.)
class Permutation {
 public:
  Permutation(Index size, std::uint64_t seed, std::uint64_t stream) : size_(size), key_(seed, stream) {
    require(size > 0, "Permutation: of ", size, " things");
    half_bits_ = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(size - 1)) + 1) / 2;
  }

  Index operator()(Index i) const {
    require(0 <= i && i < size_, "Permutation: place ", i, " of ", size_);
    do i = encrypt(i);
    while (i >= size_);
    return i;
  }

 private:
  Index encrypt(Index i) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
    std::uint64_t left = static_cast<std::uint64_t>(i) >> half_bits_, right = static_cast<std::uint64_t>(i) & mask;
    for (std::uint64_t round = 0; round < 6; ++round) {
      const std::uint64_t mixed = left ^ (key_.block(round << 32 | right)[0] & mask);
      left = std::exchange(right, mixed);
    }
    return static_cast<Index>(left << half_bits_ | right);
  }

  Index size_;
  Rng key_;
  int half_bits_;
};

/// A finite source repeated endlessly: each epoch has every clip once, in its own random order.
template <FiniteDataset Source>
class Shuffled {
 public:
  explicit Shuffled(Source source, std::uint64_t seed = 0) : source_(std::move(source)), seed_(seed) {
    require(source_.size() > 0, "Shuffled: the source has no clips");
  }

  Shape shape() const { return source_.shape(); }
  ClipOf<Source> clip(Index index) const {
    const Index epoch = index / source_.size();
    return source_.clip(Permutation(source_.size(), seed_, static_cast<std::uint64_t>(epoch))(index % source_.size()));
  }

 private:
  Source source_;
  std::uint64_t seed_;
};

}  // namespace flipbook
