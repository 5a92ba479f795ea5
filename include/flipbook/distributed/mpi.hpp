// SPDX-License-Identifier: MIT
#pragma once

// Only MPI's C interface is used; its C++ interface is obsolete and needs another library.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <flipbook/core/parallel.hpp>
#include <flipbook/distributed/communicator.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The ranks that `mpirun` or another launcher of MPI has started. A program trains on all of them if one of its
/// translation units includes this header, which linking flipbook::mpi does. Started without a launcher, it does not
/// use MPI. A rank whose program ends with a status other than 0 ends the others.
class Mpi : public distributed::Communicator {
 public:
  Mpi() {
    int begun = 0, given = 0;
    MPI_Initialized(&begun);
    if (begun == 0) {
      MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &given);
      ::on_exit([](int status, void*) { leave(status); }, nullptr);  // a program that initialises MPI finalises it
    }
    MPI_Comm_dup(MPI_COMM_WORLD, &blocking_);
    MPI_Comm_dup(MPI_COMM_WORLD, &background_);  // keeps sums that have begun separate from the others
    MPI_Comm_rank(blocking_, &rank_);
    MPI_Comm_size(blocking_, &size_);
    share_cores();
  }

  int rank() const noexcept override { return rank_; }
  int size() const noexcept override { return size_; }
  int local_rank() const noexcept override { return local_rank_; }

  void sum(void* numbers, std::size_t count, distributed::Number type) override {
    in_pieces(count, [&](std::size_t first, int piece) {
      MPI_Allreduce(MPI_IN_PLACE, at(numbers, first, type), piece, type_of(type), MPI_SUM, blocking_);
    });
  }
  void begin_sum(void* numbers, std::size_t count, distributed::Number type) override {
    in_pieces(count, [&](std::size_t first, int piece) {
      MPI_Iallreduce(MPI_IN_PLACE, at(numbers, first, type), piece, type_of(type), MPI_SUM, background_,
                     &begun_.emplace_back());
    });
  }
  void progress() override {
    int done = 0;
    if (!begun_.empty()) MPI_Testall(static_cast<int>(begun_.size()), begun_.data(), &done, MPI_STATUSES_IGNORE);
    if (done != 0) begun_.clear();
  }
  void finish_sums() override {
    MPI_Waitall(static_cast<int>(begun_.size()), begun_.data(), MPI_STATUSES_IGNORE);
    begun_.clear();
  }
  void broadcast(void* bytes, std::size_t count) override { broadcast_from(0, bytes, count); }
  void all_gather(void* bytes, std::span<const std::size_t> ends) override {
    std::size_t begin = 0;
    for (int rank = 0; rank < size_; ++rank) {
      const std::size_t end = ends[static_cast<std::size_t>(rank)];
      broadcast_from(rank, static_cast<char*>(bytes) + begin, end - begin);
      begin = end;
    }
  }
  [[noreturn]] void abort(const char* why) noexcept override {
    std::fprintf(stderr, "\nflipbook: rank %d of %d stops, and with it the others: %s\n", rank_, size_, why);
    MPI_Abort(MPI_COMM_WORLD, 1);
    std::_Exit(1);
  }

  /// The communicator of the ranks that a launcher has started; null for a process started without one.
  template <class Ranks = Mpi>
  static std::unique_ptr<Communicator> launched() {
    for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS", "SLURM_PROCID"}) {
      if (std::getenv(variable) != nullptr) return std::make_unique<Ranks>();
    }
    return nullptr;
  }

 private:
  static constexpr std::size_t most = std::size_t{1} << 28;  // MPI counts in int

  template <class F>
  static void in_pieces(std::size_t count, const F& f) {
    for (std::size_t first = 0; first < count; first += most) f(first, static_cast<int>(std::min(most, count - first)));
  }
  static MPI_Datatype type_of(distributed::Number type) {
    return type == distributed::Number::float32 ? MPI_FLOAT : MPI_DOUBLE;
  }
  static void* at(void* numbers, std::size_t index, distributed::Number type) {
    return static_cast<char*>(numbers) + index * (type == distributed::Number::float32 ? 4 : 8);
  }
  void broadcast_from(int root, void* bytes, std::size_t count) {
    in_pieces(count, [&](std::size_t first, int piece) {
      MPI_Bcast(static_cast<char*>(bytes) + first, piece, MPI_BYTE, root, blocking_);
    });
  }
  /// Divides the machine's cores among its ranks, unless OMP_NUM_THREADS or a binding to cores says otherwise.
  void share_cores() {
    MPI_Comm here = MPI_COMM_NULL;
    MPI_Comm_split_type(blocking_, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
    int ranks = 1;
    MPI_Comm_size(here, &ranks);
    MPI_Comm_rank(here, &local_rank_);
    MPI_Comm_free(&here);
    const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
    const bool bound = threads() < cores;  // each rank to its own cores
    if (std::getenv("OMP_NUM_THREADS") == nullptr && !bound) set_threads(std::max(1, static_cast<int>(cores) / ranks));
  }
  // Without MPI_Abort, ranks that wait for this one would wait for ever. MPI_Finalize waits for all ranks.
  static void leave(int status) {
    int ended = 0;
    MPI_Finalized(&ended);
    if (ended != 0) return;
    if (status != 0) MPI_Abort(MPI_COMM_WORLD, status);
    MPI_Finalize();
  }

  MPI_Comm blocking_ = MPI_COMM_NULL, background_ = MPI_COMM_NULL;
  std::vector<MPI_Request> begun_;
  int rank_ = 0, size_ = 1, local_rank_ = 0;
};

namespace detail {
inline const bool mpi_is_linked = [] {
  if (distributed::detail::factory == nullptr) distributed::detail::factory = &Mpi::launched<Mpi>;
  return true;
}();
}  // namespace detail

}  // namespace flipbook
