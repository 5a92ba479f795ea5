// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>
#include <utility>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/ops/elementwise/binary.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The instance of a layer or network type: `Of<Conv2d<3, 64, Window{.kernel = 3}>, float, Cpu>`.
template <class Net, class T, class B>
using Of = typename Net::template Instance<T, B>;

/// A type that a Module can bind, such as a layer, a model or a likelihood. It has an Instance<T, B>, constructed from
/// an Rng& that draws its parameters, or from nothing.
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
/// The instances of layers, constructed in order and in place; it compiles faster than std::tuple. get<I>(layers) is
/// instance I; auto& [first, second] = layers binds them.
template <std::size_t... I, class... Instances>
struct LayerTuple<std::index_sequence<I...>, Instances...> : Slot<I, Instances>... {
  explicit LayerTuple(Rng& rng) : Slot<I, Instances>(rng)... {}

  /// Fields are named by position.
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

/// The initial values of DCGAN: weights normal with standard deviation `sigma` around 0, scales of normalisation around
/// 1, biases 0. Radford et al., 2016.
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

/// In place of a number of channels or dimensions: any number, which the layer preserves.
inline constexpr int any = -1;
/// In place of a number of channels or dimensions: known only at run time.
inline constexpr int unknown = -2;

namespace detail {
constexpr bool match(int given, int expected) { return given < 0 || expected < 0 || given == expected; }
}  // namespace detail

/// Whether the channels (dimensions) of two layers match; `any` and `unknown` match every number.
template <int Given, int Expected>
inline constexpr bool channels_match = detail::match(Given, Expected);
template <int Given, int Expected>
inline constexpr bool dimensions_match = detail::match(Given, Expected);

/// The dimensions of a layer's input: `input_dimensions`, or `dimensions` for a layer without it.
template <class L>
inline constexpr int input_dimensions_of = L::dimensions;
template <class L>
  requires requires { L::input_dimensions; }
inline constexpr int input_dimensions_of<L> = L::input_dimensions;

/// A type that can be part of a network: it names its channels and dimensions, and an Instance for each scalar and
/// backend.
///
///     static constexpr int in, out, dimensions    numbers, `any` or `unknown`
///     Instance<T, B>                              owns the parameters, if any, named by `fields`; is constructed from
///                                                 an Rng&, or from nothing; its call maps Values to Values
///
/// Module checks the constructor; the compiler checks a call only where it is made.
template <class L>
concept Layer = requires {
  { L::in } -> std::convertible_to<int>;
  { L::out } -> std::convertible_to<int>;
  { L::dimensions } -> std::convertible_to<int>;
  typename L::template Instance<float, Cpu>;
};

namespace detail {

/// Receives each layer that a container (Sequential, Repeat, Stack) runs on the calling thread.
class LayerObserver {
 public:
  virtual void enter(const void* layer, const void* type) = 0;
  virtual void leave(const Shape& output) = 0;

  inline static constinit thread_local LayerObserver* running = nullptr;

 protected:
  ~LayerObserver() = default;
};
/// Its address identifies the type of a layer's instance, since an instance without members may share its address with
/// another.
template <class Instance>
inline constexpr char type_tag = 0;

/// Runs a layer of a container and notifies the observer.
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
/// Notifies the observer of a layer that is fused into the previous one.
template <class Instance, Value X>
void pass_layer(const Instance& layer, const X& y) {
  if (LayerObserver* const observer = LayerObserver::running; observer != nullptr) [[unlikely]] {
    observer->enter(&layer, &type_tag<Instance>);
    observer->leave(y.shape());
  }
}

}  // namespace detail

/// A layer that applies a function `f`, of ops/elementwise/functions.hpp, to every element.
template <class L>
concept Activation = Layer<L> && requires {
  L::f.value(1.0);
};

/// A normalisation layer that can apply an activation's f in the same pass: `instance(x, Epilogue{f})`.
template <class L>
concept Normalising = Layer<L> && requires {
  requires L::normalises;
};

/// A layer with a bias that can apply an activation's f in the pass that adds it: `instance(x, Epilogue{f})`.
template <class L>
concept AddingBias = Layer<L> && requires {
  requires L::adds_bias;
};

/// A value to which a layer adds its result.
template <Value X>
struct Onto {
  const X& sum;
};
template <class X>
Onto(const X&) -> Onto<X>;

/// A layer that can add its result to a value in the same pass: `instance(x, Onto{sum})`. Used on devices, where each
/// pass is a launch.
template <class L>
concept Adding = Layer<L> && requires {
  requires L::adds;
};

}  // namespace nn
}  // namespace flipbook
