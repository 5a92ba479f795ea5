#pragma once

#include <flipbook/kernels/sort/cpu.hpp>
