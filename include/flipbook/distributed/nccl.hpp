// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>
#include <nccl.h>

#include <flipbook/core/error.hpp>
#include <flipbook/distributed/mpi.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The ranks of MPI, each with its own CUDA device. Device memory is communicated by NCCL, on the stream that computes
/// it, and therefore also in captured steps. Linking flipbook::nccl replaces flipbook::mpi by it.
/// @throws Error  in every function on devices, if NCCL fails
class Nccl final : public Mpi {
 public:
  bool on_devices() const noexcept override { return true; }
  void sum_on_device(void* numbers, std::size_t count, distributed::Number type, bool mean, void* stream) override {
    check(ncclAllReduce(numbers, numbers, count, type == distributed::Number::float32 ? ncclFloat32 : ncclFloat64,
                        mean ? ncclAvg : ncclSum, communicator(), static_cast<cudaStream_t>(stream)));
  }
  void all_gather_on_device(void* bytes, std::span<const std::size_t> ends, void* stream) override {
    const ncclComm_t all = communicator();
    check(ncclGroupStart());
    std::size_t begin = 0;
    for (int rank = 0; rank < size(); ++rank) {
      const std::size_t end = ends[static_cast<std::size_t>(rank)];
      char* const share = static_cast<char*>(bytes) + begin;
      check(ncclBroadcast(share, share, end - begin, ncclChar, rank, all, static_cast<cudaStream_t>(stream)));
      begin = end;
    }
    check(ncclGroupEnd());
  }

 private:
  static void check(ncclResult_t result) {
    require(result == ncclSuccess, "NCCL: ", ncclGetErrorString(result),
            ". Each rank needs a device of its own: --device cuda takes one for each rank of a machine");
  }
  /// The communicator of NCCL, which all ranks create at first use, for the device then selected.
  ncclComm_t communicator() {
    if (communicator_ == nullptr) {
      ncclUniqueId id{};
      if (rank() == 0) check(ncclGetUniqueId(&id));
      broadcast(&id, sizeof(id));
      check(ncclCommInitRank(&communicator_, size(), id, rank()));
    }
    return communicator_;
  }

  ncclComm_t communicator_ = nullptr;
};

namespace detail {
inline const bool nccl_is_linked = (distributed::detail::factory = &Mpi::launched<Nccl>, true);
}  // namespace detail

}  // namespace flipbook
