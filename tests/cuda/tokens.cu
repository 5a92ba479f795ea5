// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/models/tokens/video_gpt.hpp>
#include <flipbook/models/tokens/video_mask_git.hpp>
#include <flipbook/models/tokens/video_var.hpp>
#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>
#include <flipbook/quantizer/lookup_free.hpp>
#include <flipbook/quantizer/multi_scale.hpp>
#include <flipbook/quantizer/residual.hpp>
#include <flipbook/quantizer/vector.hpp>
#include <flipbook/train/trainer.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

template <class Q>
using Auto = Autoencoder<nn::Linear<1, Q::size>, Q, nn::Linear<Q::size, 1>>;

template <class Model, class B, class Batch>
auto trained(const Batch& batch) {
  Trainer trainer{Module<Model, float, B>{Rng{1}}, optim::Adam{.epsilon = 0.1}};
  const auto there = map_members(batch, [](const auto& x) { return to<B>(x); });
  for (int i = 0; i < 5; ++i) (void)trainer.step(there);
  CHECK(trainer.captured() == std::is_same_v<B, Cuda>);
  return Module<Model, float>(trainer.model);
}
template <class Model>
void check_same(const Model& a, const Model& b) {
  CHECK(difference(a.parameters(), b.parameters()) < 1e-4);
  CHECK(difference(a.buffers(), b.buffers()) < 1e-4);
}

}  // namespace

TEST_CASE("a codebook follows what a device codes as it does on the CPU, in steps that are captured") {
  using Model = Auto<quantizer::Residual<quantizer::Vector<8, 4>, 2>>;
  Rng rng{2};
  const auto x = uniform<float>({6, 2, 3, 3, 1}, rng);
  check_same(trained<Model, Cpu>(x), trained<Model, Cuda>(x));
}

TEST_CASE("a model of codes learns on a device what it learns on the CPU, in steps that are captured") {
  using Model = VideoGpt<Auto<quantizer::FiniteScalar<3, 5>>, LatentGrid{2, 2, 2}, 16, 1, 2, 3>;
  Rng rng{2};
  LabelledClip<Tensor<float>> batch{uniform<float>({3, 2, 2, 2, 1}, rng), zeros<float>({3, 3})};
  for (Index i = 0; i < 3; ++i) batch.label.data()[4 * i] = 1;
  const auto here = trained<Model, Cpu>(batch), there = trained<Model, Cuda>(batch);
  check_same(here, there);

  const auto moved = to<Cuda>(here);
  const Tensor<std::int32_t> labels({2}, {0, 2});
  Rng first{3}, second{3};
  const likelihood::Sampling how{.temperature = 0.8, .top_k = 7, .top_p = 0.9, .guidance = 1.5};
  CHECK(difference(to<Cpu>(moved->sample(moved->begin(to<Cuda>(labels)), second, how)),
                   here->sample(here->begin(labels), first, how)) < 1e-5);
}

using TwoScales = quantizer::Scales<Extent{1, 1, 1}, Extent{1, 2, 2}>;
TEST_CASE_TEMPLATE("with guidance a device draws the codes that the CPU draws", Prior,
                   TokenTransformer<7, 16, 1, 2, 5, 3>, Masked<MaskedTransformer<7, 16, 1, 2, 5, 3>>,
                   NextScale<ScaleTransformer<7, TwoScales, 16, 1, 2, 3>>) {
  const Module<Prior, float> here{Rng{1}};
  const auto moved = to<Cuda>(here);
  typename Prior::Sampling how;
  if constexpr (requires { how.tokens; }) how.tokens.guidance = 3;
  else how.guidance = 3;
  const Tensor<std::int32_t> classes({3, 1}, {7, 8, 9});
  Rng first{3}, second{3};
  CHECK(same(to<Cpu>(moved->sample(to<Cuda>(classes), 5, second, how)), here->sample(classes, 5, first, how)));
}

TEST_CASE("a device masks, learns and fills the codes that the CPU does, in steps that are captured") {
  using Model = VideoMaskGit<Auto<quantizer::FiniteScalar<3, 5>>, LatentGrid{2, 2, 2}, 16, 1, 2>;
  Rng rng{2};
  const auto clips = uniform<float>({3, 2, 2, 2, 1}, rng);
  const auto here = trained<Model, Cpu>(clips), there = trained<Model, Cuda>(clips);
  check_same(here, there);

  const auto moved = to<Cuda>(here);
  Rng first{3}, second{3};
  const masked::Sampling how{.steps = 4, .tokens = {.temperature = 0.8, .top_k = 7}};
  CHECK(difference(to<Cpu>(moved->sample(moved->begin(2), second, how)), here->sample(here->begin(2), first, how)) <
        1e-5);
}

TEST_CASE("a device codes, learns and draws scale by scale what the CPU does, in steps that are captured") {
  using Scales = quantizer::Scales<Extent{1, 1, 1}, Extent{1, 2, 2}, Extent{2, 2, 2}>;
  using Tokenizer = Auto<quantizer::MultiScale<quantizer::Vector<8, 4>, Scales>>;
  Rng rng{2};
  const auto clips = uniform<float>({3, 2, 2, 2, 1}, rng);
  check_same(trained<Tokenizer, Cpu>(clips), trained<Tokenizer, Cuda>(clips));

  using Model = VideoVar<Tokenizer, 16, 1, 2>;
  const auto here = trained<Model, Cpu>(clips), there = trained<Model, Cuda>(clips);
  check_same(here, there);
  const auto moved = to<Cuda>(here);
  Rng first{3}, second{3};
  const likelihood::Sampling how{.temperature = 0.8, .top_k = 7};
  CHECK(difference(to<Cpu>(moved->sample(moved->begin(2), second, how)), here->sample(here->begin(2), first, how)) <
        1e-5);
}

TEST_CASE_TEMPLATE("numbers have the places on a device that sorting gives them on the CPU", T, float, double,
                   bfloat16) {
  for (const Shape& shape : {Shape{1}, Shape{5, 37}, Shape{2, 3, 131}}) {
    const auto x = cast<T>(round(random<double>(shape) * 8));  // many are equal
    CHECK(same(to<Cpu>(inverse_argsort(to<Cuda>(x))), inverse_argsort(x)));
  }
}

TEST_CASE_TEMPLATE("signs are bits on a device too", T, float, half) {
  const auto z = random<double>({3, 7, 5});
  const auto quantized = []<class X>(const X& x) {
    const Of<quantizer::LookupFree<5>, typename X::Scalar, typename X::Backend> lfq;
    const auto q = lfq.quantize(x);
    return std::tuple{q.z, q.codes, q.loss, lfq.decode(q.codes)};
  };
  CHECK(disagreement<T>(quantized, z) < device_tolerance<T>);
}

TEST_CASE_TEMPLATE("scales of short numbers are coded, and learned as in double", T, bfloat16, flipbook::half) {
  using Scales = quantizer::Scales<Extent{1, 1, 1}, Extent{1, 2, 2}, Extent{2, 2, 2}>;
  const Module<quantizer::MultiScale<quantizer::Vector<8, 4>, Scales>, T, Cuda> quantizer{Rng{1}};
  const auto q = quantizer->quantize(to<Cuda>(converted<T>(random<double>({2, 2, 2, 2, 4}))));
  CHECK(same(to<Cpu>(quantizer->decode(q.codes)), to<Cpu>(q.z)));

  using Prior = NextScale<ScaleTransformer<8, Scales, 16, 1, 2, 1>>;
  const Module<Prior, double> here{Rng{1}};
  const Module<Prior, T, Cuda> there{Rng{1}};
  const auto tokens = concat(1, full<std::int32_t>({2, 1}, 8), to<Cpu>(q.codes));
  const auto slope = [&](const auto& model, const auto& known) {
    Tape tape{model};
    return converted<double>(to<Cpu>(tape.gradient(model->loss(tape, known), model)));
  };
  CHECK(difference(slope(there, to<Cuda>(tokens)), slope(here, tokens)) < device_tolerance<T>);
  Rng rng{3};
  CHECK(there->sample(to<Cuda>(full<std::int32_t>({2, 1}, 8)), 13, rng).shape() == Shape{2, 13});
}

TEST_CASE("logits in short scalars leave the classes that they leave in float") {
  Rng rng{1};
  const Tensor<float> logits = cast<float>(cast<bfloat16>(normal<float>({3, 11}, rng)));  // (3, 11)
  const likelihood::Sampling how{.top_k = 4, .top_p = 0.9};
  const auto left = likelihood::truncated(to<Cuda>(cast<bfloat16>(logits)), how);
  CHECK(same(to<Cpu>(cast<float>(left)), likelihood::truncated(logits, how)));
}
