// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/gemm/gemm.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "reference/conv.hpp"
#include "reference/drawn.hpp"

namespace {

using flipbook::Index;
using flipbook::Rng;
using reference::drawn;
using flipbook::cpu::Layout;

struct Product {
  Layout a, b;
  Index m, n, k, lda, ldb, ldc;  // each matrix's rows lie further apart than they are long
  bool accumulate, bias;

  Product(Layout a_layout, Layout b_layout, Index rows, Index columns, Index depth, Rng& rng)
      : a(a_layout),
        b(b_layout),
        m(rows),
        n(columns),
        k(depth),
        lda((a == Layout::normal ? k : m) + rng.below(4)),
        ldb((b == Layout::normal ? n : k) + rng.below(4)),
        ldc(n + rng.below(4)),
        accumulate(rng.below(2) == 0),
        bias(!accumulate && rng.below(2) == 0) {}

  // Just as long as it must be, so that a read past the end is seen.
  static Index size(Index rows, Index columns, Index pitch) {
    return rows == 0 || columns == 0 ? 0 : (rows - 1) * pitch + columns;
  }
  Index a_size() const { return a == Layout::normal ? size(m, k, lda) : size(k, m, lda); }
  Index b_size() const { return b == Layout::normal ? size(k, n, ldb) : size(n, k, ldb); }
};

template <class T>
std::vector<T> multiplied(const Product& p, const std::vector<T>& a, const std::vector<T>& b,
                          const std::vector<T>& bias, std::vector<T> c) {
  flipbook::cpu::gemm(p.a, p.b, p.m, p.n, p.k, a.data(), p.lda, b.data(), p.ldb, c.data(), p.ldc, p.accumulate,
                      p.bias ? bias.data() : nullptr);
  return c;
}

template <class T>
void check(const Product& p, Rng& rng) {
  CAPTURE(p.m);
  CAPTURE(p.n);
  CAPTURE(p.k);
  CAPTURE(p.accumulate);
  CAPTURE(p.bias);
  const auto a = drawn<T>(p.a_size(), rng), b = drawn<T>(p.b_size(), rng), bias = drawn<T>(p.n, rng);
  auto start = drawn<T>(Product::size(p.m, p.n, p.ldc), rng);
  if (!p.accumulate) {  // what is not written stays, what is written was not looked at
    for (Index i = 0; i < p.m; ++i) {
      for (Index j = 0; j < p.n; ++j)
        start[static_cast<std::size_t>(i * p.ldc + j)] = std::numeric_limits<T>::quiet_NaN();
    }
  }
  std::vector<double> wanted(start.begin(), start.end());
  reference::gemm(p.a == Layout::transposed, p.b == Layout::transposed, p.m, p.n, p.k, a.data(), p.lda, b.data(), p.ldb,
                  wanted.data(), p.ldc, p.accumulate, p.bias ? bias.data() : nullptr);
  const auto got = multiplied(p, a, b, bias, start);
  const double tolerance = std::numeric_limits<T>::epsilon() * (64 + 4 * double(p.k));
  bool close = true;
  for (std::size_t i = 0; i < got.size(); ++i) close &= std::abs(double(got[i]) - wanted[i]) <= tolerance;
  CHECK(close);
}

constexpr Layout layouts[] = {Layout::normal, Layout::transposed};

}  // namespace

TEST_CASE_TEMPLATE("products of any size and layout agree with their definition", T, float, double) {
  Rng rng{42};
  constexpr Index sizes[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 64, 70, 97};
  const auto any = [&] { return sizes[rng.below(std::size(sizes))]; };
  for (const Layout a : layouts) {
    for (const Layout b : layouts) {
      CAPTURE(static_cast<int>(a));
      CAPTURE(static_cast<int>(b));
      for (int i = 0; i < reference::cases(80); ++i) check<T>(Product(a, b, any(), any(), any(), rng), rng);
    }
  }
}

TEST_CASE_TEMPLATE("products of operands that are larger than the caches agree with their definition", T, float,
                   double) {
  Rng rng{43};
  for (const Layout b : layouts) {
    for (const Index rows : {1, 2, 7, 25}) check<T>(Product(Layout::normal, b, rows, 1030, 301, rng), rng);
    for (const Index columns : {1, 23, 90}) check<T>(Product(Layout::transposed, b, 610, columns, 503, rng), rng);
  }
}

TEST_CASE_TEMPLATE("products longer than a block of the cache agree with their definition", T, float, double) {
  Rng rng{43};
  for (const Layout a : layouts) {
    for (const Layout b : layouts) {
      CAPTURE(static_cast<int>(a));
      CAPTURE(static_cast<int>(b));
      check<T>(Product(a, b, 19, 35, 1100, rng), rng);
      check<T>(Product(a, b, 201, 139, 67, rng), rng);
      check<T>(Product(a, b, 1, 200, 600, rng), rng);
      check<T>(Product(a, b, 2, 333, 130, rng), rng);
      check<T>(Product(a, b, 130, 256, 260, rng), rng);
      check<T>(Product(a, b, 150, 1, 4500, rng), rng);
      check<T>(Product(a, b, 141, 1103, 310, rng), rng);
      check<T>(Product(a, b, 7, 121, 1300, rng), rng);
      check<T>(Product(a, b, 1300, 37, 5, rng), rng);
      check<T>(Product(a, b, 70, 4, 1300, rng), rng);
      check<T>(Product(a, b, 9, 300, 1100, rng), rng);
    }
  }
}

TEST_CASE_TEMPLATE("a product of nothing is the bias, or leaves what was there", T, float, double) {
  for (const Layout a : layouts) {
    for (const Layout b : layouts) {
      const std::vector<T> bias{T(1), T(2), T(3)}, kept{T(4), T(5), T(6)};
      std::vector<T> c(6, std::numeric_limits<T>::quiet_NaN());
      const T none{};
      flipbook::cpu::gemm<T>(a, b, 2, 3, 0, &none, 1, &none, 3, c.data(), 3, false, bias.data());
      CHECK(c == std::vector<T>{T(1), T(2), T(3), T(1), T(2), T(3)});
      c = kept;
      flipbook::cpu::gemm<T>(a, b, 1, 3, 0, &none, 1, &none, 3, c.data(), 3, true, nullptr);
      CHECK(c == kept);
      flipbook::cpu::gemm<T>(a, b, 0, 3, 5, &none, 5, &none, 3, c.data(), 3, false, nullptr);
      CHECK(c == kept);
    }
  }
}

TEST_CASE_TEMPLATE("the number of threads does not change a bit of a product", T, float, double) {
  Rng rng{44};
  const int before = flipbook::threads();
  for (const Layout a : layouts) {
    for (const Layout b : layouts) {
      for (const auto& [m, n, k] : {std::array<Index, 3>{130, 70, 600},
                                    {1, 500, 300},
                                    {300, 2, 700},
                                    {9, 33, 5},
                                    {2, 400, 40},
                                    {70, 4, 900},
                                    {9, 600, 400}}) {
        const Product p(a, b, m, n, k, rng);
        const auto left = drawn<T>(p.a_size(), rng), right = drawn<T>(p.b_size(), rng), bias = drawn<T>(p.n, rng);
        const auto start = drawn<T>(Product::size(m, n, p.ldc), rng);
        const auto with = [&](int threads) {
          flipbook::set_threads(threads);
          return multiplied(p, left, right, bias, start);
        };
        const auto one = with(1);
        CHECK(one == with(2));
        CHECK(one == with(3));
      }
    }
  }
  flipbook::set_threads(before);
}
