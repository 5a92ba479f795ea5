// SPDX-License-Identifier: MIT
#pragma once

// Clang 18 is the first that accepts a double as a template argument. Apple's version numbers differ.
#if defined(__clang__) && !defined(__apple_build_version__) && __clang_major__ < 18
#error "flipbook needs a newer compiler: GCC from 12 on, or Clang from 18 on (tested: 19 and 22)"
#elif defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 12
#error "flipbook needs a newer compiler: GCC from 12 on, or Clang from 18 on (tested: 19 and 22)"
#endif

// Names the inline namespace of the whole library, `flipbook::inline FLIPBOOK_ISA`, after the instructions that the
// compiler may use in this translation unit. Units of one program that are compiled for different instruction sets then
// run their own code each. If one passes a tensor to another, the program does not link, and the missing symbol shows
// both names.
//
// The name is a level of x86-64, `neon` or `generic`, followed by these parts, each after an underscore: the letters of
// features beyond the level, `bf16` if matrices are multiplied as pairs of bfloat16, `serial` without OpenMP, `kernels`
// if kernels come from the library flipbook::kernels.

#define FLIPBOOK_PASTE(a, b) a##b
#define FLIPBOOK_CAT(a, b) FLIPBOOK_PASTE(a, b)

// FLIPBOOK_IF(feature, letter): the letter if the compiler defines the feature's macro as 1, otherwise nothing.
#define FLIPBOOK_HAVE_1 ~,
#define FLIPBOOK_SECOND_OF(first, second, ...) second
#define FLIPBOOK_SECOND(...) FLIPBOOK_SECOND_OF(__VA_ARGS__)
#define FLIPBOOK_IF(feature, letter) FLIPBOOK_SECOND(FLIPBOOK_CAT(FLIPBOOK_HAVE_, feature) letter, , )

#define FLIPBOOK_WORD_OF(a, b, c, d, e, f, g, h) a##b##c##d##e##f##g##h
#define FLIPBOOK_WORD(...) FLIPBOOK_WORD_OF(__VA_ARGS__)

// Features by the level that includes them: x86-64-v2, v3, v4, Ice Lake and Zen 4, none.
#define FLIPBOOK_OF_SSE4                                                                         \
  FLIPBOOK_WORD(FLIPBOOK_IF(__SSE3__, a), FLIPBOOK_IF(__SSSE3__, b), FLIPBOOK_IF(__SSE4_1__, c), \
                FLIPBOOK_IF(__SSE4_2__, d), FLIPBOOK_IF(__POPCNT__, e), , , )
#define FLIPBOOK_OF_AVX2                                                                                              \
  FLIPBOOK_WORD(FLIPBOOK_IF(__AVX__, f), FLIPBOOK_IF(__AVX2__, g), FLIPBOOK_IF(__FMA__, h), FLIPBOOK_IF(__F16C__, i), \
                FLIPBOOK_IF(__BMI__, j), FLIPBOOK_IF(__BMI2__, k), FLIPBOOK_IF(__LZCNT__, l),                         \
                FLIPBOOK_IF(__MOVBE__, m))
#define FLIPBOOK_OF_AVX512                                                                               \
  FLIPBOOK_WORD(FLIPBOOK_IF(__AVX512F__, n), FLIPBOOK_IF(__AVX512BW__, o), FLIPBOOK_IF(__AVX512CD__, p), \
                FLIPBOOK_IF(__AVX512DQ__, q), FLIPBOOK_IF(__AVX512VL__, r), , , )
#define FLIPBOOK_OF_ICELAKE                                                                                            \
  FLIPBOOK_WORD(FLIPBOOK_IF(__AVX512VBMI__, s), FLIPBOOK_IF(__AVX512VBMI2__, t), FLIPBOOK_IF(__AVX512VNNI__, u),       \
                FLIPBOOK_IF(__AVX512BITALG__, v), FLIPBOOK_IF(__AVX512VPOPCNTDQ__, w), FLIPBOOK_IF(__AVX512IFMA__, x), \
                , )
#define FLIPBOOK_OF_NONE                                                                                   \
  FLIPBOOK_WORD(FLIPBOOK_IF(__AVXVNNI__, y), FLIPBOOK_IF(__AVX512FP16__, z), FLIPBOOK_IF(__AVX512ER__, A), \
                FLIPBOOK_IF(__AVX512PF__, B), FLIPBOOK_IF(__FMA4__, C), FLIPBOOK_IF(__XOP__, D),           \
                FLIPBOOK_IF(__ARM_FEATURE_SVE, E), FLIPBOOK_IF(__ARM_FEATURE_BF16, F))

#if defined(__aarch64__)
#define FLIPBOOK_LEVEL neon
#define FLIPBOOK_BEYOND FLIPBOOK_OF_NONE
#elif !defined(__SSE2__)
#define FLIPBOOK_LEVEL generic
#define FLIPBOOK_BEYOND
#elif !(defined(__SSE4_2__) && defined(__POPCNT__))
#define FLIPBOOK_LEVEL sse2
#define FLIPBOOK_BEYOND \
  FLIPBOOK_WORD(FLIPBOOK_OF_SSE4, FLIPBOOK_OF_AVX2, FLIPBOOK_OF_AVX512, FLIPBOOK_OF_ICELAKE, FLIPBOOK_OF_NONE, , , )
#elif !(defined(__AVX2__) && defined(__FMA__) && defined(__F16C__) && defined(__BMI__) && defined(__BMI2__) && \
        defined(__LZCNT__) && defined(__MOVBE__))
#define FLIPBOOK_LEVEL sse4
#define FLIPBOOK_BEYOND \
  FLIPBOOK_WORD(FLIPBOOK_OF_AVX2, FLIPBOOK_OF_AVX512, FLIPBOOK_OF_ICELAKE, FLIPBOOK_OF_NONE, , , , )
#elif !(defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && \
        defined(__AVX512VL__))
#define FLIPBOOK_LEVEL avx2
#define FLIPBOOK_BEYOND FLIPBOOK_WORD(FLIPBOOK_OF_AVX512, FLIPBOOK_OF_ICELAKE, FLIPBOOK_OF_NONE, , , , , )
#elif !(defined(__AVX512VBMI__) && defined(__AVX512VBMI2__) && defined(__AVX512VNNI__) && defined(__AVX512BITALG__) && \
        defined(__AVX512VPOPCNTDQ__) && defined(__AVX512IFMA__))
#define FLIPBOOK_LEVEL avx512
#define FLIPBOOK_BEYOND FLIPBOOK_WORD(FLIPBOOK_OF_ICELAKE, FLIPBOOK_OF_NONE, , , , , , )
#else
#define FLIPBOOK_LEVEL icelake
#define FLIPBOOK_BEYOND FLIPBOOK_OF_NONE
#endif

// Whether matrix products multiply pairs of bfloat16 (`flipbook::bfloat16`): if the program requests it and the
// instruction set has it.
#if defined(FLIPBOOK_BFLOAT16) && defined(__AVX512BF16__) && !defined(__CUDACC__)
#define FLIPBOOK_PAIRS 1
#define FLIPBOOK_OF_PAIRS _bf16
#else
#define FLIPBOOK_PAIRS 0
#define FLIPBOOK_OF_PAIRS
#endif
#ifdef _OPENMP
#define FLIPBOOK_OF_THREADS
#else
#define FLIPBOOK_OF_THREADS _serial
#endif

#ifdef FLIPBOOK_KERNELS
#define FLIPBOOK_OF_KERNELS _kernels
#else
#define FLIPBOOK_OF_KERNELS
#endif

#define FLIPBOOK_UNDERSCORED(...) __VA_OPT__(_##__VA_ARGS__)
#define FLIPBOOK_BEYOND_WORD(...) FLIPBOOK_UNDERSCORED(__VA_ARGS__)
#define FLIPBOOK_ISA                                                                                           \
  FLIPBOOK_WORD(FLIPBOOK_LEVEL, FLIPBOOK_BEYOND_WORD(FLIPBOOK_BEYOND), FLIPBOOK_OF_PAIRS, FLIPBOOK_OF_THREADS, \
                FLIPBOOK_OF_KERNELS, , , )

// Whether AddressSanitizer or ThreadSanitizer is active.
#define FLIPBOOK_SANITIZED 0
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#undef FLIPBOOK_SANITIZED
#define FLIPBOOK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef FLIPBOOK_SANITIZED
#define FLIPBOOK_SANITIZED 1
#endif
#endif

// Whether a program also links functions that are neither kernels nor templates, such as readers and writers of files,
// from flipbook::kernels. They are declared `FLIPBOOK_INLINE`, with their bodies in *.ipp. The library has them
// compiled for the lowest level, with OpenMP, with GCC's standard library, and with the memory pool, which sanitizers
// disable.
#include <cstddef>
#define FLIPBOOK_LOWEST_sse2 1
#define FLIPBOOK_LOWEST_neon 1
#define FLIPBOOK_PLAIN_x 1
#if defined(FLIPBOOK_KERNELS) && defined(_OPENMP) && !defined(__CUDACC__) && !defined(_GLIBCXX_DEBUG) && \
    _GLIBCXX_USE_CXX11_ABI && !FLIPBOOK_SANITIZED && !defined(FLIPBOOK_POISON) &&                        \
    FLIPBOOK_CAT(FLIPBOOK_LOWEST_, FLIPBOOK_LEVEL) &&                                                    \
    FLIPBOOK_CAT(FLIPBOOK_PLAIN_, FLIPBOOK_WORD(x, FLIPBOOK_BEYOND, , , , , , )) && !FLIPBOOK_PAIRS
#define FLIPBOOK_COMPILED 1
#define FLIPBOOK_INLINE
#else
#define FLIPBOOK_COMPILED 0
#define FLIPBOOK_INLINE inline
#endif

// `FLIPBOOK_TEMPLATE(class Snapshot<Cpu>);`, or with a function's declaration: an instantiation that does not depend on
// a program's model. A program that links functions from flipbook::kernels links it too, and compiles neither the
// instantiation nor the functions that only it calls.
#if FLIPBOOK_COMPILED && defined(FLIPBOOK_INSTANTIATES)
#define FLIPBOOK_TEMPLATE(...) template __VA_ARGS__
#elif FLIPBOOK_COMPILED
#define FLIPBOOK_TEMPLATE(...) extern template __VA_ARGS__
#else
#define FLIPBOOK_TEMPLATE(...) static_assert(true)
#endif
