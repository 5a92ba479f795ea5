// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <exception>

#include <flipbook/distributed/collectives.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// What a rank says after a step, and what all of them then do: rank 0's clock counts, and any may stop.
struct Decision {
  double share = 0;  ///< of the training that has passed
  bool stop = false, interrupted = false, save = false;
};
inline Decision agreed(const Decision& mine) {
  distributed::Communicator& ranks = distributed::world();
  if (ranks.size() == 1) return mine;
  const bool first = ranks.rank() == 0;
  std::array<double, 4> votes{first ? mine.share : 0, mine.stop ? 1.0 : 0, mine.interrupted ? 1.0 : 0,
                              first && mine.save ? 1.0 : 0};
  ranks.sum(votes.data(), votes.size(), distributed::Number::float64);
  return {votes[0], votes[1] > 0, votes[2] > 0, votes[3] > 0};
}

/// Ends all ranks because of what this one has thrown: they would wait for it.
inline void end_all(distributed::Communicator& ranks, const std::exception_ptr& thrown) noexcept {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    ranks.abort(error.what());
  } catch (...) {
    ranks.abort("something was thrown that is no std::exception");
  }
}

}  // namespace flipbook::detail
