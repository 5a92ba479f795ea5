// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include <flipbook/core/parallel.hpp>
#include <flipbook/distributed/communicator.hpp>

namespace flipbook::examples {

const char* const data_help =
    "Learn from this: a data set that is made, an IDX file or a folder of images, a .npy file of videos"
#if FLIPBOOK_VIDEO
    ", a video file or a folder of them"
#endif
    " (default: Fashion-MNIST, moving, where it is installed; moving shapes otherwise)";

std::optional<int> cuda_device(const std::string& name) {
  if (name == "cpu") return std::nullopt;
  if (name == "cuda") return distributed::world().local_rank();
  const char *const digits = name.c_str() + std::min<std::size_t>(name.size(), 5), *const end =
                                                                                       name.c_str() + name.size();
  int number = 0;
  const auto [stopped, error] = std::from_chars(digits, end, number);
  require(name.starts_with("cuda:") && error == std::errc{} && stopped == end && number >= 0, "'", name,
          "' is neither cpu, cuda nor cuda:N");
  return number;
}

struct CommandLine::Reader {
  CLI::App app;
  int threads = 0;  // 0: as many as there are cores
  std::string device = "cpu";

  explicit Reader(const std::string& purpose) : app(purpose) {}

  template <class T>
  CLI::Option* add(const char* name, T& value, const char* help) {
    return app.add_option(name, value, help)->capture_default_str();
  }
};

namespace {

template <class T>
CLI::Range within(T least, T most) {
  CLI::Range range(least, most);
  range.description("");
  return range;
}

/// Whether all of a text is a number of type T.
template <class T>
bool reads_as(const std::string& given, T& number) {
  const char* const end = given.data() + given.size();
  const auto [stopped, error] = std::from_chars(given.data(), end, number);
  return error == std::errc{} && stopped == end;
}

/// Takes what `check` does not throw an Error for.
template <class Check>
CLI::Validator refused_by(const Check& check) {
  return {[check](const std::string& given) {
            try {
              check(given);
              return std::string();
            } catch (const Error& error) {
              return std::string(error.what());
            }
          },
          ""};
}

const CLI::Validator whole{[](const std::string& given) {
                             std::uint64_t number = 0;
                             return reads_as(given, number) ? std::string()
                                                            : "Value " + given + " is not a whole number of 64 bits";
                           },
                           ""};
// CLI11's bounds let NaN pass.
const CLI::Validator finite{
    [](const std::string& given) {
      double number = 0;
      return reads_as(given, number) && std::isfinite(number) ? std::string() : "Value " + given + " is not a number";
    },
    ""};

}  // namespace

CommandLine::CommandLine(const std::string& purpose) : reader_(std::make_unique<Reader>(purpose)) {}
CommandLine::~CommandLine() = default;

void CommandLine::input(const char* name, std::filesystem::path& value, const char* help) {
  auto* const option = reader_->app.add_option(name, value, help);
  option->type_name("PATH")->check(CLI::ExistingPath.description(""))->required(name[0] != '-');
}
void CommandLine::data(std::filesystem::path& value, const std::string& help) {
  reader_->app.add_option("--data", value, help + "; made are: " + data_names())
      ->type_name("NAME|PATH")
      ->check(refused_by([](const std::string& given) { require_data(given); }));
}
void CommandLine::output(const char* name, std::filesystem::path& value, const char* help, const char* kind) {
  reader_->add(name, value, help)->type_name(kind);
}
void CommandLine::number(const char* name, Index& value, const char* help, Index least, Index most) {
  reader_->add(name, value, help)->type_name("N")->check(within(least, most));
}
void CommandLine::number(const char* name, double& value, const char* help, double least, double most) {
  reader_->add(name, value, help)->check(finite)->check(within(least, most));
}
void CommandLine::positive(const char* name, double& value, const char* help) {
  reader_->add(name, value, help)->check(finite)->check(CLI::PositiveNumber);
}
void CommandLine::choice(const char* name, std::string& value, const std::vector<std::string>& of, const char* help) {
  reader_->add(name, value, help)->check(CLI::IsMember(of));
}
void CommandLine::flag(const char* name, bool& value, const char* help) { reader_->app.add_flag(name, value, help); }
void CommandLine::seed(std::uint64_t& value) {
  reader_->add("--seed", value, "Selects the random numbers: the same seed gives the same run")
      ->type_name("N")
      ->check(whole);
}
void CommandLine::threads() {
  reader_->app.add_option("--threads", reader_->threads, "Threads to compute with (default: one for each core)")
      ->type_name("N")
      ->check(within(1, 4096));
}

void CommandLine::device() {
  reader_
      ->add("--device", reader_->device,
            "Compute on this: cpu, cuda, or cuda:N, which is device N of several; cuda is cuda:0, or one for each rank")
      ->type_name("NAME")
      ->check(refused_by([](const std::string& given) { cuda_device(given); }));
}

int CommandLine::read(int argc, const char* const* argv, const std::function<void(std::optional<int>)>& body) {
  const auto complain = [&](std::string what, int code) {
    std::replace(what.begin(), what.end(), '\n', ' ');
    std::fprintf(stderr, "%s: %s\n", std::filesystem::path(argv[0]).filename().c_str(), what.c_str());
    return code;
  };
  try {
    reader_->app.parse(argc, argv);
    // Of several ranks one speaks, the first.
    if (distributed::world().rank() != 0 && std::freopen("/dev/null", "w", stdout) == nullptr) return 1;
    if (reader_->threads > 0) set_threads(reader_->threads);
    body(cuda_device(reader_->device));
    return 0;
  } catch (const CLI::Success& asked) {  // --help
    return reader_->app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return complain(error.what() + std::string(" (--help says what can be given)"), 2);
  } catch (const Error& error) {
    return complain(error.what(), 2);
  } catch (const std::exception& error) {
    return complain(error.what(), 1);
  }
}

void TrainingOptions::add_to(CommandLine& line) {
  line.data(data, data_help);
  line.output("--out", out, "The folder for what is written");
  line.number("--steps", steps, "How many steps to train");
  line.number("--batch", batch, "Clips in a step, of each rank where mpirun starts several", 1, 65536);
  line.seed(seed);
  line.threads();
  line.device();
  line.flag("--resume", resume, "Go on from the checkpoint in --out");
  line.flag("--shard-optimizer", shard_optimizer,
            "Each of several ranks keeps only its share of the optimiser's state");
  line.number("--keep", keep, "How many of the last checkpoints to keep");
  line.number("--workers", workers, "Threads that prepare batches", 1, 256);
  line.output("--log", log, "Log to this folder, for TensorBoard and as scalars.csv");
  line.output("--page", page, "Show the run in this HTML file, which a browser follows", "FILE");
  line.flag("--plan", plan, "Say what memory a step needs, and train nothing");
  line.number("--show-every", show_every, "Log what the model makes after so many steps; 0: at the end alone", 0);
}

}  // namespace flipbook::examples
