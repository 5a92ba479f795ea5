// SPDX-License-Identifier: MIT
// Kernels that are bound by memory, in GB/s of what they must at least read and write, in turns with a plain copy: the
// speed of a memory that is shared with others changes from one minute to the next.
#include <chrono>
#include <string>

#include <benchmark/benchmark.h>

#include <flipbook/backend/cpu/norm/normalize.hpp>
#include <flipbook/backend/cpu/softmax/softmax.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/optim/optimizer.hpp>

#include "roof.hpp"

namespace {

using namespace flipbook;

constexpr Index channels = 128, rows = Index{1} << 17, size = rows * channels;  // 64 MiB of float

Tensor<float> drawn(const Shape& shape) {
  Rng rng{1};
  return normal<float>(shape, rng);
}

template <class F>
double seconds(F& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  benchmark::ClobberMemory();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// @param passes  how often the kernel must read or write a tensor of `size`
template <class F>
void add(const std::string& name, double passes, const F& make) {
  const auto run = [=](benchmark::State& state) {
    auto kernel = make();
    auto copied = [from = drawn({size}), to = drawn({size})]() mutable { roof::copy(from, to); };
    double own = 0, of_copy = 0;
    for (auto _ : state) {
      const double time = seconds(kernel);
      own += time, of_copy += seconds(copied);
      state.SetIterationTime(time);
    }
    const double bytes = passes * static_cast<double>(size) * sizeof(float), copied_bytes = 2 * size * sizeof(float);
    state.counters["GB/s"] = benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
    state.counters["of copy"] = bytes / own / (copied_bytes / of_copy);
  };
  benchmark::RegisterBenchmark(name.c_str(), run)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

/// A kernel of one tensor to another.
template <class F>
void add_map(const std::string& name, const F& f) {
  add(name, 2, [f] {
    return [f = flipbook::detail::ValueOf<F>{f}, x = drawn({size}), y = drawn({size})]() mutable {
      kernel::map(Cpu{}, f, y, x);
    };
  });
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);

  add("copy", 2, [] { return [x = drawn({size}), y = drawn({size})]() mutable { roof::copy(x, y); }; });
  add_map("relu", function::Relu{});
  add_map("leaky relu", function::LeakyRelu{0.2});
  add_map("sigmoid", function::Sigmoid{});
  add_map("tanh", function::Tanh{});
  add_map("gelu", function::Gelu{});
  add("x + y", 3, [] {
    return [x = drawn({size}), y = drawn({size}), z = drawn({size})]() mutable {
      kernel::map(Cpu{}, flipbook::function::Plus{}, z, x, y);
    };
  });

  const NormGeometry batch{1, rows, channels, 1}, layer{rows, 1, 1, channels};
  const auto small = [] { return full<float>({channels}, 1); };
  add("batch normalisation", 3, [=] {
    return [=, x = drawn({size}), y = drawn({size}), m = small(), v = small(), w = small()]() mutable {
      cpu::column_statistics(batch, x.data(), m.data(), v.data());
      cpu::normalize_by(batch, 1e-5, x.data(), m.data(), v.data(), w.data(), w.data(), y.data());
    };
  });
  add("batch normalisation, gradient", 5, [=] {
    return [=, x = drawn({size}), dy = drawn({size}), dx = drawn({size}), m = small(), v = small(), w = small(),
            dw = small(), db = small()]() mutable {
      cpu::column_gradient(batch, 1e-5, x.data(), m.data(), v.data(), w.data(), dy.data(), dx.data(), dw.data(),
                           db.data());
    };
  });
  add("layer normalisation", 2, [=] {
    return [=, x = drawn({size}), y = drawn({size}), m = drawn({rows}), v = drawn({rows}), w = small()]() mutable {
      cpu::normalize_rows(layer, 1e-5, true, x.data(), w.data(), w.data(), y.data(), m.data(), v.data());
    };
  });
  add("layer normalisation, gradient", 3, [=] {
    return [=, x = drawn({size}), dy = drawn({size}), dx = drawn({size}), m = drawn({rows}), v = full<float>({rows}, 1),
            w = small(), sums = drawn({2 * channels})]() mutable {
      cpu::row_gradient(layer, 1e-5, true, x.data(), m.data(), v.data(), w.data(), dy.data(), dx.data(), sums.data());
    };
  });
  add("softmax", 2, [] {
    return [x = drawn({size}), y = drawn({size})]() mutable { cpu::softmax(rows, channels, x.data(), y.data()); };
  });
  add("sum of rows", 1, [=] {
    return [x = drawn({size}), y = small()]() mutable {
      cpu::sum_middle(Index{1}, rows, channels, std::as_const(x).data(), y.data());
    };
  });
  add("adam", 7, [] {
    return [p = drawn({size}), g = drawn({size}),
            adam = Optimizer<optim::Adam, float>({}, zeros<float>({size}))]() mutable { adam.step(p, g); };
  });
  add("uniform numbers", 1, [] {
    return [x = drawn({size})]() mutable { flipbook::detail::draw(x, Rng{1}, flipbook::detail::UniformPair{0, 1, 1}); };
  });
  benchmark::RunSpecifiedBenchmarks();
}
