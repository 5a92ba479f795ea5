// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <tuple>
#include <typeinfo>
#include <unordered_map>

#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

// A part of the library: the kernels of one instruction set, by name and key. `core/compiled.hpp` looks them up.

namespace flipbook::inline FLIPBOOK_ISA::parts {

class Table {
 public:
  template <auto... options, class... P>
  void add(const char* name, void (*kernel)(P...)) {
    const std::string key = flipbook::detail::key_of(typeid(kernel).name(), {static_cast<int>(options)...});
    kernels_.emplace(std::string(name) + ' ' + key, reinterpret_cast<void (*)()>(kernel));
  }
  void (*find(const char* name, const char* key) const)() {
    const auto found = kernels_.find(std::string(name) + ' ' + key);
    return found == kernels_.end() ? nullptr : found->second;
  }

 private:
  std::unordered_map<std::string, void (*)()> kernels_;
};

/// Types as an argument: each(types<A, B>, []<class T>() { … }).
template <class... T>
struct Types {};
template <class... T>
inline constexpr Types<T...> types{};
template <class... T, class F>
void each(Types<T...>, const F& f) {
  (f.template operator()<T>(), ...);
}

/// The scalars of networks on the CPU.
inline constexpr auto scalars = types<float, double>;
template <class T>
using HostTensor = Tensor<T, Cpu>;

// Each is defined in the file of its name.
void add_attention(Table& table);
void add_conv(Table& table);
void add_elementwise(Table& table);
void add_fused(Table& table);
void add_indices(Table& table);
void add_matmul(Table& table);
void add_norm(Table& table);
void add_recurrent(Table& table);
void add_reduce(Table& table);
void add_resample(Table& table);
void add_softmax(Table& table);
void add_update(Table& table);

}  // namespace flipbook::parts
