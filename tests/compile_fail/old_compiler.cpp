// SPDX-License-Identifier: MIT
// EXPECT: flipbook needs a newer compiler
#ifndef CONTROL
#ifdef __clang__
#undef __clang_major__
#define __clang_major__ 17
#else
#undef __GNUC__
#define __GNUC__ 11
#endif
#endif
#include <flipbook/core/isa.hpp>
