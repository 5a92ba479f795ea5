// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

#include <flipbook/nn/layer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
struct NoScalar;
template <class T>
inline constexpr bool scalar_given = Real<T>;

/// Whether a module of scalar T on B accepts an argument. Only real values must match: the network itself accepts or
/// rejects integers and arguments that are not values.
template <class X, class T, class B>
inline constexpr bool argument_fits = true;
template <Value X, class T, class B>
  requires Real<typename X::Scalar>
inline constexpr bool argument_fits<X, T, B> = alike<X, Tensor<T, B>>;
struct ArgumentDiffersFromModuleInScalarOrBackend;
}  // namespace detail

/// A network bound to a scalar and a backend: its parameters, in one contiguous tensor, and its forward code. Copies
/// are independent. A module that was moved from has no parameters; its use throws until another module is assigned to
/// it.
///
///     fb::Module<Generator, float> generator{fb::Rng{42}};
///     fb::Tensor<float> frames = generator(z);
template <class Net, class T = detail::NoScalar, class B = Cpu>
class Module {
  static_assert(detail::scalar_given<T>,
                "Module<Net, Scalar, Backend>: the scalar is missing; write Module<Net, float> or Module<Net, double>");
  static_assert(Instantiable<Net, T, B>,
                "Module<Net, Scalar, Backend>: Net is not Instantiable: it needs an "
                "Instance<Scalar, Backend> that is made of an Rng& or of nothing");

 public:
  using Network = Net;
  using Scalar = T;
  using Backend = B;

  explicit Module(Rng rng = Rng{}) : net_(detail::make_instance<Of<Net, T, B>>(rng)) { gather(); }
  Module(const Module& other) : net_(other.network()) { gather(); }
  /// A new network with the parameters, buffers and settings of a module on another backend or of another scalar:
  /// `to<Cuda>(module)`.
  template <class U, class From>
    requires(!std::same_as<Module<Net, U, From>, Module>)
  explicit Module(const Module<Net, U, From>& other) : Module() {
    const auto copy = [](const Tensor<T, B>& target, const Tensor<U, From>& source) {
      const auto moved = to<B>(cast<T>(source));
      B::copy(const_cast<T*>(target.data()), moved.data(), static_cast<std::size_t>(moved.size()) * sizeof(T));
    };
    copy(parameters_, other.parameters());
    copy(buffers_, other.buffers());
    const std::vector<double> settings = settings_of(other);
    for_each_setting(net_, [at = settings.begin()]<class Setting>(Setting& setting) mutable {
      setting = static_cast<Setting>(*at++);
    });
  }
  Module(Module&& other) noexcept
      : net_(std::move(other.net_)),
        parameters_(std::exchange(other.parameters_, {})),
        buffers_(std::exchange(other.buffers_, {})),
        moved_from_(std::exchange(other.moved_from_, true)) {}
  Module& operator=(Module other) noexcept {
    std::swap(net_, other.net_);
    std::swap(parameters_, other.parameters_);
    std::swap(buffers_, other.buffers_);
    std::swap(moved_from_, other.moved_from_);
    return *this;
  }

  /// The forward pass: not recorded on tensors (inference), recorded on variables of a tape (training, unless it is
  /// called through `evaluating` or `frozen`).
  template <class... X>
    requires(detail::argument_fits<std::remove_cvref_t<X>, T, B>&&...)
  auto operator()(X&&... x) const { return network()(std::forward<X>(x)...); }
  template <class... X>
  detail::ArgumentDiffersFromModuleInScalarOrBackend operator()(X&&...) const = delete;  // Module<Net, float>: float

  /// The members of the network's instance.
  /// @throws Error  if the module was moved from, as all other members do
  const Of<Net, T, B>* operator->() const { return &network(); }
  Of<Net, T, B>* operator->() { return &network(*this); }

  /// All parameters, in the order of the fields: (P). Writing to this tensor changes them.
  const Tensor<T, B>& parameters() const {
    require_present();
    return parameters_;
  }
  /// All buffers in one tensor, in the order of the fields.
  const Tensor<T, B>& buffers() const {
    require_present();
    return buffers_;
  }

  /// The parameters of one member, as a view of the same memory: `module.part(module->generator)`.
  /// @throws Error  if the member does not belong to this module
  template <class Member>
  Tensor<T, B> part(const Member& member) const {
    require_present();
    Index first = -1, size = 0;
    for_each_parameter(member, [&](const FieldName& name, const Parameter<T, B>& p) {
      const Index at = p.value.data() - parameters_.data();
      if (first < 0) first = at;
      require(at == first + size && at + p.value.size() <= parameters_.size(), "part: parameter '", name,
              "' is not of this module");
      size += p.value.size();
    });
    return parameters_.slice(std::max<Index>(first, 0), std::max<Index>(first, 0) + size);
  }

  static void fields(auto& self, auto&& field) {
    if constexpr (HasFields<Of<Net, T, B>>) Of<Net, T, B>::fields(network(self), field);
  }

 private:
  void require_present() const {
    require(!moved_from_,
            "Module: this module was moved from and has no parameters any more; use the one that it was "
            "moved into, such as `trainer.model`, or move a copy");
  }
  static auto& network(auto& self) {
    self.require_present();
    return self.net_;
  }
  const Of<Net, T, B>& network() const { return network(*this); }

  /// Moves all parameters, and all buffers, into one block of memory each; the fields become views of it.
  void gather() {
    Index parameters = 0, buffers = 0;
    for_each_field(net_, [&](const FieldName&, auto& leaf) {
      (is_parameter<std::remove_cvref_t<decltype(leaf)>> ? parameters : buffers) += leaf.value.size();
    });
    parameters_ = Tensor<T, B>({parameters});
    buffers_ = Tensor<T, B>({buffers});
    parameters = buffers = 0;
    for_each_field(net_, [&](const FieldName&, auto& leaf) {
      constexpr bool parameter = is_parameter<std::remove_cvref_t<decltype(leaf)>>;
      Index& at = parameter ? parameters : buffers;
      Tensor<T, B> part = (parameter ? parameters_ : buffers_).slice(at, at + leaf.value.size());
      at += part.size();
      B::copy(part.data(), leaf.value.data(), static_cast<std::size_t>(part.size()) * sizeof(T));
      leaf.value = part.reshape(leaf.value.shape());
    });
  }

  Of<Net, T, B> net_;
  Tensor<T, B> parameters_, buffers_;
  bool moved_from_ = false;
};

/// The same network on another backend, with the same parameters, buffers and settings.
template <class To, class Net, class T, class B>
Module<Net, T, To> to(const Module<Net, T, B>& module) {
  return Module<Net, T, To>(module);
}

}  // namespace flipbook
