// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <span>

namespace flipbook::distributed {

// Like flipbook::Error, all of this is outside the namespace of an instruction set: a program has one communicator,
// whatever its parts are compiled for.

/// The type of the numbers in a buffer.
enum class Number { float32, float64 };

/// The processes that train one model together, its ranks 0 … size − 1. Each has a copy of the model and its own part
/// of every batch. All ranks call the same functions in the same order. A rank that waits for one that has stopped
/// would wait for ever, so a rank that cannot continue calls `abort`.
class Communicator {
 public:
  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  virtual ~Communicator() = default;

  virtual int rank() const noexcept = 0;
  virtual int size() const noexcept = 0;

  /// Replaces each number by its sum over all ranks. The result is bitwise the same on all ranks and when repeated.
  virtual void sum(void* numbers, std::size_t count, Number type) = 0;
  /// Begins such a sum; the numbers must not be read or written before `finish_sums` has returned.
  virtual void begin_sum(void* numbers, std::size_t count, Number type) = 0;
  /// Advances the sums that have begun, if the network needs this process for it.
  virtual void progress() = 0;
  virtual void finish_sums() = 0;
  /// Copies rank 0's bytes to all ranks.
  virtual void broadcast(void* bytes, std::size_t count) = 0;
  /// Gathers the buffer on all ranks, of which rank r has bytes [ends[r − 1], ends[r]).
  virtual void all_gather(void* bytes, std::span<const std::size_t> ends) = 0;
  /// Terminates all ranks, after a line on stderr with this rank and the reason.
  [[noreturn]] virtual void abort(const char* why) noexcept = 0;

  /// The index of this rank among those on its machine, from 0: each computes on its own device.
  virtual int local_rank() const noexcept { return 0; }
  /// Whether it communicates device memory; otherwise tensors are copied through host memory.
  virtual bool on_devices() const noexcept { return false; }
  /// `sum` and `all_gather` in memory of the current device, in the order of a cudaStream_t, which may be captured: the
  /// host does not wait. `mean`: the sum divided by the number of ranks.
  virtual void sum_on_device(void*, std::size_t, Number, bool /*mean*/, void* /*stream*/) {}
  virtual void all_gather_on_device(void*, std::span<const std::size_t>, void* /*stream*/) {}

  /// Whether batch normalisation uses statistics of the whole batch, on all ranks, as one process would. If false, each
  /// rank normalises by its own part, which saves two sums per layer and direction.
  bool synchronise_batch_norm = true;
};

namespace detail {

/// A single process.
class Alone final : public Communicator {
 public:
  int rank() const noexcept override { return 0; }
  int size() const noexcept override { return 1; }
  void sum(void*, std::size_t, Number) override {}
  void begin_sum(void*, std::size_t, Number) override {}
  void progress() override {}
  void finish_sums() override {}
  void broadcast(void*, std::size_t) override {}
  void all_gather(void*, std::span<const std::size_t>) override {}
  [[noreturn]] void abort(const char*) noexcept override { std::terminate(); }
};

using Factory = std::unique_ptr<Communicator> (*)();
/// Creates the communicator of the processes, if a header such as distributed/mpi.hpp is part of the program. Returns
/// null for a single process.
inline Factory factory = nullptr;
inline std::atomic<Communicator*> in_use = nullptr;

}  // namespace detail

/// The communicator of this process alone: after `Use use(alone);` a rank trains without the others.
inline detail::Alone alone;

/// The ranks of this program: those that `mpirun` has started if flipbook::mpi is linked, otherwise this process alone.
inline Communicator& world() {
  if (Communicator* const used = detail::in_use) return *used;
  static const std::unique_ptr<Communicator> started = detail::factory ? detail::factory() : nullptr;
  return started ? *started : alone;
}

/// Replaces `world()` by another communicator during its lifetime, such as the user's own or `alone`.
class Use {
 public:
  explicit Use(Communicator& communicator) : before_(detail::in_use.exchange(&communicator)) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { detail::in_use = before_; }

 private:
  Communicator* before_;
};

}  // namespace flipbook::distributed
