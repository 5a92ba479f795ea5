// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/core/parallel.hpp>
#include <flipbook/train/checkpoint.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// run.safetensors with a word in it: run.best.safetensors.
FLIPBOOK_INLINE std::filesystem::path with_word(std::filesystem::path path, const std::string& word);

}  // namespace detail

/// Where `Trainer::fit` keeps the best model of a run whose checkpoint is `path`: run.best.safetensors beside
/// run.safetensors.
FLIPBOOK_INLINE std::filesystem::path best_checkpoint(const std::filesystem::path& path);
/// Where `Trainer::fit` keeps an older checkpoint, of so many steps: run.000800.safetensors beside run.safetensors.
FLIPBOOK_INLINE std::filesystem::path older_checkpoint(const std::filesystem::path& path, Index steps);

namespace detail {

FLIPBOOK_INLINE bool all_finite(const NamedTensor& x);

/// The checkpoints of a run: the newest under a path, some older ones and the best beside it. They are written by a
/// thread of its own, one at a time, from copies of the state. At every moment the newest is whole: a new one is on the
/// disk before it takes its name, and older ones are removed after that.
class CheckpointKeeper {
 public:
  /// @param keep  how many, with the newest
  /// @param best  whether the best is kept besides
  CheckpointKeeper(std::filesystem::path path, Index keep, bool best);

  /// Writes a run's state and keeps nothing of it.
  /// @throws Error  if the folder is missing or cannot be written to, or there is no room for all that is to be kept
  void try_out(const CheckpointWriter& run) const;

  bool busy() const;
  /// Has a copy of a run's state written, after what is being written. What goes wrong is said on stderr.
  /// @param newest  under the path
  /// @param best    as the best; where it cannot be written, that is tried again with the next
  void keep(std::shared_ptr<const CheckpointWriter> run, Index steps, bool newest, bool best);
  /// Writes a run's state as the newest, and what has not been written of the best.
  /// @throws NotFinite  if the model is not finite, and Error, if it cannot be written
  void keep_now(const CheckpointWriter& run, Index steps);
  void wait();

  /// f(), or a line on stderr about what it threw.
  template <class F>
  static void said(const F& f, const char* failed = "no checkpoint was written") noexcept {
    try {
      f();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "\nflipbook: %s: %s\n", failed, error.what());
    }
  }

 private:
  void write(const CheckpointWriter* run, Index steps);
  void write_finite(AtomicFile& file, const CheckpointWriter& run, Index steps) const;
  /// Gives what stands under the path a second name.
  void keep_as(const std::filesystem::path& name) const;
  /// Removes the oldest. Of those with more steps than the newest, which a run that went back has left, it has no say.
  void prune() const;
  /// The steps of the older ones, from the least.
  std::vector<Index> older() const;
  static std::optional<Index> steps_of(const std::filesystem::path& path);

  std::filesystem::path path_;
  Index keep_;
  bool best_;
  std::optional<Index> newest_;  // the steps of what stands under the path, where they are known
  std::shared_ptr<const CheckpointWriter> unwritten_best_;
  std::future<void> writing_;  // last: its thread ends before the rest does
};

/// The best value of a run so far: that which it remembers, or that of the file, where it is better.
FLIPBOOK_INLINE std::optional<double> best_so_far(std::optional<double> remembered, const std::filesystem::path& path,
                                                  bool higher_is_better);

}  // namespace detail
}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/keeper.ipp>
#endif
