// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <flipbook/core/fill.hpp>
#include <flipbook/distributed/collectives.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// The mean over all ranks of a gradient that is still being worked out. Parameters are gathered in buckets, the last
/// parameter first, as the backward pass comes to them; a bucket's sum begins when all of its gradients are there. What
/// is in a bucket, and their order, is a matter of extents alone, so all ranks sum the same and repeat the same bits.
/// Li et al., PyTorch Distributed: experiences on accelerating data parallel training, 2020.
template <Real T>
class GradientAverage {
 public:
  /// @param sizes  of the parameters, in their order
  GradientAverage(distributed::Communicator& ranks, const std::vector<Index>& sizes) : ranks_(ranks) {
    Index end = 0;
    for (const Index size : sizes) begins_.push_back(std::exchange(end, end + size));
    whole_ = Tensor<Wide<T>>({end});  // (P)
    bucket_of_.resize(sizes.size());
    for (std::size_t i = sizes.size(); i-- > 0;) {
      if (buckets_.empty() || buckets_.back().end - buckets_.back().begin >= bucket_size) {
        buckets_.push_back({begins_[i], begins_[i] + sizes[i], 0});
      }
      bucket_of_[i] = buckets_.size() - 1;
      buckets_.back().begin = begins_[i];
      ++buckets_.back().missing;
    }
  }
  GradientAverage(const GradientAverage&) = delete;
  GradientAverage& operator=(const GradientAverage&) = delete;
  ~GradientAverage() {
    if (!finished_) ranks_.abort("a training step failed while its gradients were summed");
  }

  /// Takes the gradient of a parameter.
  void add(std::size_t parameter, const Tensor<T>& gradient) {
    const Index begin = begins_[parameter];
    const auto scale = static_cast<Wide<T>>(1.0 / ranks_.size());
    std::transform(gradient.begin(), gradient.end(), whole_.data() + begin,
                   [scale](T x) { return static_cast<Wide<T>>(x) * scale; });
    --buckets_[bucket_of_[parameter]].missing;
    for (; next_ < buckets_.size() && buckets_[next_].missing == 0; ++next_) {
      const Bucket& ready = buckets_[next_];
      ranks_.begin_sum(whole_.data() + ready.begin, static_cast<std::size_t>(ready.end - ready.begin),
                       number_of<Wide<T>>());
    }
    ranks_.progress();
  }
  /// The whole gradient (P), in the order of the parameters.
  Tensor<T> finish() {
    ranks_.finish_sums();
    finished_ = true;
    return cast<T>(whole_);
  }

 private:
  static constexpr Index bucket_size = 1 << 18;  // numbers: large enough for a network, small enough to begin early

  struct Bucket {
    Index begin, end;
    int missing;
  };

  distributed::Communicator& ranks_;
  std::vector<Index> begins_;
  std::vector<std::size_t> bucket_of_;
  std::vector<Bucket> buckets_;
  std::size_t next_ = 0;
  Tensor<Wide<T>> whole_;
  bool finished_ = false;
};

}  // namespace flipbook::detail
