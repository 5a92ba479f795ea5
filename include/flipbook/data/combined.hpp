// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A subset of a source's clips: clips [first, last), or those of a list of indices, in its order. A subset of an
/// endless source is finite.
template <Dataset Source>
class Subset {
 public:
  /// @throws Error unless 0 <= first <= last, and last is within a finite source
  Subset(Source source, Index first, Index last) : source_(std::move(source)) {
    require(0 <= first && first <= last, "Subset: clips [", first, ", ", last, ")");
    if (first < last) check(last - 1);
    indices_.resize(static_cast<std::size_t>(last - first));
    std::iota(indices_.begin(), indices_.end(), first);
  }
  /// @throws Error if an index is below 0, or beyond a finite source
  Subset(Source source, std::vector<Index> indices) : source_(std::move(source)), indices_(std::move(indices)) {
    for (const Index index : indices_) check(index);
  }

  Shape shape() const { return source_.shape(); }
  Index size() const noexcept { return static_cast<Index>(indices_.size()); }
  auto clip(Index index) const {
    require(0 <= index && index < size(), "Subset: clip ", index, " of ", size());
    return source_.clip(indices_[static_cast<std::size_t>(index)]);
  }

 private:
  void check(Index index) const {
    require(index >= 0, "Subset: clip ", index);
    if constexpr (FiniteDataset<Source>)
      require(index < source_.size(), "Subset: clip ", index, " of ", source_.size());
  }

  Source source_;
  std::vector<Index> indices_;
};

namespace detail {

template <Dataset... Sources>
Shape common_shape(const char* what, const std::tuple<Sources...>& sources) {
  const Shape shape = std::get<0>(sources).shape();
  std::apply(
      [&](const auto&... source) {
        (require(Shape(source.shape()) == shape, what, ": clips of ", shape, " and of ", Shape(source.shape())), ...);
      },
      sources);
  return shape;
}

/// Calls f with source `number`.
template <std::size_t I = 0, class Sources, class F>
auto with_source(const Sources& sources, std::size_t number, const F& f) {
  if constexpr (I + 1 == std::tuple_size_v<Sources>) return f(std::get<I>(sources));
  else return number == I ? f(std::get<I>(sources)) : with_source<I + 1>(sources, number, f);
}

}  // namespace detail

/// The concatenation of finite sources.
template <FiniteDataset... Sources>
  requires(sizeof...(Sources) > 0)
class Concatenated {
 public:
  /// @throws Error if the sources' clips differ in shape
  explicit Concatenated(Sources... sources) : sources_(std::move(sources)...) {
    detail::common_shape("Concatenated", sources_);
  }

  Shape shape() const { return std::get<0>(sources_).shape(); }
  Index size() const {
    return std::apply([](const auto&... source) { return (static_cast<Index>(source.size()) + ...); }, sources_);
  }
  auto clip(Index index) const {
    require(0 <= index && index < size(), "Concatenated: clip ", index, " of ", size());
    std::size_t number = 0;
    for (Index length = length_of(0); index >= length; length = length_of(++number)) index -= length;
    return detail::with_source(sources_, number, [index](const auto& source) { return source.clip(index); });
  }

 private:
  Index length_of(std::size_t number) const {
    return detail::with_source(sources_, number, [](const auto& source) { return static_cast<Index>(source.size()); });
  }

  std::tuple<Sources...> sources_;
};

/// Endless sources mixed in proportions: clip i is clip i of one source, chosen at random by the seed and i. `Shuffled`
/// makes a finite source endless.
template <Dataset... Sources>
  requires(sizeof...(Sources) > 0 && (!FiniteDataset<Sources> && ...))
class Mixture {
 public:
  using Proportions = std::array<double, sizeof...(Sources)>;

  /// @param proportions  of the clips, one for each source; need not sum to 1
  /// @throws Error if a proportion is below 0 or all are 0, or if the sources' clips differ in shape
  Mixture(const Proportions& proportions, std::uint64_t seed, Sources... sources)
      : sources_(std::move(sources)...), seed_(seed) {
    detail::common_shape("Mixture", sources_);
    for (const double p : proportions) require(p >= 0, "Mixture: a proportion of ", p, "; none may be below 0");
    std::partial_sum(proportions.begin(), proportions.end(), ends_.begin());
    require(ends_.back() > 0, "Mixture: all proportions are 0");
  }

  Shape shape() const { return std::get<0>(sources_).shape(); }
  auto clip(Index index) const {
    return detail::with_source(sources_, which(index), [index](const auto& source) { return source.clip(index); });
  }
  /// The number of the source that clip `index` is from.
  std::size_t which(Index index) const {
    const double drawn = ends_.back() * Rng{seed_, static_cast<std::uint64_t>(index)}.uniform();
    std::size_t number = 0;
    while (drawn >= ends_[number] && number + 1 < ends_.size()) ++number;
    return number;
  }

 private:
  std::tuple<Sources...> sources_;
  std::uint64_t seed_;
  Proportions ends_{};
};

}  // namespace flipbook
