// SPDX-License-Identifier: MIT
// Runs every part that this machine can run: a line each with what it was compiled for and what it computed.
#include <cstdint>
#include <cstdio>

#define PART(name)                     \
  extern "C" const char* name##_isa(); \
  extern "C" std::uint32_t name##_digest();
PARTS
#undef PART

namespace {

[[maybe_unused]] bool can_run_sse2() { return true; }
[[maybe_unused]] bool can_run_kernels() { return true; }
[[maybe_unused]] bool can_run_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
[[maybe_unused]] bool can_run_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
[[maybe_unused]] bool can_run_avx512_bf16() { return can_run_avx512() && __builtin_cpu_supports("avx512bf16"); }

}  // namespace

int main() {
#define PART(name) \
  if (can_run_##name()) std::printf(#name " %s %08x\n", name##_isa(), static_cast<unsigned>(name##_digest()));
  PARTS
}
