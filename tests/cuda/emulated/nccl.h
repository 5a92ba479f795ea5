// SPDX-License-Identifier: MIT
// NCCL between emulated devices of several processes: sums go by MPI, when their stream comes to them.
#pragma once

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <cstddef>
#include <cstring>

#include "cuda_runtime.h"

enum ncclResult_t { ncclSuccess = 0, ncclInvalidUsage = 5 };
enum ncclDataType_t { ncclChar = 0, ncclFloat32 = 7, ncclFloat64 = 8 };
enum ncclRedOp_t { ncclSum = 0, ncclAvg = 4 };
struct ncclUniqueId {
  char internal[128];
};
using ncclComm_t = MPI_Comm;

inline const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclSuccess ? "no error" : "invalid usage";
}
inline ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  std::memset(id->internal, 7, sizeof(id->internal));
  return ncclSuccess;
}
/// Refuses an id that did not come from rank 0.
inline ncclResult_t ncclCommInitRank(ncclComm_t* communicator, int, ncclUniqueId id, int) {
  if (id.internal[0] != 7 || id.internal[127] != 7) return ncclInvalidUsage;
  MPI_Comm_dup(MPI_COMM_WORLD, communicator);
  return ncclSuccess;
}
inline ncclResult_t ncclAllReduce(const void* from, void* to, std::size_t count, ncclDataType_t type, ncclRedOp_t op,
                                  ncclComm_t communicator, cudaStream_t stream) {
  if (from != to) return ncclInvalidUsage;  // in place, as flipbook has it
  const auto sum = [=]<class T>(T* numbers, MPI_Datatype number) {
    MPI_Allreduce(MPI_IN_PLACE, numbers, static_cast<int>(count), number, MPI_SUM, communicator);
    int ranks = 1;
    MPI_Comm_size(communicator, &ranks);
    for (std::size_t i = 0; op == ncclAvg && i < count; ++i) numbers[i] /= static_cast<T>(ranks);
  };
  const cudaError_t error = emulated::enqueue(stream, "ncclAllReduce", [=] {
    if (type == ncclFloat32) sum(static_cast<float*>(to), MPI_FLOAT);
    else sum(static_cast<double*>(to), MPI_DOUBLE);
  });
  return error == cudaSuccess ? ncclSuccess : ncclInvalidUsage;
}
inline ncclResult_t ncclBroadcast(const void*, void* to, std::size_t count, ncclDataType_t, int root,
                                  ncclComm_t communicator, cudaStream_t stream) {
  const cudaError_t error = emulated::enqueue(
      stream, "ncclBroadcast", [=] { MPI_Bcast(to, static_cast<int>(count), MPI_BYTE, root, communicator); });
  return error == cudaSuccess ? ncclSuccess : ncclInvalidUsage;
}
inline ncclResult_t ncclGroupStart() { return ncclSuccess; }
inline ncclResult_t ncclGroupEnd() { return ncclSuccess; }
