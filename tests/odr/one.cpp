// SPDX-License-Identifier: MIT
#include <cstdio>

#include "everything.hpp"

const void* pool_of_the_other_unit();

int main() {
  if (pool_of_the_other_unit() == &flipbook::HostPool::instance()) return 0;
  std::puts("two translation units of one program see two pools of memory");
  return 1;
}
