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

/// Inserts a word into a file name: run.best.safetensors.
FLIPBOOK_INLINE std::filesystem::path with_word(std::filesystem::path path, const std::string& word);

}  // namespace detail

/// The path of the best model of a run with the checkpoint `path` in `Trainer::fit`: run.best.safetensors next to
/// run.safetensors.
FLIPBOOK_INLINE std::filesystem::path best_checkpoint(const std::filesystem::path& path);
/// The path of an older checkpoint, of `steps` steps, in `Trainer::fit`: run.000800.safetensors next to
/// run.safetensors.
FLIPBOOK_INLINE std::filesystem::path older_checkpoint(const std::filesystem::path& path, Index steps);

namespace detail {

FLIPBOOK_INLINE bool all_finite(const NamedTensor& x);

/// The checkpoints of a run: the newest, some older ones and the best. They are written by a separate thread, one at a
/// time, from copies of the state. The newest is whole at every moment: a new one is synced to the disk before it gets
/// its name, and older ones are removed after that.
class CheckpointKeeper {
 public:
  /// @param keep  number of checkpoints, including the newest
  /// @param best  whether the best is kept too
  CheckpointKeeper(std::filesystem::path path, Index keep, bool best);

  /// Writes a run's state and discards it, as a test.
  /// @throws Error  if the folder is missing or not writable, or the disk has no space for all checkpoints
  void try_out(const CheckpointWriter& run) const;

  bool busy() const;
  /// Starts writing a copy of a run's state, after the one being written. Errors are reported on stderr.
  /// @param newest  writes it as the newest
  /// @param best    writes it as the best; if that fails, it is tried again with the next
  void keep(std::shared_ptr<const CheckpointWriter> run, Index steps, bool newest, bool best);
  /// Writes a run's state as the newest, and the best if it is not yet written.
  /// @throws NotFinite  if the model is not finite, and Error if it cannot be written
  void keep_now(const CheckpointWriter& run, Index steps);
  void wait();

  /// Calls f(); reports its error on stderr.
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
  /// Gives the newest checkpoint a second name.
  void keep_as(const std::filesystem::path& name) const;
  /// Removes the oldest. Checkpoints with more steps than the newest, left by a run that was resumed further back, are
  /// kept.
  void prune() const;
  /// The steps of the older checkpoints, in ascending order.
  std::vector<Index> older() const;
  static std::optional<Index> steps_of(const std::filesystem::path& path);

  std::filesystem::path path_;
  Index keep_;
  bool best_;
  std::optional<Index> newest_;  // the steps of the newest checkpoint, if known
  std::shared_ptr<const CheckpointWriter> unwritten_best_;
  std::future<void> writing_;  // last: its thread ends before other members are destroyed
};

/// The best value of a run so far: the better one of the remembered value and that of the file.
FLIPBOOK_INLINE std::optional<double> best_so_far(std::optional<double> remembered, const std::filesystem::path& path,
                                                  bool higher_is_better);

}  // namespace detail
}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/keeper.ipp>
#endif
