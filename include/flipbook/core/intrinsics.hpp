// SPDX-License-Identifier: MIT
#pragma once

// GCC 12 takes the deliberately undefined registers of its own AVX-512 intrinsics for mistakes (GCC PR
// 105593), wherever they are inlined. Included before every library that uses them, none of
// which does where there is no AVX.
#if defined(__AVX__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif
