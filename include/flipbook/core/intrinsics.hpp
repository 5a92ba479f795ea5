// SPDX-License-Identifier: MIT
#pragma once

// GCC 12 warns wherever its own AVX-512 intrinsics, with deliberately undefined registers, are inlined (GCC PR 105593).
// This header is included before every library that uses them; without AVX none does.
#if defined(__AVX__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif
