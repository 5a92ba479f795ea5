// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flipbook/nn/module.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/train/diagnosis.hpp>
#include <flipbook/train/history.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The report of a training step, passed to `FitOptions::monitor`.
struct StepReport {
  /// Euclidean norms of some parameters.
  struct Part {
    std::string name;       ///< of a field of the model, such as "encoder"; "" for all parameters
    double gradient = 0;    ///< before clipping; in half, multiplied by the scale of the loss
    double parameters = 0;  ///< after the step
    double update = 0;      ///< of the change by the step
    double ratio() const { return parameters > 0 ? update / parameters : 0; }
  };
  /// Statistics of an operation's output: least and largest number, mean, fraction of zeros and more.
  struct Activation {
    std::string operation;  ///< its type
    std::string place;      ///< "in 'encoder.0.weight'", or "after" the last parameter that was used before it
    Shape shape;
    TensorStatistics numbers;
    double zeros() const { return static_cast<double>(numbers.zero) / static_cast<double>(numbers.count); }
  };
  /// The use of a codebook, by moving averages (quantizer::Vector): `perplexity` of `codes` codes, the number that
  /// would have the same entropy if used equally often.
  struct Codebook {
    std::string name;
    Index codes = 0;
    double perplexity = 0;
  };

  Index step = 0;
  Losses losses;
  /// Other numbers of the training while it is observed: of discriminators, the fractions of data and fakes that are
  /// classified correctly.
  Losses numbers;
  Part whole;
  std::vector<Part> parts;
  std::vector<Activation> activations;  ///< in the order of their computation
  std::vector<Codebook> codebooks;
};

namespace detail {

/// Records the computations of a step.
class StepMonitor final : public Observer {
 public:
  StepMonitor(FieldNames names, StepReport& report) : place_(std::move(names)), report_(report) {}

  void operation(const char* spelled, const Shown& y, std::span<const Shown> x) override;
  void parameter(const Shown& p, const Shown& gradient) override;
  void number(std::string_view name, double value) override { report_.numbers.emplace_back(name, value); }

  double squares(const std::string& parameter) const;

 private:
  Place place_;
  StepReport& report_;
  std::vector<std::pair<std::string, double>> squares_;  // of gradients
};

/// Adds the squares of one parameter to the part with its name's first component.
FLIPBOOK_INLINE void add_squares(StepReport& report, const std::string& name, double gradient, double parameter,
                                 double update);

template <class T, class B>
std::vector<StepReport::Codebook> codebooks_of(const std::vector<Field<T, B>>& fields) {
  std::vector<StepReport::Codebook> found;
  std::string book;
  for (const auto& [name, value, layout, parameter] : fields) {
    if (name.ends_with("codebook")) book = name;
    if (book.empty() || name != book.substr(0, book.size() - 8) + "counts") continue;
    const double all = statistics_of(value).sum;
    double entropy = 0;
    for (const T count : to<Cpu>(value)) {
      const double share = all > 0 ? static_cast<double>(static_cast<Wide<T>>(count)) / all : 0;
      if (share > 0) entropy -= share * std::log(share);
    }
    found.push_back({book, value.size(), std::exp(entropy)});
  }
  return found;
}

/// Completes a report after the step.
/// @param before  the parameters before the step, (P)
template <class T, class B>
void complete(StepReport& report, const StepMonitor& monitor, const std::vector<Field<T, B>>& fields,
              const Tensor<T, B>& before) {
  Index first = 0;
  for (const auto& field : fields) {
    if (!field.parameter) continue;
    const auto now = field.value.reshape({-1}), then = before.slice(first, first + now.size());  // (p)
    add_squares(report, field.name, monitor.squares(field.name), statistics_of(now).squares,
                statistics_of(now - then).squares);
    first += now.size();
  }
  const auto lengths = [](StepReport::Part& part) {
    for (double* squares : {&part.gradient, &part.parameters, &part.update}) *squares = std::sqrt(*squares);
  };
  lengths(report.whole);
  for (StepReport::Part& part : report.parts) lengths(part);
  report.codebooks = codebooks_of(fields);
}

FLIPBOOK_TEMPLATE(void complete(StepReport&, const StepMonitor&, const std::vector<Field<float, Cpu>>&,
                                const Tensor<float>&));

}  // namespace detail

/// The report of a model's step: `step()` takes it and returns its losses. The observation costs about as much as the
/// step, and the step is not captured on Cuda.
template <class Net, class T, class B, class Step>
StepReport monitored(const Module<Net, T, B>& model, const Step& step) {
  StepReport report;
  const auto fields = detail::fields_of(model);
  detail::StepMonitor monitor(detail::names_of(fields), report);
  const auto before = model.parameters().clone();  // (P)
  {
    const Observing observing(monitor);
    report.losses = step();
  }
  detail::complete(report, monitor, fields, before);
  return report;
}

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/train/monitor.ipp>
#endif
