// SPDX-License-Identifier: MIT
#include <flipbook/io/safetensors.hpp>

#include <flipbook/core/fill.hpp>

#include "target.hpp"

using namespace flipbook;
using namespace flipbook::fuzz;

namespace {

void read(const Bytes& input) {
  const SafetensorsFile file = read_safetensors(file_of(input));
  for (const auto& [name, tensor] : file.tensors) {
    if (tensor.stored() == Stored::boolean) file.get<std::uint8_t>(name);
    else if (tensor.stored() >= Stored::i64) file.get<std::int64_t>(name);
    else file.get<float>(name);
  }
}

Bytes file(std::vector<NamedTensor> tensors, const std::map<std::string, std::string>& metadata) {
  return written([&](const auto& path) { write_safetensors(path, std::move(tensors), metadata); });
}

std::vector<Bytes> seeds() {
  return {file({}, {}), file({{"a", Tensor<float>({2}, {1, 2})}}, {}),
          file({{"weight", full<half>({2, 1, 3}, half(1))}, {"\"\\\n", Tensor<std::uint8_t>({3}, {1, 2, 3})}},
               {{"format", "pt"}, {"key", "ü"}}),
          file({{"x", Tensor<double>({0, 4})}, {"y", full<bfloat16>({1}, bfloat16(2))}}, {})};
}

const Registered target{{.name = "safetensors", .read = read, .seeds = seeds, .longest = 2048, .megabytes = 1}};

}  // namespace
