// A part of a program that trains a network. It is compiled once for each instruction set.
#include <bit>
#include <cstdint>

#include <flipbook/backend/cpu/runtime/arithmetic.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

namespace {

namespace fb = flipbook;
using namespace fb::nn;

using Network = Sequential<                                                    // (N, 16, 16, 3)
    Conv2d<3, 40, Window{.kernel = 3, .padding = 1}>, BatchNorm<40>, GELU,     // (N, 16, 16, 40)
    Conv2d<40, 40, Window{.kernel = 3, .padding = 1}>, BatchNorm<40>, GELU,    // (N, 16, 16, 40)
    Conv2d<40, 8, Window{.kernel = 4, .stride = 2, .padding = 1}>, Tanh>;      // (N, 8, 8, 8)

}  // namespace

/// What this part was compiled for.
extern "C" const char* UNIT_isa() { return TEXT(FLIPBOOK_ISA); }

/// A digest of the bits of the parameters after a few steps: each instruction set rounds in a way of its own.
extern "C" std::uint32_t UNIT_digest() {
  fb::cpu::arithmetic().bfloat16 = true;  // where the instruction set has it
  fb::Rng rng{7};
  fb::Module<Network, float> network{rng.split()};
  fb::Optimizer adam{fb::optim::Adam{.learning_rate = 1e-2}, network.parameters()};
  const auto x = fb::normal<float>({3, 16, 16, 3}, rng);                       // (N, H, W, C)
  for (int step = 0; step < 3; ++step) {
    fb::Tape tape{network, rng.split()};
    const auto loss = fb::mean(fb::square(network(tape.constant(x))));
    fb::backward_and_step(tape, loss, network, network.parameters(), adam);
  }
  std::uint32_t digest = 2166136261u;  // FNV-1a
  for (const float p : network.parameters()) digest = (digest ^ std::bit_cast<std::uint32_t>(p)) * 16777619u;
  return digest;
}
