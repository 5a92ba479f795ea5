// SPDX-License-Identifier: MIT
// A part of a program. It is compiled once for each instruction set.
#include <bit>
#include <cstdint>

#include <flipbook/backend/cpu/runtime/arithmetic.hpp>
#include <flipbook/kernels/conv.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

namespace fb = flipbook;

/// What this part was compiled for.
extern "C" const char* UNIT_isa() { return TEXT(FLIPBOOK_ISA); }

/// A digest of the bits that a convolution and what follows it give here: each set
/// rounds in a way of its own.
extern "C" std::uint32_t UNIT_digest() {
  fb::cpu::arithmetic().bfloat16 = true;  // where the instruction set has it
  fb::Rng rng{7};
  const fb::Index n = 2, h = 16, c = 40;
  const auto x = fb::normal<float>({n, h, h, c}, rng);
  const auto w = fb::normal<float>({3, 3, c, c}, rng);
  fb::Tensor<float> y{{n, h, h, c}};
  fb::ConvGeometry g{.batch = n, .input = {1, h, h}, .kernel = {1, 3, 3}, .padding = {0, 1, 1}};
  g.in_channels = g.out_channels = c;
  g.fit_output();
  fb::kernel::conv<float>(fb::Cpu{}, g, y, x, w, nullptr);
  std::uint32_t digest = 2166136261u;  // FNV-1a
  for (const float v : fb::sum(fb::gelu(y) * fb::softmax(y), {-1}))
    digest = (digest ^ std::bit_cast<std::uint32_t>(v)) * 16777619u;
  return digest;
}
