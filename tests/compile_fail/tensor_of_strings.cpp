// SPDX-License-Identifier: MIT
// A tensor holds numbers.
// EXPECT: constraints? not satisfied
// EXPECT: Element
#include <string>

#include <flipbook/core/tensor.hpp>

#ifdef CONTROL
flipbook::Tensor<float> names{flipbook::Shape{2}};
#else
flipbook::Tensor<std::string> names{flipbook::Shape{2}};
#endif
