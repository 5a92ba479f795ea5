// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <string_view>
#include <utility>

#include <flipbook/core/tensor.hpp>
#include <flipbook/data/annotated_clip.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
template <class X>
concept ClipOrAnnotatedClip = std::same_as<X, Tensor<float>> ||
    (AnnotatedClip<X>&& std::same_as<X, WithMembers<X, Tensor<float>>>);
}

/// A source of clips: `shape()` is that of every clip, (T, H, W, C), and `clip(i)` the i-th clip, a Tensor<float> with
/// values in [0, 1], or an AnnotatedClip of Tensor<float>. `clip` is a pure function of i that many threads may call at
/// once. Random numbers of a clip come from a stream selected by i, so clips do not depend on the order of calls.
template <class S>
concept Dataset = requires(const S& source, Index i) {
  { source.shape() } -> std::convertible_to<Shape>;
  { source.clip(i) } -> detail::ClipOrAnnotatedClip;
};

/// The type of a source's clips and of its batches: Tensor<float>, or an AnnotatedClip of Tensor<float>.
template <class Source>
using ClipOf = decltype(std::declval<const Source&>().clip(Index{}));

/// A source of `size()` clips; other sources are endless.
template <class S>
concept FiniteDataset = Dataset<S> && requires(const S& source) {
  { source.size() } -> std::convertible_to<Index>;
};

/// A source whose clips a backend can generate: `made_on(B{}, source)`, called as (first, count), returns clips [first,
/// first + count), (N, T, H, W, C), in the backend's memory.
template <class S, class B>
concept MadeOn = requires(const S& source, Index i) {
  { made_on(B{}, source)(i, i) } -> std::same_as<Tensor<float, B>>;
};

namespace detail {
inline Shape with_leading(Index count, const Shape& shape) {
  Shape longer{count};
  for (const Index extent : shape) longer.push_back(extent);
  return longer;
}
}  // namespace detail

/// Clips [first, first + count) of a source, (N, T, H, W, C); of annotated clips, each member with a new leading axis.
/// @throws Error if a clip does not have the source's shape, if an annotation differs in shape between clips, or for 0
///         annotated clips; also whatever the source throws
template <Dataset Source>
auto batch_of(const Source& source, Index first, Index count) {
  const Shape one = source.shape();
  require(one.rank() == 4, "batch_of: a clip has the axes (T, H, W, C), got ", one);
  require(first >= 0 && count >= 0, "batch_of: ", count, " clips from ", first);
  ClipOf<Source> batch;
  if constexpr (AnnotatedClip<ClipOf<Source>>) require(count > 0, "batch_of: a batch of no annotated clips");
  else batch = Tensor<float>({count, one[0], one[1], one[2], one[3]});
  for (Index i = 0; i < count; ++i) {
    const ClipOf<Source> clip = source.clip(first + i);  // (T, H, W, C)
    require(clip_of(clip).shape() == one, "batch_of: clip ", first + i, " is of shape ", clip_of(clip).shape(),
            ", not ", one);
    zip_members(batch, clip, [&](std::string_view name, Tensor<float>& to, const Tensor<float>& from) {
      if (!to) to = Tensor<float>(detail::with_leading(count, from.shape()));  // (N, …)
      require(to.shape() == detail::with_leading(count, from.shape()), "batch_of: '", name, "' of clip ", first + i,
              " is of shape ", from.shape(), ", not ", to.shape().part(1, to.rank()));
      std::copy(from.begin(), from.end(), to.data() + i * from.size());
    });
  }
  return batch;
}

/// The clips of a source of annotated clips, without their annotations.
template <Dataset Source>
class ClipsOnly {
 public:
  explicit ClipsOnly(Source source) : source_(std::move(source)) {}

  Shape shape() const { return source_.shape(); }
  Index size() const requires FiniteDataset<Source> { return source_.size(); }
  Tensor<float> clip(Index index) const { return clip_of(source_.clip(index)); }

 private:
  Source source_;
};

}  // namespace flipbook
