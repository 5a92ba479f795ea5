// SPDX-License-Identifier: MIT
// Steps of a workload on each of several ranks, and what the sum of its gradients costs by itself:
//
//     mpirun -n 2 scaling_steps WORKLOAD THREADS SCALE CALLS
//
// Rank 0 writes a line of JSON: milliseconds of a step and of the sums, medians of CALLS calls, and half of what lies
// between the quartiles of a step's.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "../pytorch/workloads/conv_lstm.hpp"
#include "../pytorch/workloads/dcgan.hpp"
#include "../pytorch/workloads/video_transformer.hpp"
#include "../pytorch/workloads/video_vae.hpp"

using namespace flipbook;

namespace {

struct Timing {
  double median, deviation;
};
template <class Call>
Timing timed(int calls, const Call& call) {
  std::vector<double> times;
  for (int i = 0; i < calls + 1; ++i) {
    (void)mean_over_ranks(0.0);  // all begin together
    const auto start = std::chrono::steady_clock::now();
    call();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    if (i > 0) times.push_back(time.count());
  }
  std::ranges::sort(times);
  const auto at = [&](double share) { return times[static_cast<std::size_t>(share * (calls - 1))]; };
  return {at(0.5), (at(0.75) - at(0.25)) / 2};
}

double sum_ms(int calls, Index count) {
  Tensor<float> numbers = ones<float>({count});
  return timed(calls,
               [&] {
                 distributed::world().sum(numbers.data(), static_cast<std::size_t>(count),
                                          distributed::Number::float32);
                 fill(numbers, 1.0F);
               })
      .median;
}

/// The workloads that have steps, and their models' parameters.
struct Entry {
  std::string name;
  Index parameters;
  std::vector<benchmark::Workload> (*workloads)(Index scale);
};
template <class Model>
Index parameters_of() {
  return Module<Model, float>{Rng{0}}.parameters().size();
}
std::vector<Entry> entries() {
  using namespace benchmark;
  return {{"dcgan_step", parameters_of<Dcgan<>>(), dcgan_workloads<float, Cpu>},
          {"video_vae_step", parameters_of<VideoVae<>>(), video_vae_workloads<float, Cpu>},
          {"conv_lstm_step", parameters_of<Autoregressive<ConvLstm<>>>(), conv_lstm_workloads<float, Cpu>},
          {"video_transformer_step", parameters_of<TokenTransformer<>>(), video_transformer_workloads<float, Cpu>}};
}

}  // namespace

int main(int count, char** arguments) {
  distributed::Communicator& ranks = distributed::world();
  if (count != 5) {
    std::fprintf(stderr, "usage: scaling_steps WORKLOAD THREADS SCALE CALLS\n");
    return 2;
  }
  set_threads(std::atoi(arguments[2]));
  const int calls = std::atoi(arguments[4]);
  for (const Entry& each : entries()) {
    if (each.name != arguments[1]) continue;
    const benchmark::Workload workload = each.workloads(std::atoi(arguments[3])).front();
    const auto step = workload.prepare();
    const Timing ms = timed(calls, step);
    const nlohmann::json line{{"workload", each.name},
                              {"ranks", ranks.size()},
                              {"threads", std::atoi(arguments[2])},
                              {"items", workload.items},
                              {"gflop", workload.gflop()},
                              {"parameters", each.parameters},
                              {"step_ms", ms.median},
                              {"deviation_ms", ms.deviation},
                              {"sum_ms", sum_ms(calls, each.parameters)},
                              {"small_sum_ms", sum_ms(10 * calls, 1)}};
    if (ranks.rank() == 0) std::printf("%s\n", line.dump().c_str());
    return 0;
  }
  std::fprintf(stderr, "no workload '%s'\n", arguments[1]);
  return 2;
}
