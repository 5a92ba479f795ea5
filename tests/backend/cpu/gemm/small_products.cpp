// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/gemm/small_products.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "reference/conv.hpp"
#include "reference/drawn.hpp"

using namespace flipbook;
using cpu::Layout;

namespace {

/// Many products of one size, all on so many threads.
template <class T>
std::vector<T> multiplied(Layout a_layout, Layout b_layout, Index batch, Index m, Index n, Index k,
                          const std::vector<T>& a, const std::vector<T>& b, const std::vector<T>& start, int count) {
  const int before = threads();
  set_threads(count);
  auto c = reference::poisoned<T>(batch * m * n);
  const Index lda = a_layout == Layout::normal ? k : m, ldb = b_layout == Layout::normal ? n : k;
  cpu::SmallProducts<T>({{a_layout, a.data(), lda}, m * k}, {{b_layout, b.data(), ldb}, k * n}, m, n, k, c.data(), n,
                        start.empty() ? nullptr : start.data())(batch);
  set_threads(before);
  return c;
}

template <class T>
void check(Layout a_layout, Layout b_layout, Index batch, Index m, Index n, Index k, Rng& rng) {
  CAPTURE(m);
  CAPTURE(n);
  CAPTURE(k);
  CAPTURE(batch);
  const auto a = reference::drawn<T>(batch * m * k, rng), b = reference::drawn<T>(batch * k * n, rng);
  const auto start = reference::drawn<T>(rng.below(2) == 0 ? n : 0, rng);
  const auto c = multiplied(a_layout, b_layout, batch, m, n, k, a, b, start, 1);
  std::vector<double> wanted(c.size());
  for (Index i = 0; i < batch; ++i) {
    reference::gemm(a_layout == Layout::transposed, b_layout == Layout::transposed, m, n, k, a.data() + i * m * k,
                    a_layout == Layout::normal ? k : m, b.data() + i * k * n, b_layout == Layout::normal ? n : k,
                    wanted.data() + i * m * n, n, false, start.empty() ? nullptr : start.data());
  }
  bool close = true;
  for (std::size_t i = 0; i < c.size(); ++i) {
    close &= std::abs(double(c[i]) - wanted[i]) <= std::numeric_limits<T>::epsilon() * (16 + 4 * double(k));
  }
  CHECK(close);
  CHECK(c == multiplied(a_layout, b_layout, batch, m, n, k, a, b, start, 2));
  CHECK(c == multiplied(a_layout, b_layout, batch, m, n, k, a, b, start, 3));
}

}  // namespace

TEST_CASE_TEMPLATE("many small products agree with their definition, to the same bits on any number of threads", T,
                   float, double) {
  Rng rng{1};
  for (const Layout a : {Layout::normal, Layout::transposed}) {
    for (const Layout b : {Layout::normal, Layout::transposed}) {
      CAPTURE(static_cast<int>(a));
      CAPTURE(static_cast<int>(b));
      for (int i = 0; i < reference::cases(30); ++i) {
        check<T>(a, b, rng.below(40), 1 + rng.below(40), 1 + rng.below(70), rng.below(50), rng);
      }
      check<T>(a, b, 130, 33, 31, 35, rng);  // more than a thread's least share
      check<T>(a, b, 1, 1, 600, 20, rng);
      check<T>(a, b, 2, 600, 1, 20, rng);
      check<T>(a, b, 2, 5, 7, 2000, rng);
      check<T>(a, b, 2, 101, 90, 110, rng);  // divided
    }
  }
}

TEST_CASE("products that are small in one extent alone are no small products") {
  CHECK(cpu::SmallProducts<float>::fit(64, 64, 64));
  CHECK(cpu::SmallProducts<float>::fit(9, 18, 18));
  CHECK(!cpu::SmallProducts<float>::fit(1, 2048, 2048));
  CHECK(!cpu::SmallProducts<float>::fit(2048, 1, 2048));
  CHECK(!cpu::SmallProducts<float>::fit(2048, 2048, 1));
}
