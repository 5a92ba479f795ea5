// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/gemm/matrix_product.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "reference/conv.hpp"
#include "reference/drawn.hpp"

using namespace flipbook;
using cpu::Layout;

TEST_CASE_TEMPLATE("the elements of a stored matrix are where its layout says", T, float, double) {
  const std::vector<T> numbers{0, 1, 2, 3, 4, 5, 6, 7};
  const cpu::StoredMatrix<T> normal{Layout::normal, numbers.data(), 4},
      transposed{Layout::transposed, numbers.data(), 4};
  CHECK(*normal.at(1, 2) == 6);
  CHECK(*transposed.at(2, 1) == 6);
  for (const auto& [matrix, i, j] : {std::tuple{normal, 1, 2}, std::tuple{transposed, 2, 1}}) {
    const cpu::SmallOperand<T> from = matrix.from(0, 0);
    CHECK(from.data[i * from.row + j * from.step] == 6);
  }
}

TEST_CASE_TEMPLATE("products in blocks agree with their definition, to the same bits on any number of threads", T,
                   float, double) {
  Rng rng{1};
  const int before = threads();
  for (const Layout a_layout : {Layout::normal, Layout::transposed}) {
    for (const Layout b_layout : {Layout::normal, Layout::transposed}) {
      for (const auto& [m, n, k] : {std::array<Index, 3>{1, 1, 1},
                                    {1, 300, 65},
                                    {2, 131, 515},
                                    {7, 5, 255},
                                    {128, 33, 257},
                                    {129, 64, 0},
                                    {1, 300, 0},
                                    {131, 1031, 70},
                                    {300, 17, 513}}) {
        CAPTURE(m);
        CAPTURE(n);
        CAPTURE(k);
        const Index lda = (a_layout == Layout::normal ? k : m) + 3, ldb = (b_layout == Layout::normal ? n : k) + 1;
        const auto a = reference::drawn<T>((a_layout == Layout::normal ? m : k) * lda, rng);
        const auto b = reference::drawn<T>((b_layout == Layout::normal ? k : n) * ldb, rng);
        const auto start = reference::drawn<T>(n, rng), values = reference::drawn<T>(m * n, rng);
        for (const bool accumulate : {false, true}) {
          const auto with = [&](int count) {
            set_threads(count);
            auto c = accumulate ? values : reference::poisoned<T>(m * n);
            cpu::MatrixProduct<T>({a_layout, a.data(), lda}, {b_layout, b.data(), ldb}, m, n, k, c.data(), n,
                                  accumulate, accumulate ? nullptr : start.data())();
            return c;
          };
          const auto c = with(1);
          std::vector<double> wanted(values.begin(), values.end());
          reference::gemm(a_layout == Layout::transposed, b_layout == Layout::transposed, m, n, k, a.data(), lda,
                          b.data(), ldb, wanted.data(), n, accumulate, accumulate ? nullptr : start.data());
          double worst = 0;
          for (std::size_t i = 0; i < c.size(); ++i) {
            const double error = std::abs(double(c[i]) - wanted[i]);
            worst = error <= worst ? worst : error;  // also where it is NaN
          }
          CHECK(worst <= std::numeric_limits<T>::epsilon() * (64 + 4 * double(k)));
          CHECK(c == with(2));
          CHECK(c == with(3));
        }
      }
    }
  }
  set_threads(before);
}
