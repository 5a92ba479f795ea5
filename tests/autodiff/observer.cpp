// SPDX-License-Identifier: MIT
#include <flipbook/autodiff/observer.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <flipbook/autodiff/differentiation.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

using namespace flipbook;

namespace {

/// What it was shown, a word each.
struct Listener final : Observer {
  std::vector<std::string> heard;
  std::vector<TensorStatistics> gradients;
  void operation(const char*, const Shown& y, std::span<const Shown> x) override {
    heard.push_back("operation on " + to_string(x[0].shape) + " to " + to_string(y.shape));
  }
  void node(const Node&) override { heard.push_back("node"); }
  void backward(const Node&) override { heard.push_back("backward"); }
  void gradient(const Shown& dx) override {
    heard.push_back("gradient " + to_string(dx.shape));
    gradients.push_back(dx.numbers());
  }
  void passed(const Tape&, std::size_t node, bool backward) override {
    heard.push_back((backward ? "handed on by " : "made ") + std::to_string(node));
  }
  void number(std::string_view name, double value) override {
    heard.push_back(std::string(name) + " " + std::to_string(static_cast<int>(value)));
  }
};

void differentiate() {
  Tape tape;
  const auto x = tape.variable(Tensor<float>({3}, {1, -2, 0}));
  (void)tape.gradient(sum(square(x)), x);
}

}  // namespace

TEST_CASE("an observer is shown in their order what is computed and what is handed back") {
  Listener listener;
  {
    const Observing observing(listener);
    differentiate();
  }
  const std::vector<std::string> expected{"node",     "made 0",       "operation on (3) to (3)",
                                          "node",     "made 1",       "operation on (3) to ()",
                                          "node",     "made 2",       "gradient ()",
                                          "backward", "gradient (3)", "handed on by 2",
                                          "backward", "gradient (3)", "handed on by 1"};
  CHECK(listener.heard == expected);
  REQUIRE(listener.gradients.size() == 3);
  CHECK(listener.gradients[1].sum == 3);       // of the sum: ones
  CHECK(listener.gradients[2].squares == 20);  // of the squares: 2, −4, 0
  CHECK(listener.gradients[2].zero == 1);
}

TEST_CASE("observers are nested, and afterwards nobody is shown anything") {
  Listener outer, inner;
  {
    const Observing first(outer);
    {
      const Observing second(inner);
      detail::observer->number("inner", 1);
    }
    detail::observer->number("outer", 2);
  }
  differentiate();
  CHECK(detail::observer == nullptr);
  CHECK(inner.heard == std::vector<std::string>{"inner 1"});
  CHECK(outer.heard == std::vector<std::string>{"outer 2"});
}

TEST_CASE("what numbers are like is counted") {
  const TensorStatistics x = statistics_of(Tensor<float>({6}, {-2, 0, 4, NAN, INFINITY, -INFINITY}));
  CHECK(x.count == 6);
  CHECK(x.nan == 1);
  CHECK(x.infinite == 2);
  CHECK(x.zero == 1);
  CHECK(x.negative == 1);
  CHECK(x.first_not_finite == 3);
  CHECK(x.least == -2);
  CHECK(x.most == 4);
  CHECK(x.mean() == doctest::Approx(2.0 / 3));
  CHECK(x.length() == doctest::Approx(std::sqrt(20.0)));
}
