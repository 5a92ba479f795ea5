#include <flipbook/core/fill.hpp>

int main() {
  flipbook::Rng rng{42};
  return flipbook::normal<float>({2, 3}, rng).size() == 6 ? 0 : 1;
}
