// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>
#include <utility>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/ops/elementwise/binary.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The object behind a layer's or network's type: `Of<Conv2d<3, 64, Window{.kernel = 3}>, float, Cpu>`.
template <class Net, class T, class B>
using Of = typename Net::template Instance<T, B>;

/// What a Module is made of, such as a layer, a model or a likelihood: it names an Instance<T, B>, which is made of an
/// Rng& that draws its parameters, or of nothing.
template <class Net, class T, class B>
concept Instantiable = requires {
  typename Net::template Instance<T, B>;
}
&&(std::constructible_from<Of<Net, T, B>, Rng&> || std::default_initializable<Of<Net, T, B>>);

namespace detail {

// A layer without parameters needs no random numbers.
template <class Instance>
Instance make_instance(Rng& rng) {
  if constexpr (std::is_constructible_v<Instance, Rng&>) {
    return Instance(rng);
  } else {
    return Instance();
  }
}

template <std::size_t, class Instance>
struct Slot {
  [[no_unique_address]] Instance layer;

  explicit Slot(Rng& rng) : layer(make_instance<Instance>(rng)) {}
};
template <std::size_t I, class Instance>
Instance& get(Slot<I, Instance>& slot) {
  return slot.layer;
}
template <std::size_t I, class Instance>
const Instance& get(const Slot<I, Instance>& slot) {
  return slot.layer;
}

template <class Places, class... Instances>
struct LayerTuple;
/// The instances of layers, made in their order: what a std::tuple would hold, but with less to compile, and made where
/// they lie. get<I>(layers) is the one at place I; auto& [first, second] = layers binds them.
template <std::size_t... I, class... Instances>
struct LayerTuple<std::index_sequence<I...>, Instances...> : Slot<I, Instances>... {
  explicit LayerTuple(Rng& rng) : Slot<I, Instances>(rng)... {}

  /// Named by position.
  static void fields(auto& self, auto&& field) { (field(digits<I>, get<I>(self)), ...); }

  /// f(first, second, …)
  template <class F>
  decltype(auto) apply(const F& f) const {
    return f(get<I>(*this)...);
  }
};
template <class T, class B, class... Layers>
using LayersOf = LayerTuple<std::index_sequence_for<Layers...>, Of<Layers, T, B>...>;

}  // namespace detail

}  // namespace flipbook

template <class Places, class... Instances>
struct std::tuple_size<flipbook::detail::LayerTuple<Places, Instances...>>
    : std::integral_constant<std::size_t, sizeof...(Instances)> {};
template <std::size_t I, class Places, class... Instances>
struct std::tuple_element<I, flipbook::detail::LayerTuple<Places, Instances...>> {
  using type = std::remove_reference_t<decltype(flipbook::detail::get<I>(
      std::declval<flipbook::detail::LayerTuple<Places, Instances...>&>()))>;
};

namespace flipbook::inline FLIPBOOK_ISA {

/// Random initial values for parameters.
namespace init {

/// Uniform on [−bound, bound).
template <class T, class B>
Tensor<T, B> uniform(const Shape& shape, double bound, Rng& rng) {
  return flipbook::uniform<T, B>(shape, rng, -bound, bound);
}

/// PyTorch's default for linear layers and convolutions: uniform on ±1/√fan_in.
template <class T, class B>
Tensor<T, B> fan_in(const Shape& shape, Index inputs, Rng& rng) {
  return uniform<T, B>(shape, 1.0 / std::sqrt(static_cast<double>(inputs)), rng);
}

/// The start that DCGANs train from: weights normal with deviation `sigma` around 0, scales of normalisation
/// around 1, biases 0. Radford et al., 2016.
template <class M>
void dcgan(M& module, Rng rng, double sigma = 0.02) {
  for_each_parameter(module, [&]<class T, class B>(const std::string& name, Parameter<T, B>& p) {
    const bool scale = p.value.rank() == 1 && name.ends_with("weight");
    Tensor<T, B> start = p.value.rank() > 1 || scale ? flipbook::normal<T, B>(p.shape(), rng) : zeros<T, B>(p.shape());
    start = affine(start, sigma, scale ? 1 : 0);
    B::copy(p.value.data(), start.data(), static_cast<std::size_t>(start.size()) * sizeof(T));
  });
}

}  // namespace init

namespace nn {

/// In place of a number of channels or dimensions: takes whatever comes and keeps it.
inline constexpr int any = -1;
/// In place of a number of channels or dimensions: not known before the program runs.
inline constexpr int unknown = -2;

namespace detail {
constexpr bool match(int given, int expected) { return given < 0 || expected < 0 || given == expected; }
}  // namespace detail

/// What composition checks: a number that is not known fits.
template <int Given, int Expected>
inline constexpr bool channels_match = detail::match(Given, Expected);
template <int Given, int Expected>
inline constexpr bool dimensions_match = detail::match(Given, Expected);

/// The dimensions that a layer takes, where they are not those that it gives: `input_dimensions`.
template <class L>
inline constexpr int input_dimensions_of = L::dimensions;
template <class L>
  requires requires { L::input_dimensions; }
inline constexpr int input_dimensions_of<L> = L::input_dimensions;

/// A type that can stand in a network: it names its channels and dimensions, and an Instance for each
/// scalar and backend.
///
///     static constexpr int in, out, dimensions    numbers, `any` or `unknown`
///     Instance<T, B>                              holds parameters, named by `fields`, if it has any; is made of an
///                                                 Rng&, or of nothing; and called with Values, gives Values
///
/// How an instance is made is checked by Module, how it is called only where it is.
template <class L>
concept Layer = requires {
  { L::in } -> std::convertible_to<int>;
  { L::out } -> std::convertible_to<int>;
  { L::dimensions } -> std::convertible_to<int>;
  typename L::template Instance<float, Cpu>;
};

namespace detail {

/// Told of each layer that a container (Sequential, Repeat, Stack) runs on the calling thread.
class LayerObserver {
 public:
  virtual void enter(const void* layer, const void* type) = 0;
  virtual void leave(const Shape& output) = 0;

  inline static constinit thread_local LayerObserver* running = nullptr;

 protected:
  ~LayerObserver() = default;
};
/// Its address stands for the type of a layer's instance: one without members may share its address with another's.
template <class Instance>
inline constexpr char type_tag = 0;

/// What a layer of a container gives for x.
template <class Instance, Value X, class... More>
auto run_layer(const Instance& layer, const X& x, const More&... more) {
  LayerObserver* const observer = LayerObserver::running;
  if (observer != nullptr) [[unlikely]]
    observer->enter(&layer, &type_tag<Instance>);
  auto y = layer(x, more...);
  if (observer != nullptr) [[unlikely]]
    observer->leave(y.shape());
  return y;
}
/// For a layer whose work the one before it has done.
template <class Instance, Value X>
void pass_layer(const Instance& layer, const X& y) {
  if (LayerObserver* const observer = LayerObserver::running; observer != nullptr) [[unlikely]] {
    observer->enter(&layer, &type_tag<Instance>);
    observer->leave(y.shape());
  }
}

}  // namespace detail

/// A layer that applies a function to every element: `f`, of ops/elementwise/functions.hpp.
template <class L>
concept Activation = Layer<L> && requires {
  L::f.value(1.0);
};

/// A layer whose instance can go on to such a function in the same pass: `instance(x, Epilogue{f})`.
template <class L>
concept Normalising = Layer<L> && requires {
  requires L::normalises;
};

/// A layer that adds a bias at its end, which its instance can leave to such a function: `instance(x, Epilogue{f})`.
template <class L>
concept AddingBias = Layer<L> && requires {
  requires L::adds_bias;
};

/// What a layer's result is added to.
template <Value X>
struct Onto {
  const X& sum;
};
template <class X>
Onto(const X&) -> Onto<X>;

/// A layer whose instance can add its result to something in the same pass: `instance(x, Onto{sum})`. Worth it on
/// devices, where each pass is a launch.
template <class L>
concept Adding = Layer<L> && requires {
  requires L::adds;
};

}  // namespace nn
}  // namespace flipbook
