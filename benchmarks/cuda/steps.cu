// SPDX-License-Identifier: MIT
// The training steps and samplings of the comparison with PyTorch, on the device: with float products in float, in
// TF32, and in bfloat16 with master weights in float; at the batch of the comparison and at 16 times as much.
//
//   steps [float] [tf32] [bfloat16] [WORKLOAD…]     those whose names contain one of the words; without any, all

#include <cstring>
#include <span>

#include "../pytorch/workloads/conv_lstm.hpp"
#include "../pytorch/workloads/dcgan.hpp"
#include "../pytorch/workloads/video_gan.hpp"
#include "../pytorch/workloads/video_transformer.hpp"
#include "../pytorch/workloads/video_vae.hpp"
#include "timing.hpp"

namespace {

using namespace flipbook;
using benchmark::Workload;

template <class T>
std::vector<Workload> all_workloads(Index scale) {
  std::vector<Workload> all;
  for (const auto& some :
       {benchmark::dcgan_workloads<T, Cuda>(scale), benchmark::video_gan_workloads<T, Cuda>(scale),
        benchmark::video_vae_workloads<T, Cuda>(scale), benchmark::conv_lstm_workloads<T, Cuda>(scale),
        benchmark::video_transformer_workloads<T, Cuda>(scale)}) {
    for (const Workload& w : some) {
      if (scale == 1 || w.name.ends_with("_step")) all.push_back(w);
    }
  }
  return all;
}

void time_one(const Workload& w, const char* arithmetic, Index scale) {
  cuda::DevicePool& pool = cuda::DevicePool::instance();
  pool.trim(cuda::device());
  pool.reset_peak(cuda::device());
  const auto call = w.prepare();
  const std::vector<double> times = benchmark::wall_milliseconds(call, 5, 20);
  const double median = (times[9] + times[10]) / 2,
               mebibytes = static_cast<double>(pool.statistics(cuda::device()).peak) / (1 << 20);
  std::printf("%-26s %-9s %4ld× %10.3f ms %10.3f ms %12.1f/s %8.2f TFLOP/s %9.0f MiB\n", w.name.c_str(), arithmetic,
              static_cast<long>(scale), median, times[0], static_cast<double>(w.items) / median * 1e3,
              w.gflop() / median, mebibytes);
  std::fflush(stdout);
}

template <class T>
void time_all(const char* arithmetic, bool tf32, std::span<char*> names) {
  cuda::arithmetic().tf32 = tf32;
  for (const Index scale : {1, 16}) {
    for (const Workload& w : all_workloads<T>(scale)) {
      const auto asked = [&](const char* name) { return std::strstr(w.name.c_str(), name) != nullptr; };
      if (!names.empty() && std::none_of(names.begin(), names.end(), asked)) continue;
      try {
        time_one(w, arithmetic, scale);
      } catch (const Error& error) {
        std::printf("%-26s %-9s %4ld× %s\n", w.name.c_str(), arithmetic, static_cast<long>(scale), error.what());
      }
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  try {
    benchmark::print_device();
    cuda::arithmetic().autotune = true;  // as PyTorch's cudnn.benchmark
    std::printf("%-26s %-9s %5s %13s %13s %14s %16s %13s\n", "workload", "numbers", "batch", "median", "least", "items",
                "rate", "peak memory");
    const std::span<char*> words(arguments + 1, static_cast<std::size_t>(std::max(0, count - 1)));
    const auto is_numbers = [](const char* word) {
      return std::strcmp(word, "float") == 0 || std::strcmp(word, "tf32") == 0 || std::strcmp(word, "bfloat16") == 0;
    };
    const auto end = std::stable_partition(words.begin(), words.end(), is_numbers);
    const std::span<char*> numbers(words.begin(), end), names(end, words.end());
    const auto wanted = [&](const char* which) {
      return numbers.empty() || std::any_of(numbers.begin(), numbers.end(),
                                            [&](const char* word) { return std::strcmp(word, which) == 0; });
    };
    if (wanted("float")) time_all<float>("float", false, names);
    if (wanted("tf32")) time_all<float>("tf32", true, names);
    if (wanted("bfloat16")) time_all<bfloat16>("bfloat16", false, names);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
