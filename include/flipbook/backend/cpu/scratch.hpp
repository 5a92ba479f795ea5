#pragma once

#include <flipbook/core/scratch.hpp>

namespace flipbook::cpu {

template <class T>
using Scratch = flipbook::Scratch<T, Cpu>;

}  // namespace flipbook::cpu
