// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// How batches are loaded.
struct DataLoaderOptions {
  Index batch = 8;  ///< clips in a batch
  int workers = 1;  ///< threads that prepare batches
  Index ahead = 0;  ///< batches that are ready or in preparation before they are requested; 0: workers + 1
  Index first = 0;  ///< index of the first batch, where a resumed run continues
  Index part = 0;   ///< index of this loader among those that share the clips
  Index parts = 1;  ///< number of loaders that share the clips

  /// The largest number of batches in memory. By default each worker can prepare one while another is taken.
  Index batches_ahead() const noexcept { return ahead == 0 ? workers + 1 : ahead; }
};

/// Batches of a source, prepared ahead of time by worker threads. Batch k is the clips [k · batch, (k + 1) · batch),
/// and batches come in order, whatever the number of workers. Each worker prepares a whole batch, so all workers may
/// read files at once; at most `ahead` batches are in memory. Several loaders, each in its own process, may share the
/// clips: batch k of loader `part` begins at clip (k · parts + part) · batch.
/// Only one thread may call `next`. For several epochs of a finite source, load `Shuffled(source, seed)`.
template <Dataset Source>
class DataLoader {
 public:
  explicit DataLoader(Source source, const DataLoaderOptions& options = {})
      : source_(std::move(source)), options_(completed(options)), claimed_(options.first), delivered_(options.first) {
    require(options.parts > 0 && 0 <= options.part && options.part < options.parts, "DataLoader: part ", options.part,
            " of ", options.parts);
    require(options.batch > 0 && options.workers > 0 && options.ahead >= 0 && options.first >= 0,
            "DataLoader: batches of ", options.batch, " by ", options.workers, " workers, ", options.ahead,
            " ahead, from number ", options.first);
    made_.resize(static_cast<std::size_t>(options_.ahead));
    try {
      for (int i = 0; i < options.workers; ++i) workers_.emplace_back([this] { work(); });
    } catch (...) {  // a thread did not start: those that did must end before their members
      stop();
      throw;
    }
  }
  DataLoader(const DataLoader&) = delete;
  DataLoader& operator=(const DataLoader&) = delete;
  ~DataLoader() { stop(); }

  /// The next batch, (N, T, H, W, C), or each member of annotated clips with a leading N; waits until it is ready.
  /// @throws whatever the source threw for one of the batch's clips; so does every later call
  ClipOf<Source> next() {
    std::unique_lock lock(mutex_);
    std::optional<Result>& made = place_of(*this, delivered_);
    ready_.wait(lock, [&] { return made.has_value(); });
    if (const auto* error = std::get_if<std::exception_ptr>(&*made)) std::rethrow_exception(*error);
    auto batch = std::get<ClipOf<Source>>(*std::exchange(made, std::nullopt));
    ++delivered_;
    lock.unlock();
    wanted_.notify_one();
    return batch;
  }

  /// Whether `next` would return without waiting.
  bool ready() const {
    const std::lock_guard lock(mutex_);
    return place_of(*this, delivered_).has_value();
  }
  /// The index of the batch that `next` returns.
  Index position() const {
    const std::lock_guard lock(mutex_);
    return delivered_;
  }
  /// The shape of each batch's clips, (N, T, H, W, C).
  Shape shape() const {
    const Shape one = source_.shape();
    return {options_.batch, one[0], one[1], one[2], one[3]};
  }
  const Source& source() const noexcept { return source_; }

 private:
  using Result = std::variant<ClipOf<Source>, std::exception_ptr>;

  static DataLoaderOptions completed(DataLoaderOptions options) {
    options.ahead = options.batches_ahead();
    return options;
  }

  // All places are allocated at the beginning, so that a worker without memory can still hand over its exception.
  static auto& place_of(auto& self, Index number) {
    return self.made_[static_cast<std::size_t>(number % self.options_.ahead)];
  }

  void work() noexcept {
    for (std::unique_lock lock(mutex_);;) {
      wanted_.wait(lock, [&] { return stopping_ || claimed_ < delivered_ + options_.ahead; });
      if (stopping_) return;
      const Index number = claimed_++;
      lock.unlock();
      Result result = make(number);
      lock.lock();
      place_of(*this, number) = std::move(result);
      ready_.notify_all();
    }
  }

  Result make(Index number) const noexcept {
    try {
      return batch_of(source_, (number * options_.parts + options_.part) * options_.batch, options_.batch);
    } catch (...) {
      return std::current_exception();
    }
  }

  void stop() noexcept {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wanted_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  const Source source_;
  const DataLoaderOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable ready_, wanted_;
  std::vector<std::optional<Result>> made_;
  Index claimed_, delivered_;  // indices of the next batch to prepare, and to deliver
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace flipbook
