// SPDX-License-Identifier: MIT
// Links flipbook::nccl, and says who it is.
#include <cstdio>

#include <flipbook/distributed/communicator.hpp>

int main() {
  const auto& ranks = flipbook::distributed::world();
  std::printf("rank %d of %d\n", ranks.rank(), ranks.size());
}
