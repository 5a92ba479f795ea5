// SPDX-License-Identifier: MIT
#include <flipbook/core/tensor.hpp>

float first_of(const flipbook::Tensor<float>& x) { return *x.data(); }
