// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <flipbook/io/file.hpp>

namespace flipbook::fuzz {

/// A reader that is given any bytes: it may refuse them by an Error, or read them as something. Whatever else it
/// throws, what sanitizers see, an allocation or a time beyond these bounds is a crash.
struct Target {
  std::string name;
  void (*read)(const Bytes& input);
  std::vector<Bytes> (*seeds)();       ///< inputs to begin with, most of them valid
  int longest;                         ///< bytes of an input
  int megabytes;                       ///< of one allocation
  int resident = 500 + 4 * megabytes;  ///< megabytes of the process: several such, sanitizers, and the inputs kept
  int seconds = 10;                    ///< for one input, on a busy machine
  int runs = 10'000;                   ///< inputs of the short pass, which takes a second or two
  bool prints = false;                 ///< whether it writes to the terminal, which nobody would read
};

/// Those of this program.
inline std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}
struct Registered {
  explicit Registered(Target target) { targets().push_back(std::move(target)); }
};

/// The path of a file in memory that holds the input; the next call overwrites it.
std::filesystem::path file_of(const Bytes& input);

/// The bytes of the file that write(path) makes.
template <class Write>
Bytes written(const Write& write, const std::string& extension = "") {
  const auto path =
      std::filesystem::temp_directory_path() / ("flipbook-seed-" + std::to_string(::getpid()) + extension);
  write(path);
  Bytes bytes = read_file(path);
  std::filesystem::remove(path);
  return bytes;
}

/// Ends the program, as a crash, where what must hold does not.
inline void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "it does not hold that %s\n", what);
  std::abort();
}

}  // namespace flipbook::fuzz
