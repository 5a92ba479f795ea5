// SPDX-License-Identifier: MIT
// What flipbook::kernels exports: the choice of an instruction set, and what its parts share with the program.
#include <cstdlib>
#include <cstring>
#include <string>

#include <flipbook/backend/cpu/runtime/arithmetic.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/memory.hpp>
#include <flipbook/core/thread_pool.hpp>

// FLIPBOOK_PARTS: PART(name) for each instruction set that the library has, lowest first.
#define PART(name) extern "C" void (*flipbook_kernels_##name(const char* kernel, const char* key))();
FLIPBOOK_PARTS
#undef PART

namespace {

/// Whether this processor runs what a part was compiled for.
namespace runs_on_this_processor {

#if defined(__x86_64__)
[[maybe_unused]] bool sse2() { return true; }
[[maybe_unused]] bool avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c") && __builtin_cpu_supports("lzcnt") &&
         __builtin_cpu_supports("movbe");
}
[[maybe_unused]] bool avx512() {
  return avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
[[maybe_unused]] bool avx512_bf16() { return avx512() && __builtin_cpu_supports("avx512bf16"); }
#else
[[maybe_unused]] bool neon() { return true; }
#endif

}  // namespace runs_on_this_processor

struct Part {
  const char* name;
  void (*(*find)(const char* kernel, const char* key))();
  bool runs;
};

/// The highest part that runs here, or the one that the environment's FLIPBOOK_ISA names.
Part choose() {
#define PART(name) Part{#name, flipbook_kernels_##name, runs_on_this_processor::name()},
  const Part parts[] = {FLIPBOOK_PARTS};
#undef PART
  const char* const wanted = std::getenv("FLIPBOOK_ISA");
  std::string there;
  const Part* chosen = nullptr;
  for (const Part& part : parts) {
    if (!part.runs) continue;
    there += there.empty() ? part.name : std::string(", ") + part.name;
    if (wanted == nullptr || std::strcmp(wanted, part.name) == 0) chosen = &part;
  }
  if (wanted == nullptr)
    flipbook::require(chosen != nullptr, "flipbook::kernels has no instruction set of this processor");
  flipbook::require(chosen != nullptr, "FLIPBOOK_ISA is ", wanted,
                    "; flipbook::kernels has of this processor's: ", there);
  return *chosen;
}

const Part& chosen() {
  static const Part part = choose();
  return part;
}

}  // namespace

extern "C" {
void (*flipbook_kernel(const char* name, const char* key))() { return chosen().find(name, key); }
const char* flipbook_kernels_isa() { return chosen().name; }
void* flipbook_host_pool() { return &flipbook::HostPool::instance(); }
#ifdef _OPENMP
void* flipbook_thread_pool() { return &flipbook::detail::ThreadPool::of_program(); }
#endif
void* flipbook_arithmetic() { return &flipbook::cpu::arithmetic(); }
}
