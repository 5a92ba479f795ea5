// SPDX-License-Identifier: MIT
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "target.hpp"

// fuzz TARGET [OPTION OF LIBFUZZER...] [CORPUS...]    one program for all readers, since most of it is the same
// fuzz TARGET --short                                 the same inputs at each call, begun with the seeds
// fuzz --seeds FOLDER                                 writes the seeds of each target to FOLDER/TARGET
// fuzz --list                                         names the targets

namespace flipbook::fuzz {

std::filesystem::path file_of(const Bytes& input) {
  static const int file = ::memfd_create("input", 0);
  must(file >= 0 && ::ftruncate(file, 0) == 0 &&
           ::pwrite(file, input.data(), input.size(), 0) == static_cast<ssize_t>(input.size()),
       "a file in memory can be written");
  static const std::filesystem::path path = "/proc/self/fd/" + std::to_string(file);
  return path;
}

namespace {

const Target* chosen = nullptr;

[[noreturn]] void leave(int code, const std::string& why = "") {
  std::fputs(why.c_str(), code == 0 ? stdout : stderr);
  std::exit(code);
}

void write_seeds(const Target& target, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const Bytes& seed : target.seeds()) {
    std::ofstream(folder / std::to_string(number++), std::ios::binary)
        .write(reinterpret_cast<const char*>(seed.data()), static_cast<std::streamsize>(seed.size()));
  }
}

/// What --short stands for.
std::vector<std::string> short_pass(const Target& target) {
  static std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("flipbook-fuzz-" + std::to_string(::getpid()));
  std::atexit([] { std::filesystem::remove_all(folder); });
  write_seeds(target, folder);
  return {"-seed=1", "-runs=" + std::to_string(target.runs), folder.string()};
}

/// libFuzzer starts this program again for some of its options, without the target's name, which is then here.
constexpr const char* variable = "FLIPBOOK_FUZZ_TARGET";

std::string names() {
  std::string all;
  for (const Target& target : targets()) all += target.name + "\n";
  return all;
}

const Target& target_called(const char* name) {
  const auto found =
      std::find_if(targets().begin(), targets().end(), [&](const Target& target) { return target.name == name; });
  if (found == targets().end()) leave(2, "fuzz: no target '" + std::string(name) + "'; there are:\n" + names());
  return *found;
}

}  // namespace
}  // namespace flipbook::fuzz

using namespace flipbook;
using namespace flipbook::fuzz;

// Freed memory that is kept to find its uses counts as memory of the process.
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=16:allocator_may_return_null=0:allow_addr2line=1";
}

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  std::vector<std::string> given(*arguments + 1, *arguments + *count);
  std::ranges::sort(targets(), {}, &Target::name);
  if (given == std::vector<std::string>{"--list"}) leave(0, names());
  if (given.size() == 2 && given[0] == "--seeds") {
    for (const Target& target : targets()) write_seeds(target, std::filesystem::path(given[1]) / target.name);
    leave(0);
  }
  const char* name = std::getenv(variable);
  if (name == nullptr) {
    if (given.empty()) leave(2, "fuzz TARGET [--short | OPTION OF LIBFUZZER...] [CORPUS...]; targets:\n" + names());
    ::setenv(variable, given[0].c_str(), 1);
    given.erase(given.begin());
    name = std::getenv(variable);
  }
  chosen = &target_called(name);
  if (given == std::vector<std::string>{"--short"}) given = short_pass(*chosen);
  // Before those that were given, so that these may say otherwise.
  static std::vector<std::string> kept{(*arguments)[0],
                                       "-max_len=" + std::to_string(chosen->longest),
                                       "-malloc_limit_mb=" + std::to_string(chosen->megabytes),
                                       "-rss_limit_mb=" + std::to_string(chosen->resident),
                                       "-timeout=" + std::to_string(chosen->seconds),
                                       "-close_fd_mask=" + std::to_string(chosen->prints ? 3 : 0)};
  kept.insert(kept.end(), given.begin(), given.end());
  static std::vector<char*> pointers;
  for (std::string& argument : kept) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  *count = static_cast<int>(kept.size()), *arguments = pointers.data();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    chosen->read(Bytes(data, data + size));
  } catch (const Error& error) {
    must(std::string_view(error.what()).size() < 5000, "an error's text can be read");
  }
  return 0;
}
