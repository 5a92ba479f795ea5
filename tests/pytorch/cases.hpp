// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <flipbook/io/safetensors.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/optim/optimizer.hpp>
#include <flipbook/optim/sgd.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/train/weights.hpp>

/// The flipbook side of the comparison with PyTorch: reads weights and inputs of each case, which case.py
/// wrote, and writes what flipbook makes of them. Nothing is judged here.
namespace pytorch {

namespace fb = flipbook;
namespace nn = flipbook::nn;

inline constexpr int steps = 3;

/// The tensors of a case, under the names that both sides use.
template <class T>
class Folder {
 public:
  explicit Folder(std::filesystem::path path)
      : path_(std::move(path)), values_(fb::read_safetensors(path_ / "values.safetensors")) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path file(const std::string& name) const { return path_ / (name + ".safetensors"); }

  bool has(const std::string& name) const { return values_.contains(name); }
  bool is_real(const std::string& name) const { return values_.tensors.at(name).stored() == fb::stored_as<T>(); }
  fb::Tensor<T> real(const std::string& name) const { return values_.template get<T>(name); }
  fb::Tensor<std::int32_t> whole(const std::string& name) const { return values_.template get<std::int32_t>(name); }

  void write(const std::string& name, const fb::Tensor<T>& x) { results_.emplace_back(name, x); }
  void finish() { fb::write_safetensors(file("results"), std::move(results_)); }

 private:
  std::filesystem::path path_;
  fb::SafetensorsFile values_;
  std::vector<fb::NamedTensor> results_;
};

/// The inputs of a case: real ones as values of type X.
template <class X>
class Inputs {
  using T = typename X::Scalar;

 public:
  Inputs(const Folder<T>& folder, std::vector<X> values, fb::Tape* tape)
      : folder_(&folder), values_(std::move(values)), tape_(tape) {}

  const X& operator[](std::size_t i) const { return values_.at(i); }
  fb::Tensor<std::int32_t> whole(std::size_t i) const { return folder_->whole("input." + std::to_string(i)); }
  std::size_t size() const { return values_.size(); }
  fb::Tape& tape() const requires fb::training<X> { return *tape_; }

  /// What was drawn at random on the way, for PyTorch to use the same.
  void drawn(const fb::Tensor<T>& x) const { drawn_ = x; }
  const fb::Tensor<T>& drawn() const { return drawn_; }

 private:
  const Folder<T>* folder_;
  std::vector<X> values_;
  fb::Tape* tape_;
  mutable fb::Tensor<T> drawn_;
};

/// A network for functions, which have no parameters.
struct Nothing {
  template <fb::Real T, class B>
  struct Instance {};
};

struct Call {
  template <class Net, class X>
  auto operator()(const Net& net, const Inputs<X>& in) const {
    return net(in[0]);
  }
};

/// The parameters and buffers of any network under one type, so that what works on them is compiled once.
template <class T>
struct Leaves {
  std::vector<std::pair<std::string, fb::Parameter<T, fb::Cpu>>> parameters;
  std::vector<std::pair<std::string, fb::Buffer<T, fb::Cpu>>> buffers;

  template <class Net>
  explicit Leaves(const fb::Module<Net, T>& net) {
    fb::for_each_parameter(net,
                           [&](const std::string& name, const auto& leaf) { parameters.emplace_back(name, leaf); });
    fb::for_each_buffer(net, [&](const std::string& name, const auto& leaf) { buffers.emplace_back(name, leaf); });
  }
  static void fields(auto& self, auto&& field) {
    for (auto& [name, leaf] : self.parameters) field(name, leaf);
    for (auto& [name, leaf] : self.buffers) field(name, leaf);
  }
};

/// The cases of one program: `PROGRAM FOLDER`, each in a folder of its own for each scalar.
class Cases {
 public:
  Cases(int argc, char** argv) {
    fb::require(argc == 2, "usage: PROGRAM FOLDER");
    root_ = argv[1];
  }

  /// A network, called as forward(net, inputs), trained by a rule: what Layer of case.py computes.
  template <class Net, class Forward = Call, class Rule = fb::optim::Sgd>
  void layer(const std::string& name, const Forward& forward = {},
             const Rule& rule = {.learning_rate = 0.01, .momentum = 0.9}) {
    each(name, [&]<class T>(Folder<T>& folder) { layer_of<Net>(folder, forward, rule); });
  }
  /// A function without parameters, called as f(inputs).
  template <class F>
  void function(const std::string& name, const F& f) {
    layer<Nothing>(
        name, [&f]<class X>(const auto&, const Inputs<X>& in) requires std::invocable<const F&, const Inputs<X>&> {
          return f(in);
        });
  }
  /// f(folder) in float and double.
  template <class F>
  void each(const std::string& name, const F& f) {
    try {
      one<float>(root_ / "float32" / name, f);
      one<double>(root_ / "float64" / name, f);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what());
      status_ = 1;
    }
  }
  /// What the program returns: 1 where a case could not be computed.
  int status() const { return status_; }

 private:
  template <class T, class F>
  static void one(const std::filesystem::path& path, const F& f) {
    Folder<T> folder(path);
    f(folder);
    folder.finish();
  }

  /// A forward pass in training: penalties give what can be differentiated again, all else what can be once.
  template <class Y, class T>
  using Function = std::function<Y(const Inputs<fb::Variable<T>>&)>;

  template <class Net, class T, class Forward, class Rule>
  static void layer_of(Folder<T>& folder, const Forward& forward, const Rule& rule) {
    const fb::Module<Net, T> net;
    Leaves<T> leaves{net};
    using Y = std::invoke_result_t<const Forward&, decltype(net)&, const Inputs<fb::Variable<T>>&>;
    const Function<Y, T> training = [&](const auto& in) { return forward(net, in); };
    train(folder, leaves, fb::Optimizer(rule, net.parameters()), net.parameters(), training);
    if constexpr (std::invocable<const Forward&, const fb::Module<Net, T>&, const Inputs<fb::Tensor<T>>&>) {
      folder.write("inference", forward(net, inputs_of<fb::Tensor<T>>(folder)));
    }
  }

  template <class T, class Rule, class Y>
  static void train(Folder<T>& folder, Leaves<T>& net, fb::Optimizer<Rule, T> optimizer,
                    const fb::Tensor<T>& parameters, const Function<Y, T>& forward) {
    fb::load_weights(folder.file("weights"), net);
    for (int step = 0; step < steps; ++step) {
      fb::Tape tape{net};
      const auto in = inputs_of<fb::Variable<T>>(folder, &tape);
      const auto y = forward(in);  // of any shape
      const auto loss = sum(y * folder.real("upstream"));
      const auto gradient =
          parameters.size() > 0 ? tape.gradient(loss, net, {.retain_graph = true}) : parameters;  // (P)
      if (step == 0) {
        folder.write("output", y.value());
        if (in.drawn()) folder.write("drawn", in.drawn());
        for (std::size_t i = 0; i < in.size(); ++i) {
          folder.write("input_gradient." + std::to_string(i), tape.gradient(loss, in[i], {.retain_graph = true}));
        }
        save_gradient(net, gradient, folder.file("gradient"));
      }
      optimizer.step(parameters, gradient);
      tape.apply_updates();
    }
    fb::save_weights(folder.file("trained"), net);
  }

  /// The inputs, real ones as variables where there is a tape.
  template <class X>
  static Inputs<X> inputs_of(const Folder<typename X::Scalar>& folder, fb::Tape* tape = nullptr) {
    std::vector<X> inputs;
    for (int i = 0; folder.has("input." + std::to_string(i)); ++i) {
      const std::string name = "input." + std::to_string(i);
      if (!folder.is_real(name)) continue;
      if constexpr (fb::training<X>) inputs.push_back(tape->variable(folder.real(name)));
      else inputs.push_back(folder.real(name));
    }
    return {folder, std::move(inputs), tape};
  }
  /// A gradient in the places of the parameters, so that it is written as weights are.
  template <class T>
  static void save_gradient(Leaves<T> places, const fb::Tensor<T>& gradient, const std::filesystem::path& path) {
    fb::Index at = 0;
    for (auto& [name, leaf] : places.parameters) {
      leaf.value = gradient.slice(at, at + leaf.value.size()).reshape(leaf.shape());
      at += leaf.value.size();
    }
    fb::save_weights(path, places);
  }

  std::filesystem::path root_;
  int status_ = 0;
};

}  // namespace pytorch
