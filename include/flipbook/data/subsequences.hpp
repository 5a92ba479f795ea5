// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <vector>

#include <flipbook/core/error.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The positions of clips in longer sequences of frames: in each sequence, a clip begins every `stride` frames as long
/// as `frames` frames are left.
class Subsequences {
 public:
  Subsequences(Index frames, Index stride) : frames_(frames), stride_(stride) {
    require(frames > 0 && stride > 0, "clips of ", frames, " frames, every ", stride, ": both must be positive");
  }

  /// Adds a sequence of `length` frames; one shorter than a clip contains none.
  void add(Index length) { ends_.push_back(size() + (length < frames_ ? 0 : (length - frames_) / stride_ + 1)); }

  /// The number of clips.
  Index size() const noexcept { return ends_.empty() ? 0 : ends_.back(); }
  Index frames() const noexcept { return frames_; }

  struct Place {
    std::size_t sequence;
    Index first;  ///< frame within the sequence
  };
  /// The sequence and the first frame of clip `index`.
  Place place(Index index) const {
    require(0 <= index && index < size(), "clip ", index, " of ", size());
    const auto end = std::upper_bound(ends_.begin(), ends_.end(), index);
    const Index before = end == ends_.begin() ? 0 : *std::prev(end);
    return {static_cast<std::size_t>(end - ends_.begin()), (index - before) * stride_};
  }

 private:
  Index frames_, stride_;
  std::vector<Index> ends_;  // number of clips up to the end of each sequence
};

}  // namespace flipbook
