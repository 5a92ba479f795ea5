// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/gemm/right_operand.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace flipbook;
using cpu::Layout;

TEST_CASE_TEMPLATE("panels hold the right operand, packed or in place", T, float, double) {
  for (const Layout layout : {Layout::normal, Layout::transposed}) {
    for (const Index rows : {1, 3, 17, 40}) {
      for (const Index columns : {1, 5, 16, 33, 150}) {
        for (const Index uses : {1, 20, 1000}) {
          for (const Index run : {Index{0}, rows}) {
            CAPTURE(rows);
            CAPTURE(columns);
            CAPTURE(uses);
            CAPTURE(run);
            const bool normal = layout == Layout::normal;
            const Index pitch = (normal ? columns : rows) + 3;
            std::vector<T> b(static_cast<std::size_t>((normal ? rows : columns) * pitch), T(-1));
            const auto at = [&](Index k, Index j) -> T& {
              return b[static_cast<std::size_t>(normal ? k * pitch + j : j * pitch + k)];
            };
            for (Index k = 0; k < rows; ++k)
              for (Index j = 0; j < columns; ++j) at(k, j) = static_cast<T>(1000 * k + j);
            const cpu::RightOperand<T> operand(layout, rows, columns, b.data(), pitch, run, uses);
            const auto& panels = operand.panels();
            Index seen = 0, wrong = 0;
            for (Index i = 0; i < panels.count(); ++i) {
              const cpu::Panel<T> panel = panels.panel(i);
              const Index first = panels.first_column(i), present = std::min(panels.width(), columns - first);
              for (Index k = 0; k < rows; ++k)
                for (Index j = 0; j < present; ++j, ++seen) {
                  const bool across = panel.kind == cpu::PanelKind::columns;
                  wrong += panel.data[across ? k * panel.step + j : j * panel.step + k] != at(k, first + j);
                }
            }
            CHECK(wrong == 0);
            CHECK(seen == rows * columns);
          }
        }
      }
    }
  }
}
