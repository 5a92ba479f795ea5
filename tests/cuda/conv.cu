// SPDX-License-Identifier: MIT
#include <array>
#include <thread>

#include <flipbook/backend/cuda/graph/graph.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/ops/conv/conv.hpp>

#include "agree.hpp"

using namespace flipbook;
using test::device_tolerance;
using test::disagreement;

namespace {

struct Case {
  Shape x, w;
  Window window;
};

/// Convolutions of one to three axes; every other one has channels that packs of 16 bytes divide.
std::vector<Case> random_cases(Index count, Index most_channels, std::uint64_t seed) {
  Rng rng{seed};
  std::vector<Case> cases;
  while (static_cast<Index>(cases.size()) < count) {
    const auto draw = [&](Index low, Index high) { return static_cast<int>(low + rng.below(high - low + 1)); };
    const int spatial = draw(1, 3), groups = draw(0, 3) == 0 ? 2 : 1, unit = cases.size() % 2 == 0 ? 8 : 1;
    const auto channels = [&] { return Index{unit} * draw(1, std::max<Index>(1, most_channels / unit)); };
    const Index in = channels(), out = groups * channels();
    const auto extent = [&](int low, int high) { return Extent(draw(low, high), draw(low, high), draw(low, high)); };
    const Extent kernel = extent(1, 4), before = extent(0, 2), after = extent(0, 2), size = extent(1, 9);
    Window window{.stride = extent(1, 3), .padding = {before, after}, .dilation = extent(1, 2), .groups = groups};
    Case one{{draw(1, 3)}, {}, window};
    bool fits = true;
    for (int axis = 3 - spatial; axis < 3; ++axis) {
      one.x.push_back(size[axis]), one.w.push_back(kernel[axis]);
      fits = fits && size[axis] + before[axis] + after[axis] > window.dilation[axis] * (kernel[axis] - 1);
    }
    one.x.push_back(in * groups), one.w.push_back(in), one.w.push_back(out);
    if (fits) cases.push_back(one);
  }
  return cases;
}

/// The largest disagreement of the three directions, by flipbook's kernels or, where it is there, by cuDNN.
template <class T>
double disagreement_of(const Case& c, bool cudnn = false) {
  cuda::arithmetic().cudnn = cudnn;
  Rng rng{static_cast<std::uint64_t>(c.x.size() * 31 + c.w.size())};
  const auto x = normal<double>(c.x, rng), w = normal<double>(c.w, rng);
  const auto b = normal<double>({c.w.back()}, rng), c_bias = normal<double>({c.x.back()}, rng);
  const auto y = conv(x, w, None{}, c.window);
  const auto dy = normal<double>(y.shape(), rng);
  const auto transposed = [&](const auto&... of) { return apply(TransposedConvolution{c.window, c.x}, of...); };
  return std::max({disagreement<T>([&](const auto&... of) { return conv(of..., c.window); }, x, w, b),
                   disagreement<T>([&](const auto& a, const auto& k) { return conv(a, k, None{}, c.window); }, x, w),
                   disagreement<T>(transposed, dy, w), disagreement<T>(transposed, dy, w, c_bias),
                   disagreement<T>(
                       [&](const auto&... of) {
                         return apply(ConvolutionWeight{c.window, c.w}, of...);
                       },
                       x, dy)});
}

void check_close(const Case& c, double of_case, double tolerance) {
  INFO(to_string(c.x), " ", to_string(c.w), " stride ", c.window.stride.t, c.window.stride.h, c.window.stride.w,
       " dilation ", c.window.dilation.t, c.window.dilation.h, c.window.dilation.w, " groups ", c.window.groups);
  CHECK(of_case < tolerance);
}

}  // namespace

TEST_CASE_TEMPLATE("convolutions of all directions agree with the CPU's", T, float, double, bfloat16, flipbook::half) {
  for (const Case& c : random_cases(16, 24, 1)) check_close(c, disagreement_of<T>(c), device_tolerance<T>);
}

TEST_CASE_TEMPLATE("so do their gradients through the tape", T, float, double, bfloat16) {
  cuda::arithmetic().cudnn = false;
  for (const Case& c : random_cases(6, 16, 6)) {
    const auto x = test::random<double>(c.x, 1), w = test::random<double>(c.w, 2);
    const auto b = test::random<double>({c.w.back()}, 3);
    const auto f = [&](const auto&... of) { return conv(of..., c.window); };
    check_close(c, test::gradient_disagreement<T>(f, x, w, b), device_tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("so do those that cuDNN works out", T, float, double, bfloat16) {
  for (const Case& c : random_cases(12, 8, 5)) check_close(c, disagreement_of<T>(c, true), device_tolerance<T>);
}

TEST_CASE("of cuDNN's kernels, those that give the same bits each time and keep the precision are timed") {
  const Case c{{2, 4, 6, 5, 3}, {2, 3, 3, 3, 4}, {.stride = {1, 2, 1}, .padding = 1}};
  cuda::arithmetic().autotune = true;
  for (int again = 0; again < 2; ++again) check_close(c, disagreement_of<float>(c, true), device_tolerance<float>);
  cuda::arithmetic().autotune = false;
#if defined(FLIPBOOK_CUDNN) && defined(FLIPBOOK_CUDA_EMULATED)
  CHECK(emulated::dnn::convolutions_run[1] + emulated::dnn::convolutions_run[3] == 0);
  CHECK(emulated::dnn::convolutions_run[2] > 0);
#endif
}

#if defined(FLIPBOOK_CUDNN) && defined(FLIPBOOK_CUDA_EMULATED)
namespace {
/// How many convolutions cuDNN has run, by its engine, and how many plans it made, since the last call.
std::array<std::size_t, 5> news_of_cudnn() {
  static std::array<std::size_t, 5> before{};
  std::array<std::size_t, 5> now{}, news{};
  std::copy_n(emulated::dnn::convolutions_run, 4, now.begin());
  now[4] = emulated::dnn::plans_made;
  for (std::size_t i = 0; i < now.size(); ++i) news[i] = now[i] - before[i];
  before = now;
  return news;
}
using News = std::array<std::size_t, 5>;
}  // namespace

TEST_CASE("of cuDNN's plans, as few are made as it takes to find one that works") {
  cuda::arithmetic().cudnn = true;
  const auto of = [](Index width) {
    const Tensor<bfloat16, Cuda> x = full<bfloat16, Cuda>({1, width, 3}, bfloat16(1.0F));
    const Tensor<bfloat16, Cuda> w = full<bfloat16, Cuda>({3, 3, 2}, bfloat16(1.0F));
    const Tensor<bfloat16, Cuda> b = full<bfloat16, Cuda>({2}, bfloat16(1.0F));
    return std::pair{static_cast<float>(to_vector(conv(x, w, None{}, {}))[0]),
                     static_cast<float>(to_vector(conv(x, w, b, {}))[0])};
  };
  news_of_cudnn();
  CHECK(of(20) == std::pair{9.0F, 10.0F});
  CHECK(news_of_cudnn() == News{2, 0, 0, 0, 1});  // one for both, with a bias and without
  CHECK(of(20) == std::pair{9.0F, 10.0F});
  CHECK(news_of_cudnn() == News{2, 0, 0, 0, 0});
  emulated::dnn::refuses_run[0] = true;
  CHECK(of(21) == std::pair{9.0F, 10.0F});
  CHECK(news_of_cudnn() == News{0, 0, 2, 0, 2});
  CHECK(of(20) == std::pair{9.0F, 10.0F});  // the plan that it has no longer runs
  CHECK(news_of_cudnn() == News{0, 0, 0, 0, 0});
  emulated::dnn::refuses_run[0] = false, emulated::dnn::refuses_plan[0] = true;
  CHECK(of(22) == std::pair{9.0F, 10.0F});
  CHECK(news_of_cudnn() == News{0, 0, 2, 0, 1});
  emulated::dnn::refuses_plan[2] = true;
  CHECK(of(23) == std::pair{9.0F, 10.0F});
  CHECK(news_of_cudnn() == News{0, 0, 0, 0, 0});
  emulated::dnn::refuses_plan[0] = emulated::dnn::refuses_plan[2] = false;
}

TEST_CASE("threads have plans of cuDNN's of their own, which pass on to the threads after them") {
  cuda::arithmetic().cudnn = true;
  const auto convolve = [] {
    const auto ones = [](const Shape& shape) { return full<bfloat16, Cuda>(shape, bfloat16(1.0F)); };
    to_vector(conv(ones({1, 24, 3}), ones({3, 3, 2}), None{}, {}));
  };
  convolve();
  news_of_cudnn();
  std::thread(convolve).join();
  CHECK(news_of_cudnn() == News{1, 0, 0, 0, 1});
  std::thread(convolve).join();
  CHECK(news_of_cudnn() == News{1, 0, 0, 0, 0});
}

TEST_CASE("cuDNN is given the same padding in front and behind where that comes to the same") {
  const std::size_t before = emulated::dnn::uneven_windows;
  const Window halving{.stride = {1, 2, 2}, .padding = {{0, 1, 1}, {0, 1, 1}}};
  for (const Index width : {7, 8}) {
    const Case c{{1, width, width, 2}, {3, 3, 2, 3}, halving};
    check_close(c, disagreement_of<float>(c, true), device_tolerance<float>);
  }
  CHECK(emulated::dnn::uneven_windows == before);
  const Case c{{1, 8, 2}, {3, 2, 3}, {.padding = {{0, 0, 0}, {0, 0, 1}}}};
  check_close(c, disagreement_of<float>(c, true), device_tolerance<float>);
  CHECK(emulated::dnn::uneven_windows > before);
}

TEST_CASE("weights of more columns than a grid is high are laid out for cuDNN") {
  const Tensor<float, Cuda> wide({Index{1} << 22}), out({Index{1} << 22});
  Rng rng{1};
  const cuda::StepGraph never_replayed(
      rng, [&] { cuda::detail::transpose_matrix(1, wide.size(), wide.data(), const_cast<float*>(out.data())); });
}
#endif

TEST_CASE_TEMPLATE("so do those of many channels and long sums, which are worked out in parts", T, float, double,
                   bfloat16) {
  const std::vector<Case> cases{
      {{2, 5, 6, 72}, {3, 3, 72, 136}, {.padding = 1}},
      {{1, 9, 300}, {3, 300, 40}, {.stride = 2}},
      {{1, 3, 12, 12, 16}, {3, 4, 4, 16, 48}, {.stride = {1, 2, 2}, .padding = 1}},
      {{70, 1, 1, 24}, {1, 1, 24, 65}, {}},
      {{3, 4, 4, 129}, {4, 4, 129, 1}, {}},
      {{3, 4, 2, 9}, {4, 2, 9, 5}, {}},
  };
  for (const Case& c : cases) check_close(c, disagreement_of<T>(c), device_tolerance<T>);
}

TEST_CASE("with TF32, convolutions of floats stay within its rounding") {
  cuda::arithmetic().tf32 = true;
  double largest = 0;
  for (const bool cudnn : {false, true}) {
    for (const Case& c : random_cases(cudnn ? 4 : 10, cudnn ? 8 : 24, 2)) {
      const double apart = disagreement_of<float>(c, cudnn);
      check_close(c, apart, 2e-3);
      largest = std::max(largest, apart);
    }
  }
  cuda::arithmetic().tf32 = false;
  CHECK(largest > 1e-5);  // it is TF32 that was tested
}

TEST_CASE("weights and images that stand at no multiple of 16 bytes are read as well") {
  cuda::arithmetic().cudnn = true;
  Rng rng{3};
  const auto all = normal<double>({1 + 8 * 16 + 3 * 8 * 16}, rng);
  const auto at = [](const auto& x, Index first, const Shape& shape) {
    return x.slice(first, first + shape.size()).reshape(shape);
  };
  const auto f = [&](const auto& x) {
    return conv(at(x, 1, {2, 8, 8}), at(x, 1 + 8 * 16, {3, 8, 16}), at(x, 3, {16}), {.padding = 1});
  };
  CHECK(disagreement<float>(f, all) < device_tolerance<float>);
  CHECK(disagreement<bfloat16>(f, all) < device_tolerance<bfloat16>);
}

TEST_CASE("a convolution of nothing is nothing, and one over no channels is its bias") {
  Tensor<float, Cuda> w({3, 4, 5}), none({0, 9, 4});
  CHECK(conv(none, w, None{}, {}).shape() == Shape{0, 7, 5});
  CHECK(to_vector(apply(ConvolutionWeight{{}, {3, 4, 5}}, none, Tensor<float, Cuda>({0, 7, 5}))) ==
        std::vector<float>(60, 0));
  const auto bias = to<Cuda>(Tensor<float>({2}, {1, 2}));
  CHECK(to_vector(conv(Tensor<float, Cuda>({1, 2, 0}), Tensor<float, Cuda>({1, 0, 2}), bias, {})) ==
        std::vector<float>{1, 2, 1, 2});
}

TEST_CASE("convolutions give the same bits each time") {
  cuda::arithmetic().cudnn = false;
  Rng rng{4};
  const auto x = to<Cuda>(normal<float>({2, 12, 12, 40}, rng)), dy = to<Cuda>(normal<float>({2, 12, 12, 70}, rng));
  const auto dw = [&] { return to<Cpu>(apply(ConvolutionWeight{{.padding = 1}, {3, 3, 40, 70}}, x, dy)); };
  CHECK(test::same(dw(), dw()));
}

TEST_CASE("division by a product and a shift is exact") {
  Rng rng{5};
  constexpr Index most = (Index{1} << 31) - 1;
  for (Index i = 0; i < 10000; ++i) {
    const Index divisor = i < 100 ? i + 1 : i < 131 ? (Index{1} << (i - 100)) : 1 + rng.below(i % 2 == 0 ? 1000 : most);
    const cuda::Divider divide(divisor);
    for (const Index number : {Index{0}, divisor - 1, divisor, most / divisor * divisor - 1, most, rng.below(most)}) {
      if (number < 0) continue;
      int rest = static_cast<int>(number);
      const int remainder = divide.split(rest);
      if (rest != number / divisor || remainder != number % divisor) FAIL(number, " / ", divisor);
    }
  }
}
