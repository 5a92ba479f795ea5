// SPDX-License-Identifier: MIT
#pragma once

// In programs that link flipbook::kernels, which defines FLIPBOOK_KERNELS, kernels come from that library, and are not
// compiled with the program. It has them for several instruction sets and chooses one when the program runs.

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <typeinfo>

#include <flipbook/core/error.hpp>

// The pools of memory and of threads and the settings are one for a program and for the library's parts, each of which
// is compiled for one instruction set.
#if defined(FLIPBOOK_KERNELS) || defined(FLIPBOOK_KERNELS_PART)
#define FLIPBOOK_SHARED 1
#endif

#define FLIPBOOK_TEXT_OF(...) #__VA_ARGS__
#define FLIPBOOK_TEXT(...) FLIPBOOK_TEXT_OF(__VA_ARGS__)

// What the library exports.
extern "C" {
/// The kernel with this name and key, or null.
void (*flipbook_kernel(const char* name, const char* key))();
/// The instruction set that was chosen.
const char* flipbook_kernels_isa();
void* flipbook_host_pool();
void* flipbook_thread_pool();
void* flipbook_arithmetic();
}

namespace flipbook::inline FLIPBOOK_ISA {

namespace function {
/// Found for the functors of this namespace. All that kernels are made with are in flipbook::kernels; those of users
/// are compiled with the program.
template <class F>
constexpr bool is_of_library(const F&) {
  return true;
}
}  // namespace function

namespace detail {

/// Whether a functor is the library's. A functor that is made of another says so of that.
template <class F>
inline constexpr bool of_library = requires(const F& f) {
  is_of_library(f);
};

/// A kernel's type as a key: its mangled name, but for the namespace of this translation unit's instruction set, which
/// differs, and its options.
FLIPBOOK_INLINE std::string key_of(const char* mangled, std::initializer_list<int> options);

using AnyKernel = void (*)();
/// The function of this name and type in flipbook::kernels; not a template, so that a kernel costs the compiler little.
FLIPBOOK_INLINE AnyKernel find_kernel(const char* name, const char* mangled, std::initializer_list<int> options);

/// A text as a template argument.
template <std::size_t N>
struct Name {
  char text[N];
  constexpr Name(const char (&characters)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = characters[i];
  }
};

}  // namespace detail

namespace kernel {

/// Whether kernels of numbers T and functors F come from flipbook::kernels in this program.
#ifdef FLIPBOOK_KERNELS
template <class T, class... F>
inline constexpr bool compiled = std::floating_point<T> && (flipbook::detail::of_library<F> && ...);
#else
template <class T, class... F>
inline constexpr bool compiled = false;
#endif

/// The kernel of this name and type in flipbook::kernels; `options` are those of its template arguments that its type
/// does not have.
/// @throws Error  if the library has none: it is another version than these headers
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
