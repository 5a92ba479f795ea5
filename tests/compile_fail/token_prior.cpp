// SPDX-License-Identifier: MIT
// A prior of codes says how it goes on from some of them.
// WITHIN: 16, since compilers say what a concept misses after where it is asked for.
// EXPECT: constraints? not satisfied
// EXPECT: CodesNeedATokenPrior
// EXPECT Clang: because .?.?prior.sample
#include <cmath>

#include <flipbook/models/tokens/in_latents.hpp>
#include <flipbook/models/vae/vq_vae.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>

using namespace flipbook;

/// Codes that are alike, whatever the data.
struct Uniform {
  static constexpr int tokens = 3, given = 1, context = 1;
  struct Sampling {};

  template <Real T, class B>
  struct Instance {
    using Indices = Tensor<std::int32_t, B>;

    Variable<T, B> loss_of_known(Tape& tape, const Indices&) const {
      return tape.constant(full<T, B>({}, T(std::log(3.0))));
    }
#ifdef CONTROL
    Indices sample(const Indices& prefix, Index count, Rng& rng, const Sampling&) const {
      return sample_categorical(zeros<T, B>({prefix.extent(0), count, tokens}), rng);
    }
#endif
  };
};

const Module<InLatents<VideoVqVae<1, 8, quantizer::FiniteScalar<3>>, Uniform, LatentGrid{1, 1, 1}>, float> model;
