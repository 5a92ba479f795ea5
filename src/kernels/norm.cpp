// SPDX-License-Identifier: MIT
#include <flipbook/kernels/norm/cpu.hpp>
#include <flipbook/ops/elementwise/unary.hpp>

#include "table.hpp"

namespace flipbook::inline FLIPBOOK_ISA::parts {

namespace {

/// Those of T, with a function after the normalisation.
template <class T, class After>
void add_with(Table& table) {
  table.add<Along::rows>("normalize", kernel::normalize<Along::rows, T, After>);
  table.add<Along::columns>("normalize", kernel::normalize<Along::columns, T, After>);
  table.add("normalize_by", kernel::normalize_by<T, After>);
  table.add<Along::rows>("normalize_gradient", kernel::normalize_gradient<Along::rows, T, After>);
  table.add<Along::columns>("normalize_gradient", kernel::normalize_gradient<Along::columns, T, After>);
}

}  // namespace

void add_norm(Table& table) {
  using namespace function;
  each(scalars, [&]<class T>() {
    add_with<T, NoFunction>(table);
    // The activations of nn/activation.hpp.
    each(types<Relu, LeakyRelu, Elu, Sigmoid, Tanh, Softplus, Silu, Gelu>,
         [&]<class F>() { add_with<T, Epilogue<F>>(table); });
  });
}

}  // namespace flipbook::parts
