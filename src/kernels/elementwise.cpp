// SPDX-License-Identifier: MIT
#include <flipbook/core/fill.hpp>
#include <flipbook/kernels/dropout/cpu.hpp>
#include <flipbook/kernels/elementwise/cpu.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/likelihood/categorical.hpp>
#include <flipbook/likelihood/discretized_logistic_mixture.hpp>
#include <flipbook/likelihood/laplace.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/ops/attention/attention.hpp>
#include <flipbook/ops/elementwise/where.hpp>
#include <flipbook/optim/average.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

namespace {

using namespace function;

constexpr auto unary = types<Relu, LeakyRelu, Elu, Sigmoid, Tanh, Softplus, MinusLogSigmoid, Silu, Gelu, Exp, Log, Sqrt,
                             Square, Sin, Cos, Pow, Abs, Clamp, Affine, Round, Sign>;

}  // namespace

void add_elementwise(Table& table) {
  each(scalars, [&]<class T>() {
    using X = HostTensor<T>;
    each(unary, [&]<class F>() {
      table.add("map", kernel::map<T, detail::ValueOf<F>, X>);
      table.add("map", kernel::map<T, detail::DerivativeOf<F>, X, X>);
      table.add("map", kernel::map<T, detail::SecondDerivativeOf<F>, X, X, X>);
    });
    each(types<LaplaceQuantile, MaskOf, NearestClass, LevelOfClass>,
         [&]<class F>() { table.add("map", kernel::map<T, F, X>); });
    each(types<Plus, LessThan, Mix, ExponentialUpdate>, [&]<class F>() { table.add("map", kernel::map<T, F, X, X>); });
    each(types<Choose, LogisticLevel>, [&]<class F>() { table.add("map", kernel::map<T, F, X, X, X>); });
    each(types<Plus, Minus, Times, Over, Greater, GreaterEqual, Equal, FillWhere, First>,
         [&]<class F>() { table.add("map_broadcast", kernel::map_broadcast<T, F>); });
    table.add("dropout", kernel::dropout<T>);
    each(types<detail::NormalPair, detail::UniformPair>,
         [&]<class Pair>() { table.add("draw", detail::draw<T, Pair>); });
  });
}

}  // namespace flipbook::parts
