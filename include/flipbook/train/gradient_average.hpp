// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <flipbook/autodiff/tape.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/distributed/collectives.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// The mean over all ranks of a gradient during its backward pass. Parameters are gathered in buckets, the last
/// parameter first, in the order of the backward pass; a bucket's all-reduce begins when all of its gradients are
/// computed. Buckets and their order depend only on extents, so all ranks sum the same buckets and results are bitwise
/// reproducible. Li et al., PyTorch Distributed: experiences on accelerating data parallel training, 2020.
template <Real T>
class GradientAverage final : public Tape::GradientTaker<T, Cpu> {
 public:
  using Parts = std::vector<Tensor<T>, PoolAllocator<Tensor<T>>>;

  [[gnu::cold]] GradientAverage(distributed::Communicator& ranks, const Tape::Targets<T, Cpu>& parameters)
      : ranks_(ranks), places_(parameters.size()) {
    Index end = 0;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      places_[i].begin = end;
      end += parameters[i].node->shape().size();
    }
    whole_ = Tensor<Wide<T>>({end});  // (P)
    for (std::size_t i = places_.size(); i-- > 0; end = places_[i].begin) {
      if (buckets_.empty() || buckets_.back().end - buckets_.back().begin >= bucket_size)
        buckets_.push_back({end, end, 0});
      places_[i].bucket = buckets_.size() - 1;
      buckets_.back().begin = places_[i].begin;
      ++buckets_.back().missing;
    }
  }
  GradientAverage(const GradientAverage&) = delete;
  GradientAverage& operator=(const GradientAverage&) = delete;
  ~GradientAverage() {
    if (!finished_) ranks_.abort("a training step failed while its gradients were summed");
  }

  void take(std::size_t parameter, Tensor<T> gradient) override {
    const auto [begin, bucket] = places_[parameter];
    const auto scale = static_cast<Wide<T>>(1.0 / ranks_.size());
    std::transform(gradient.begin(), gradient.end(), whole_.data() + begin,
                   [scale](T x) { return static_cast<Wide<T>>(x) * scale; });
    --buckets_[bucket].missing;
    for (; next_ < buckets_.size() && buckets_[next_].missing == 0; ++next_) {
      const Bucket& ready = buckets_[next_];
      ranks_.begin_sum(whole_.data() + ready.begin, static_cast<std::size_t>(ready.end - ready.begin),
                       number_of<Wide<T>>());
    }
    ranks_.progress();
  }
  /// The whole gradient (P), in the order of the parameters, as one part.
  [[gnu::cold]] Parts finish() {
    ranks_.finish_sums();
    finished_ = true;
    Parts whole;
    whole.push_back(cast<T>(whole_));
    return whole;
  }

 private:
  static constexpr Index bucket_size = 1 << 18;  // numbers: large enough for a network, small enough to begin early

  struct Place {
    Index begin;
    std::size_t bucket;
  };
  struct Bucket {
    Index begin, end;
    int missing;
  };

  distributed::Communicator& ranks_;
  std::vector<Place> places_;  // of the parameters, in their order
  std::vector<Bucket> buckets_;
  std::size_t next_ = 0;
  Tensor<Wide<T>> whole_;
  bool finished_ = false;
};

FLIPBOOK_TEMPLATE(class GradientAverage<float>);

}  // namespace flipbook::detail
