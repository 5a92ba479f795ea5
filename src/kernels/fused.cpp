// SPDX-License-Identifier: MIT
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/likelihood/discretized_logistic_mixture.hpp>
#include <flipbook/likelihood/gaussian.hpp>
#include <flipbook/likelihood/laplace.hpp>
#include <flipbook/loss/elbo.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

namespace {

using namespace function;

template <class T, class F>
void add_of_two(Table& table) {
  using X = HostTensor<T>;
  table.add("map", kernel::map<T, detail::FusedValue<F>, X, X>);
  table.add("map", kernel::map<T, detail::FusedDerivativeTimes<F, 0>, X, X, X>);
  table.add("map", kernel::map<T, detail::FusedDerivativeTimes<F, 1>, X, X, X>);
}
template <class T, class F>
void add_of_three(Table& table) {
  using X = HostTensor<T>;
  table.add("map", kernel::map<T, detail::FusedValue<F>, X, X, X>);
  table.add("map", kernel::map<T, detail::FusedDerivativeTimes<F, 0>, X, X, X, X>);
  table.add("map", kernel::map<T, detail::FusedDerivativeTimes<F, 1>, X, X, X, X>);
  table.add("map", kernel::map<T, detail::FusedDerivativeTimes<F, 2>, X, X, X, X>);
}

}  // namespace

void add_fused(Table& table) {
  each(scalars, [&]<class T>() {
    each(types<BernoulliLogProb, AtLeast>, [&]<class F>() { add_of_two<T, F>(table); });
    each(types<GaussianLogProb, LaplaceLogProb, LogisticBinLogProb>, [&]<class F>() { add_of_three<T, F>(table); });
  });
}

}  // namespace flipbook::parts
