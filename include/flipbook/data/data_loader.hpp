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
  int workers = 1;  ///< threads that make batches
  Index ahead = 0;  ///< batches that may be ready or in the making before they are asked for; 0: workers + 1
  Index first = 0;  ///< number of the first batch: a resumed run goes on where it stopped
  Index part = 0;   ///< of several loaders that share the clips, this one's number,
  Index parts = 1;  ///< and how many there are

  /// Batches that are in memory at most: while one is taken, each worker has another to make.
  Index batches_ahead() const noexcept { return ahead == 0 ? workers + 1 : ahead; }
};

/// Batches of a source, made ahead of time by worker threads. Batch k is the clips
/// [k · batch, (k + 1) · batch) and comes k-th, whatever the number of workers. Each worker makes a batch of its own,
/// so as many read files at once as there are workers; never more than `ahead` batches are in memory. Of several
/// loaders that share the clips, each in a process of its own, batches of one number stand side by side: the clips from
/// (k · parts + part) · batch on.
/// One thread may take them. For a finite source that is read more than once, load `Shuffled(source, seed)`.
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
    } catch (...) {  // no thread could be had: those that started must end before their members do
      stop();
      throw;
    }
  }
  DataLoader(const DataLoader&) = delete;
  DataLoader& operator=(const DataLoader&) = delete;
  ~DataLoader() { stop(); }

  /// The next batch, (N, T, H, W, C), or each member of annotated clips with a leading N; waits until it is ready.
  /// @throws whatever the source threw for one of its clips; so does every later call
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

  /// Whether `next` need not wait.
  bool ready() const {
    const std::lock_guard lock(mutex_);
    return place_of(*this, delivered_).has_value();
  }
  /// The number of the batch that `next` will give.
  Index position() const {
    const std::lock_guard lock(mutex_);
    return delivered_;
  }
  /// The shape of every batch's clips.
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

  // A worker that has no memory left can still hand over what it was thrown: all places are there from the beginning.
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
  Index claimed_, delivered_;  // numbers of the next batch to be made, and to be given out
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace flipbook
