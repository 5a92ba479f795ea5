// SPDX-License-Identifier: MIT
#include "everything.hpp"

const void* pool_of_the_other_unit() { return &flipbook::HostPool::instance(); }
