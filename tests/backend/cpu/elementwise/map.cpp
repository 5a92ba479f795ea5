// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/elementwise/map.hpp>

#include <doctest/doctest.h>

#include <vector>

#include <flipbook/core/fill.hpp>

using namespace flipbook;

namespace {

constexpr auto f = [](const auto& a, const auto& b) { return a * b + a; };

}  // namespace

TEST_CASE_TEMPLATE("every element is mapped, wherever it stands, and no other is written", T, float, double) {
  for (const Index size : {0, 1, 7, 15, 16, 17, 31, 64, 101, 40'001}) {
    Rng rng{2};
    const auto a = normal<T>({size + 1}, rng), b = normal<T>({size + 1}, rng);
    auto whole = full<T>({size + 1}, 5), shifted = full<T>({size + 1}, 5);
    cpu::map(f, size, whole.data(), a.data(), b.data());
    CHECK(whole.data()[size] == T(5));
    bool right = true;
    for (Index i = 0; i < size; ++i) {
      right =
          right &&
          static_cast<double>(whole.data()[i]) ==
              doctest::Approx(static_cast<double>(a.data()[i]) * (1 + static_cast<double>(b.data()[i]))).epsilon(1e-5);
    }
    CHECK(right);
    if (size == 0) continue;
    cpu::map(f, size - 1, shifted.data() + 1, a.data() + 1, b.data() + 1);  // at other places of its vectors
    bool same = true;
    for (Index i = 1; i < size; ++i) same = same && shifted.data()[i] == whole.data()[i];
    CHECK(same);
  }
}

TEST_CASE_TEMPLATE("operands that broadcast meet the element at the same index", T, float, double) {
  struct Case {
    Shape out, a, b;
  };
  const Case cases[] = {{{3, 5, 7}, {3, 5, 7}, {7}},
                        {{3, 5, 7}, {3, 1, 7}, {5, 1}},
                        {{2, 1, 33}, {1}, {2, 1, 33}},
                        {{4, 3, 2, 17}, {3, 1, 17}, {4, 1, 2, 1}},
                        {{5}, {5}, {1}},
                        {{0, 3}, {0, 3}, {3}},
                        {{300, 67}, {300, 1}, {67}}};
  for (const auto& [out, a_shape, b_shape] : cases) {
    Rng rng{3};
    const auto a = normal<T>(a_shape, rng), b = normal<T>(b_shape, rng);
    auto y = full<T>(out, 9);
    cpu::map_broadcast([](const auto& u, const auto& v) { return u - v; }, out, y.data(), a_shape, a.data(), b_shape,
                       b.data());
    const auto at = [&](const Tensor<T>& x, Index place) {
      Index offset = 0, step = 1;
      for (int from_end = 1; from_end <= out.rank(); place /= out[-from_end], ++from_end) {
        if (from_end > x.rank()) continue;
        offset += (x.extent(-from_end) == 1 ? 0 : place % out[-from_end]) * step;
        step *= x.extent(-from_end);
      }
      return x.data()[offset];
    };
    bool same = true;
    for (Index i = 0; i < out.size(); ++i) same = same && y.data()[i] == at(a, i) - at(b, i);
    CHECK(same);
  }
}
