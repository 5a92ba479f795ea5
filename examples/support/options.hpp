// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <flipbook/log/log.hpp>

#include "data.hpp"
#include "device.hpp"

namespace flipbook::examples {

/// A program's command line. What a value holds before is its default, which --help shows. CLI11 reads it, out of
/// sight, so that it is compiled once and not with every program.
class CommandLine {
 public:
  /// @param purpose  what the program does, in one sentence
  explicit CommandLine(const std::string& purpose);
  ~CommandLine();

  /// A file or folder; one that is read must be there. A name without dashes is not an option: it must be given.
  void input(const char* name, std::filesystem::path& value, const char* help);
  /// --data, which is the name of a data set that is made, or a path.
  void data(std::filesystem::path& value, const std::string& help);
  void output(const char* name, std::filesystem::path& value, const char* help, const char* kind = "FOLDER");
  /// A number within bounds, which it may reach.
  void number(const char* name, Index& value, const char* help, Index least = 1, Index most = 1'000'000'000);
  void number(const char* name, double& value, const char* help, double least, double most);
  /// A number above zero.
  void positive(const char* name, double& value, const char* help);
  /// One of several words.
  void choice(const char* name, std::string& value, const std::vector<std::string>& of, const char* help);
  void flag(const char* name, bool& value, const char* help);
  /// --seed, and --threads and --device, which `run` obeys.
  void seed(std::uint64_t& value);
  void threads();
  void device();

  /// Reads the arguments, then calls `body` with the backend to compute on, Cpu{} or Cuda{}.
  /// @return the program's exit code: 0; 2 where an option, a file or the data is at fault, after one line that says
  ///         what; 1 for anything else
  template <class Body>
  int run(int argc, const char* const* argv, const Body& body) {
    return read(argc, argv, [&](std::optional<int> device) { on_device(device, body); });
  }

 private:
  int read(int argc, const char* const* argv, const std::function<void(std::optional<int>)>& body);

  struct Reader;
  std::unique_ptr<Reader> reader_;
};

/// What --data can be given.
extern const char* const data_help;

/// What every training program can be told; its values before `add_to` are the defaults.
struct TrainingOptions {
  std::filesystem::path data = {};
  std::filesystem::path out = "out";
  Index steps = 1000;
  Index batch = 16;
  std::uint64_t seed = 1;
  bool resume = false, shard_optimizer = false, plan = false;
  Index keep = 1;                   ///< checkpoints, with the newest
  Index workers = 1;                ///< threads that prepare batches
  std::filesystem::path log = {};   ///< a folder for TensorBoard and CSV; empty: none
  std::filesystem::path page = {};  ///< an HTML file that shows the run; empty: none
  Index show_every = 500;           ///< steps after which what the model makes is logged; 0: at the end alone

  void add_to(CommandLine& line);
  /// The data, in a model's format.
  Data open(const ClipFormat& format) const { return open_data(data, format, seed); }
  /// The same for one of several stages: it writes to folders and to a page of its own.
  void in_stage(const std::string& name);
  /// What --log and --page ask for.
  /// @param before  the losses of a run that goes on
  Log open_log(const std::string& title, const History& before) const;
};

}  // namespace flipbook::examples
