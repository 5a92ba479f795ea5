// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <exception>

#include <flipbook/distributed/collectives.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// A rank's state after a step, and the common decision: rank 0's clock is used, and any rank may stop.
struct Decision {
  double share = 0;  ///< completed fraction of the training
  bool stop = false, interrupted = false, save = false;
};
FLIPBOOK_INLINE Decision agreed(const Decision& mine);

/// Ends all ranks after an exception of this one, since they would wait for it.
FLIPBOOK_INLINE void end_all(distributed::Communicator& ranks, const std::exception_ptr& thrown) noexcept;

}  // namespace flipbook::detail

#if !FLIPBOOK_COMPILED
#include <flipbook/train/agreement.ipp>
#endif
