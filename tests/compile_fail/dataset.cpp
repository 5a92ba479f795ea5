// SPDX-License-Identifier: MIT
// A data set gives a clip for an index.
// WITHIN: 15, since compilers say what a concept misses after where it is asked for.
// EXPECT: constraints? not satisfied
// EXPECT: satisf(y|action of) .?.?.?Dataset
// EXPECT: (required expression|because) .?.?.?source.clip\(i\)
#include <flipbook/data/data_loader.hpp>

using namespace flipbook;

struct Black {
  Shape shape() const { return {4, 8, 8, 1}; }
#ifdef CONTROL
  Tensor<float> clip(Index) const {
#else
  Tensor<float> frame(Index) const {
#endif
      return Tensor<float>(shape());
}
}
;

const Tensor<float> batch = batch_of(Black{}, 0, 2);
