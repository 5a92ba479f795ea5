// SPDX-License-Identifier: MIT
#include "../support/sample.hpp"

#include "../support/device.hpp"

namespace flipbook::examples {

template Tensor<float> flow_clips<Cpu>(const SampleSettings&, const std::string&);
#ifdef FLIPBOOK_CUDA
template Tensor<float> flow_clips<Cuda>(const SampleSettings&, const std::string&);
#endif

}  // namespace flipbook::examples
