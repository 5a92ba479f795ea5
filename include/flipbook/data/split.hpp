// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/tensor_dataset.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The purpose of a part of the data.
enum class DataSplit { training, validation, test };

/// The fractions of a finite data set for validation and test.
struct SplitOptions {
  double validation = 0.1;
  double test = 0.1;
  Index gap = 0;  ///< clips left out between two parts, for sources whose neighbouring clips share frames
};

namespace detail {
struct Range {
  Index first, last;
};
/// Training, validation and test, one after another.
inline Range range_of(Index size, DataSplit split, const SplitOptions& options) {
  const auto& [validation, test, gap] = options;
  require(validation >= 0 && test >= 0 && validation + test < 1 && gap >= 0, "split: parts of ", validation, " and ",
          test, " with gaps of ", gap, "; the parts must leave some for training");
  const auto count = [&](double part) { return static_cast<Index>(part * static_cast<double>(size)); };
  const Index third = size - count(test), second = third - count(validation);
  const Range range = split == DataSplit::training     ? Range{0, second}
                      : split == DataSplit::validation ? Range{std::min(second + gap, third), third}
                                                       : Range{std::min(third + gap, size), size};
  require(range.first < range.last, "split: of ", size, " clips none are left for this part");
  return range;
}
}  // namespace detail

/// One of three disjoint parts of a data set, a range of its indices. The parts of an endless source have 2⁴⁰ clips
/// each and begin at 0, 2⁴⁰ and 2⁴¹; a clip's random numbers come from a stream selected by its index, so no two parts
/// share a stream. A finite source is divided into three in the order of its clips.
template <Dataset Source>
class SplitDataset {
 public:
  SplitDataset(Source source, DataSplit split, const SplitOptions& options = {}) : source_(std::move(source)) {
    if constexpr (FiniteDataset<Source>) {
      const auto [first, last] = detail::range_of(source_.size(), split, options);
      first_ = first, size_ = last - first;
    } else {
      first_ = split == DataSplit::training ? 0 : split == DataSplit::validation ? size_ : 2 * size_;
    }
  }

  Shape shape() const { return source_.shape(); }
  Index size() const requires FiniteDataset<Source> { return size_; }
  auto clip(Index index) const {
    require(0 <= index && index < size_, "split: clip ", index, " of ", size_);
    return source_.clip(first_ + index);
  }
  /// The index in the source of this part's first clip.
  Index first() const noexcept { return first_; }
  const Source& source() const noexcept { return source_; }

 private:
  Source source_;
  Index first_ = 0, size_ = Index{1} << 40;
};

/// A device generates the clips of a part if it can generate those of the source.
template <class B, MadeOn<B> Source>
auto made_on(B, const SplitDataset<Source>& part) {
  return [make = made_on(B{}, part.source()), first = part.first()](Index from, Index count) {
    return make(first + from, count);
  };
}

/// The part of a data set for training, validation or test.
///
///     const fb::Pendulum pendulum;
///     trainer.fit(fb::split_of(pendulum, fb::DataSplit::training));
///     const auto unseen = fb::batch_of(fb::split_of(pendulum, fb::DataSplit::test), 0, 8);
template <Dataset Source>
SplitDataset<Source> split_of(Source source, DataSplit part, const SplitOptions& options = {}) {
  return SplitDataset<Source>(std::move(source), part, options);
}

/// The part of a tensor's rows, such as the images of sprites, for training, validation or test. A shuffle that depends
/// only on the number of rows selects them, so images and labels that are split alike stay together.
/// @param rows  (N, …)
/// @throws Error if there are no rows, or none are left for the part
template <class T>
Tensor<T> split_of(const Tensor<T>& rows, DataSplit part, const SplitOptions& options = {}) {
  require(rows.rank() > 0 && rows.extent(0) > 0, "split: no rows in a tensor of shape ", rows.shape());
  const Index count = rows.extent(0), each = rows.size() / count;
  const auto [first, last] = detail::range_of(count, part, options);
  const Permutation place(count, 0, 0);
  Shape shape = rows.shape();
  shape[0] = last - first;
  Tensor<T> some(shape);
  for (Index i = first; i < last; ++i)
    std::copy_n(rows.data() + place(i) * each, each, some.data() + (i - first) * each);
  return some;
}

}  // namespace flipbook
