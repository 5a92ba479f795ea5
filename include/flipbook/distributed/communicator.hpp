// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <span>

namespace flipbook::distributed {

// As flipbook::Error, all of this lies outside the namespace of an instruction set: a program takes part in one
// training, whatever its parts are compiled for.

/// What a number in a buffer is.
enum class Number { float32, float64 };

/// The processes that train one model together, its ranks 0 … size − 1. Each has a copy of the model and its own part
/// of every batch. All ranks call the same functions in the same order; whoever waits here for a rank that has stopped
/// would wait for ever, so a rank that cannot go on calls `abort`.
class Communicator {
 public:
  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  virtual ~Communicator() = default;

  virtual int rank() const noexcept = 0;
  virtual int size() const noexcept = 0;

  /// Replaces each number by its sum over all ranks. All get the same bits, and the same ones whenever it is repeated.
  virtual void sum(void* numbers, std::size_t count, Number type) = 0;
  /// Begins such a sum; the numbers are not to be touched before `finish_sums` has returned.
  virtual void begin_sum(void* numbers, std::size_t count, Number type) = 0;
  /// Moves on the sums that have begun, if the network needs this process for it.
  virtual void progress() = 0;
  virtual void finish_sums() = 0;
  /// Rank 0's bytes become everyone's.
  virtual void broadcast(void* bytes, std::size_t count) = 0;
  /// Rank r has bytes [ends[r − 1], ends[r]) of the buffer; afterwards all have all of it.
  virtual void all_gather(void* bytes, std::span<const std::size_t> ends) = 0;
  /// Ends all ranks, after a line on stderr that names this one and says why.
  [[noreturn]] virtual void abort(const char* why) noexcept = 0;

  /// Which of the ranks on its machine this is, 0 …: each computes on a device of its own.
  virtual int local_rank() const noexcept { return 0; }
  /// Whether it works on the memory of devices; otherwise tensors go by way of the host's.
  virtual bool on_devices() const noexcept { return false; }
  /// As `sum` and `all_gather`, of memory of the current device, in the order of a stream, a cudaStream_t, which may be
  /// captured: nothing is waited for. `mean`: the sum divided by the number of ranks.
  virtual void sum_on_device(void*, std::size_t, Number, bool /*mean*/, void* /*stream*/) {}
  virtual void all_gather_on_device(void*, std::span<const std::size_t>, void* /*stream*/) {}

  /// Whether batch normalisation takes its statistics from the whole batch, on all ranks, as one process would; false
  /// saves two sums a layer and direction, and each rank normalises by its own part.
  bool synchronise_batch_norm = true;
};

namespace detail {

/// A process by itself.
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
/// What makes the processes' communicator, where a header such as distributed/mpi.hpp is part of the program. May
/// return none: the process is by itself.
inline Factory factory = nullptr;
inline std::atomic<Communicator*> in_use = nullptr;

}  // namespace detail

/// This process by itself, as a communicator: `Use use(alone);` trains on one rank what others are left out of.
inline detail::Alone alone;

/// The ranks of this program: those that `mpirun` has started, where flipbook::mpi is linked; otherwise this process
/// alone.
inline Communicator& world() {
  if (Communicator* const used = detail::in_use) return *used;
  static const std::unique_ptr<Communicator> started = detail::factory ? detail::factory() : nullptr;
  return started ? *started : alone;
}

/// Has another communicator in the place of `world()` while it lives: ranks of one's own making, or none.
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
