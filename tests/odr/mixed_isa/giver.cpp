// SPDX-License-Identifier: MIT
#include <flipbook/core/tensor.hpp>

float first_of(const flipbook::Tensor<float>& x);

int main() { return first_of(flipbook::Tensor<float>{flipbook::Shape{3}}) > 0; }
