// SPDX-License-Identifier: MIT
#include "../support/device.hpp"
#include "../support/sample.hpp"

namespace flipbook::examples {

template Tensor<float> token_clips<Cpu>(const SampleSettings&);
#ifdef FLIPBOOK_CUDA
template Tensor<float> token_clips<Cuda>(const SampleSettings&);
#endif

}  // namespace flipbook::examples
