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
FLIPBOOK_INLINE Decision agreed(const Decision& mine);

/// Ends all ranks because of what this one has thrown: they would wait for it.
FLIPBOOK_INLINE void end_all(distributed::Communicator& ranks, const std::exception_ptr& thrown) noexcept;

}  // namespace flipbook::detail

#if !FLIPBOOK_COMPILED
#include <flipbook/train/agreement.ipp>
#endif
