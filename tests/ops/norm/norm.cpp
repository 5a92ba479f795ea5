// SPDX-License-Identifier: MIT
#include <flipbook/ops/norm/norm.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

/// Which set an element belongs to: the only thing in which the normalisations differ.
using SetOf = Index (*)(const Shape&, const Indices&, Index groups);

Index channel(const Shape& x, const Indices& i) { return i[static_cast<std::size_t>(x.rank() - 1)]; }
Index by_channel(const Shape& x, const Indices& i, Index) { return channel(x, i); }
Index by_place(const Shape& x, const Indices& i, Index) { return place(x, i) / x[-1]; }
Index by_group(const Shape& x, const Indices& i, Index groups) {
  return i[0] * groups + channel(x, i) / (x[-1] / groups);
}
Index by_instance(const Shape& x, const Indices& i, Index) { return i[0] * x[-1] + channel(x, i); }

/// The definition, in double: two passes over the elements of each set.
template <class T>
Tensor<T> plain(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, double epsilon, SetOf set_of,
                Index groups = 1, bool centred = true) {
  struct Moments {
    double count = 0, sum = 0, squares = 0;
  };
  std::vector<Moments> sets(static_cast<std::size_t>(x.size()));
  const auto set = [&](const Indices& i) -> Moments& {
    return sets[static_cast<std::size_t>(set_of(x.shape(), i, groups))];
  };
  const auto mean = [&](const Moments& m) { return centred ? m.sum / m.count : 0; };
  each_index(x.shape(), [&](const Indices& i) { set(i).count += 1, set(i).sum += static_cast<double>(at(x, i)); });
  each_index(x.shape(), [&](const Indices& i) {
    const double d = static_cast<double>(at(x, i)) - mean(set(i));
    set(i).squares += d * d;
  });
  return tabulated<T>(x.shape(), [&](const Indices& i) {
    const Moments& m = set(i);
    const double normal = (static_cast<double>(at(x, i)) - mean(m)) / std::sqrt(m.squares / m.count + epsilon);
    return normal * static_cast<double>(at(w, {channel(x.shape(), i)})) +
           static_cast<double>(at(b, {channel(x.shape(), i)}));
  });
}

const std::vector<Shape> shapes{{2, 1},          {3, 7, 2},   {2, 5, 3, 4}, {37, 16},
                                {2, 3, 5, 7, 6}, {5, 67, 64}, {3, 300, 22}, {2, 2, 130}};

}  // namespace

TEST_CASE_TEMPLATE("every normalisation follows its definition", T, float, double) {
  for (const Shape& shape : shapes) {
    CAPTURE(to_string(shape));
    const auto x = affine(random<T>(shape), 2, 3);
    const auto w = random<T>({shape[-1]}, 2), b = random<T>({shape[-1]}, 3), none = zeros<T>({shape[-1]});
    CHECK(difference(batch_norm(x, w, b), plain(x, w, b, 1e-5, by_channel)) < tolerance<T>);
    if (shape[-1] > 1) {
      CHECK(difference(layer_norm(x, w, b, 1e-3), plain(x, w, b, 1e-3, by_place)) < 3 * tolerance<T>);
    }
    CHECK(difference(rms_norm(x, w), plain(x, w, none, 1e-6, by_place, 1, false)) < tolerance<T>);
    for (const Index groups : {Index{1}, Index{2}, shape[-1]}) {
      if (shape[-1] % groups != 0 || shape.size() == groups * shape[0]) continue;
      if (shape.rank() == 2 && groups == shape[-1]) continue;
      CHECK(difference(group_norm(x, groups, w, b), plain(x, w, b, 1e-5, by_group, groups)) < 3 * tolerance<T>);
    }
    if (shape.rank() > 2)
      CHECK(difference(instance_norm(x, w, b), plain(x, w, b, 1e-5, by_instance)) < 3 * tolerance<T>);
    const auto unit = ones<T>({shape[-1]});
    CHECK(difference(batch_norm(x, None{}, None{}), plain(x, unit, none, 1e-5, by_channel)) < tolerance<T>);
    CHECK(difference(batch_norm(x, w, None{}), plain(x, w, none, 1e-5, by_channel)) < tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("a batch's statistics are its mean and biased variance, also far from zero", T, float, double) {
  for (const Index rows : {2, 63, 64, 1000, 20011}) {
    const auto x = affine(random<T>({rows, 5}), 1, 1000);
    Statistics<T, Cpu> s{Tensor<T>(Shape{5}), Tensor<T>(Shape{5})};
    batch_norm(x, None{}, None{}, 1e-5, s);
    for (Index c = 0; c < 5; ++c) {
      double mean = 0, variance = 0;
      for (Index i = 0; i < rows; ++i) mean += static_cast<double>(at(x, {i, c})) / static_cast<double>(rows);
      for (Index i = 0; i < rows; ++i) {
        variance += std::pow(static_cast<double>(at(x, {i, c})) - mean, 2) / static_cast<double>(rows);
      }
      CHECK(static_cast<double>(at(s.mean, {c})) == doctest::Approx(mean).epsilon(1e-6));
      CHECK(static_cast<double>(at(s.variance, {c})) == doctest::Approx(variance).epsilon(1e-5));
    }
  }
}

TEST_CASE_TEMPLATE("normalising by given statistics repeats the batch's own result", T, float, double) {
  const auto x = random<T>({3, 11, 7}), w = random<T>({7}, 2), b = random<T>({7}, 3);
  Statistics<T, Cpu> s{Tensor<T>(Shape{7}), Tensor<T>(Shape{7})};
  const auto y = batch_norm(x, w, b, 1e-5, s);
  CHECK(same(normalize_by(x, s, w, b), y));
}

TEST_CASE("gradients of every normalisation are exact to second order") {
  for (const Shape& shape : {Shape{2, 3, 4}, Shape{2, 5, 2, 4}, Shape{5, 6}}) {
    CAPTURE(to_string(shape));
    const auto x = affine(random<double>(shape), 1.5, 0.5);
    const auto w = random<double>({shape[-1]}, 2), b = random<double>({shape[-1]}, 3);
    const auto exact = [&](const auto& f, const auto&... inputs) {
      CHECK(gradient_error(f, inputs...) < 1e-7);
      CHECK(second_gradient_error(f, inputs...) < 1e-5);
    };
    exact([](const auto& v, const auto& s, const auto& t) { return batch_norm(v, s, t); }, x, w, b);
    exact([](const auto& v) { return batch_norm(v, None{}, None{}); }, x);
    exact([](const auto& v, const auto& s, const auto& t) { return layer_norm(v, s, t); }, x, w, b);
    exact([](const auto& v, const auto& s) { return rms_norm(v, s); }, x, w);
    exact([](const auto& v, const auto& s, const auto& t) { return group_norm(v, 2, s, t); }, x, w, b);
    if (shape.rank() > 2) {
      exact([](const auto& v, const auto& s, const auto& t) { return instance_norm(v, s, t); }, x, w, b);
    }
    const Statistics<double, Cpu> given{random<double>({shape[-1]}, 4), affine(square(w), 1, 0.1)};
    exact([&](const auto& v, const auto& s, const auto& t) { return normalize_by(v, given, s, t); }, x, w, b);
    exact([&](const auto& v) { return normalize_by(v, given, None{}, None{}, 1e-5, Epilogue{function::Silu{}}); }, x);
    exact([&](const auto& v, const auto& s,
              const auto& t) { return normalize_by(v, given, s, t, 1e-5, Epilogue{function::Tanh{}}); },
          x, w, b);
  }
}

TEST_CASE_TEMPLATE("the fused gradient is the composed one", T, float, double) {
  for (const Shape& shape : shapes) {
    CAPTURE(to_string(shape));
    const auto x = affine(random<T>(shape), 2, 3), dy = random<T>(shape, 4);
    const auto w = random<T>({shape[-1]}, 2), b = random<T>({shape[-1]}, 3);
    const auto compare = [&](const auto& norm) {
      for (int which = 0; which < 3; ++which) {
        Tape tape;
        const auto any = [&](const auto& value) { return tape.variable<Order::higher>(value); };
        const std::array v{any(x), any(w), any(b)};
        const auto loss = sum(norm(v[0], v[1], v[2]) * dy);
        const auto& wanted = v[static_cast<std::size_t>(which)];
        const auto fused = tape.gradient(loss, wanted, {.retain_graph = true});
        const auto composed = tape.recorded_gradient(loss, wanted);
        CHECK(difference(fused, composed.value()) < 30 * tolerance<T>);
      }
    };
    compare([](const auto& v, const auto& s, const auto& t) { return batch_norm(v, s, t, 1e-3); });
    compare([](const auto& v, const auto& s, const auto& t) { return layer_norm(v, s, t, 1e-1); });
    compare([](const auto& v, const auto& s, const auto& t) { return rms_norm(v, s) + t; });
    if (shape[-1] % 2 == 0)
      compare([](const auto& v, const auto& s, const auto& t) { return group_norm(v, 2, s, t, 1e-1); });
    if (shape.rank() > 2)
      compare([](const auto& v, const auto& s, const auto& t) { return instance_norm(v, s, t, 1e-2); });
  }
}

namespace {

/// Calls test(norm) for every normalisation norm(x, w, b, after…) that takes x.
template <class F>
void each_normalisation(const Shape& shape, const F& test) {
  test([](const auto& x, const auto& w, const auto& b, const auto&... after) {
    return batch_norm(x, w, b, 1e-3, flipbook::detail::statistics_for(x, {1, 1, x.shape()[-1], 1}), after...);
  });
  test([](const auto& x, const auto& w, const auto& b, const auto&... after) {
    return layer_norm(x, w, b, 1e-1, after...);
  });
  test([](const auto& x, const auto& w, const auto&, const auto&... after) { return rms_norm(x, w, 1e-2, after...); });
  test([](const auto& x, const auto&, const auto&, const auto&... after) {
    return layer_norm(x, None{}, None{}, 1e-1, after...);
  });
  if (shape.rank() < 3) return;
  test([](const auto& x, const auto& w, const auto& b, const auto&... after) {
    return group_norm(x, x.shape()[-1] % 2 == 0 ? 2 : 1, w, b, 1e-1, after...);
  });
  test([](const auto& x, const auto& w, const auto& b, const auto&... after) {
    return instance_norm(x, w, b, 1e-2, after...);
  });
}

/// Functions that networks have after a normalisation, with a setting, with a slope from x, and with one from y.
template <class F>
void each_function(const F& test) {
  test(Epilogue{function::LeakyRelu{0.2}});
  test(Epilogue{function::Silu{}});
  test(Epilogue{function::Tanh{}});
}

}  // namespace

TEST_CASE_TEMPLATE("a function in the pass of a normalisation is the function after it, with its gradients", T, float,
                   double) {
  for (const Shape& shape :
       {Shape{2, 1}, Shape{3, 7, 2}, Shape{2, 5, 3, 4}, Shape{37, 16}, Shape{3, 300, 22}, Shape{2, 2, 131}}) {
    CAPTURE(to_string(shape));
    const auto x = affine(random<T>(shape), 2, 3), dy = random<T>(shape, 4);
    const auto w = random<T>({shape[-1]}, 2), b = random<T>({shape[-1]}, 3);
    each_normalisation(shape, [&](const auto& norm) {
      each_function([&](const auto& after) {
        CHECK(difference(norm(x, w, b, after), after.unfused(norm(x, w, b))) < tolerance<T>);
        const auto gradients = [&](const auto& f) {
          Tape tape;
          const auto vx = tape.variable(x), vw = tape.variable(w), vb = tape.variable(b);
          const auto loss = sum(f(vx, vw, vb) * dy);
          return std::array{tape.gradient(loss, vx, {.retain_graph = true}),
                            tape.gradient(loss, vw, {.retain_graph = true}), tape.gradient(loss, vb)};
        };
        const auto fused = gradients([&](const auto&... v) { return norm(v..., after); });
        const auto apart = gradients([&](const auto&... v) { return after.unfused(norm(v...)); });
        for (std::size_t i = 0; i < 3; ++i) CHECK(difference(fused[i], apart[i]) < 30 * tolerance<T>);
      });
    });
  }
}

TEST_CASE("gradients of a normalisation with a function in its pass are exact to second order") {
  const auto x = affine(random<double>({2, 3, 4}), 1.5, 0.5), w = random<double>({4}, 2), b = random<double>({4}, 3);
  each_normalisation(x.shape(), [&](const auto& norm) {
    for (const double slope : {0.2, 3.0}) {
      const auto f = [&](const auto&... v) { return norm(v..., Epilogue{function::LeakyRelu{slope}}); };
      CHECK(gradient_error(f, x, w, b) < 1e-7);
      CHECK(second_gradient_error(f, x, w, b) < 1e-5);
    }
    const auto smooth = [&](const auto&... v) { return norm(v..., Epilogue{function::Silu{}}); };
    CHECK(gradient_error(smooth, x, w, b) < 1e-7);
    CHECK(second_gradient_error(smooth, x, w, b) < 1e-5);
    const auto bounded = [&](const auto&... v) { return norm(v..., Epilogue{function::Tanh{}}); };
    CHECK(second_gradient_error(bounded, x, w, b) < 1e-5);
  });
}

TEST_CASE("results and gradients are the same bits for any number of threads") {
  const auto x = random<float>({4, 1000, 24}), w = random<float>({24}, 2), b = random<float>({24}, 3);
  const auto run = [&](int count, const auto& norm) {
    const int before = threads();
    set_threads(count);
    Tape tape;
    const auto v = tape.variable(x), s = tape.variable(w);
    const auto y = norm(v, s, tape.constant(b));
    const auto dw = tape.gradient(sum(square(y)), s, {.retain_graph = true});
    const auto dx = tape.gradient(sum(square(y)), v);
    set_threads(before);
    return std::vector{y.value(), dw, dx};
  };
  const auto compare = [&](const auto& norm) {
    const auto one = run(1, norm), three = run(3, norm);
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(same(one[i], three[i]));
  };
  compare([](const auto& v, const auto& s, const auto& t) { return batch_norm(v, s, t); });
  compare([](const auto& v, const auto& s, const auto& t) { return layer_norm(v, s, t); });
  compare([](const auto& v, const auto& s, const auto& t) { return group_norm(v, 3, s, t); });
  compare([](const auto& v, const auto& s, const auto& t) {
    return group_norm(v, 24, s, t, 1e-5, Epilogue{function::Silu{}});
  });
  compare([](const auto& v, const auto& s, const auto& t) {
    return layer_norm(v, s, t, 1e-5, Epilogue{function::Gelu{}});
  });
}

TEST_CASE("what cannot be normalised is refused, and the text says why") {
  const auto x = random<float>({1, 4});
  const None none;
  CHECK(error_of([&] { batch_norm(x, none, none); }) ==
        "batch_norm: needs more than one element for each channel, got shape (1, 4)");
  CHECK(error_of([&] { instance_norm(x, none, none); }) ==
        "instance_norm: needs more than one place, got shape (1, 4)");
  CHECK(error_of([&] { layer_norm(x, random<float>({3}), none); }) == "layer_norm: weight of shape (3) for 4 channels");
  CHECK(error_of([&] {
          layer_norm(x, random<float>({4}), random<float>({1, 4}));
        }) == "layer_norm: bias of shape (1, 4) for 4 channels");
  CHECK(error_of([&] { group_norm(x, 3, none, none); }) == "group_norm: 3 groups do not divide the channels of (1, 4)");
  CHECK(error_of([&] { batch_norm(random<float>({4}), none, none); }) ==
        "batch_norm: needs at least 2 axes, the last of them channels, got shape (4)");
  const Statistics<float, Cpu> given{random<float>({4}), ones<float>({4})};
  CHECK(error_of([&] { normalize_by(x, given, random<float>({3}), none); }) ==
        "batch_norm: 4 channels for parameters of shape (3)");
  CHECK(error_of([&] {
          normalize_by(random<float>({1, 3}), given, none, none);
        }) == "batch_norm: 3 channels for parameters of shape (4)");
}
