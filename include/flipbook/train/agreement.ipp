// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/agreement.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

FLIPBOOK_INLINE Decision agreed(const Decision& mine) {
  distributed::Communicator& ranks = distributed::world();
  if (ranks.size() == 1) return mine;
  const bool first = ranks.rank() == 0;
  std::array<double, 4> votes{first ? mine.share : 0, mine.stop ? 1.0 : 0, mine.interrupted ? 1.0 : 0,
                              first && mine.save ? 1.0 : 0};
  ranks.sum(votes.data(), votes.size(), distributed::Number::float64);
  return {votes[0], votes[1] > 0, votes[2] > 0, votes[3] > 0};
}

FLIPBOOK_INLINE void end_all(distributed::Communicator& ranks, const std::exception_ptr& thrown) noexcept {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    ranks.abort(error.what());
  } catch (...) {
    ranks.abort("something was thrown that is no std::exception");
  }
}

}  // namespace flipbook::detail
