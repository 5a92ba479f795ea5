// SPDX-License-Identifier: MIT
#pragma once

// A program that links flipbook::kernels (which defines FLIPBOOK_KERNELS) does not compile kernels: the library has
// them for several instruction sets and selects one at run time.

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <typeinfo>

#include <flipbook/core/error.hpp>

// The program and the library's parts, each compiled for one instruction set, share the memory pool, the thread pool
// and the settings.
#if defined(FLIPBOOK_KERNELS) || defined(FLIPBOOK_KERNELS_PART)
#define FLIPBOOK_SHARED 1
#endif

#define FLIPBOOK_TEXT_OF(...) #__VA_ARGS__
#define FLIPBOOK_TEXT(...) FLIPBOOK_TEXT_OF(__VA_ARGS__)

// Symbols that the library exports.
extern "C" {
/// The kernel with this name and key, or null.
void (*flipbook_kernel(const char* name, const char* key))();
/// The name of the selected instruction set.
const char* flipbook_kernels_isa();
void* flipbook_host_pool();
void* flipbook_thread_pool();
void* flipbook_arithmetic();
}

namespace flipbook::inline FLIPBOOK_ISA {

namespace function {
/// Argument-dependent lookup finds it for functors of this namespace. Kernels with these are in flipbook::kernels;
/// kernels with users' functors are compiled with the program.
template <class F>
constexpr bool is_of_library(const F&) {
  return true;
}
}  // namespace function

namespace detail {

/// Whether a functor is the library's. Specialised for functors composed of others.
template <class F>
inline constexpr bool of_library = requires(const F& f) {
  is_of_library(f);
};

/// A kernel's type as a key: its options, and its mangled name without the namespace of the instruction set, which
/// differs between translation units.
FLIPBOOK_INLINE std::string key_of(const char* mangled, std::initializer_list<int> options);

using AnyKernel = void (*)();
/// The function of this name and type in flipbook::kernels. Not a template, to compile quickly.
FLIPBOOK_INLINE AnyKernel find_kernel(const char* name, const char* mangled, std::initializer_list<int> options);

/// A string as a template argument.
template <std::size_t N>
struct Name {
  char text[N];
  constexpr Name(const char (&characters)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = characters[i];
  }
};

}  // namespace detail

namespace kernel {

/// Whether this program takes kernels for scalar T and functors F from flipbook::kernels.
#ifdef FLIPBOOK_KERNELS
template <class T, class... F>
inline constexpr bool compiled = std::floating_point<T> && (flipbook::detail::of_library<F> && ...);
#else
template <class T, class... F>
inline constexpr bool compiled = false;
#endif

/// The kernel of this name and type in flipbook::kernels. `options` are the template arguments that its type does not
/// show.
/// @throws Error  if the library does not have it, because its version differs from these headers'
template <flipbook::detail::Name name, auto... options, class... P>
auto from_library(void (*)(P...)) {
  using Function = void (*)(P...);
  static const auto found = reinterpret_cast<Function>(
      flipbook::detail::find_kernel(name.text, typeid(Function).name(), {static_cast<int>(options)...}));
  return found;
}

}  // namespace kernel
}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/core/compiled.ipp>
#endif
