// SPDX-License-Identifier: MIT
// What a data set gives beside its clips it lists by `fields`.
// WITHIN: 15, since compilers say what a concept misses after where it is asked for.
// EXPECT: constraints? not satisfied
// EXPECT: satisf(y|action of) .?.?.?Dataset
// EXPECT: source.clip\(i\)
#include <flipbook/data/data_loader.hpp>

using namespace flipbook;

template <class V = Tensor<float>>
struct ClipWithSound {
  V clip, sound;

#ifdef CONTROL
  static void fields(auto& self, auto&& field) {
    field("clip", self.clip);
    field("sound", self.sound);
  }
#endif
};

struct Silence {
  Shape shape() const { return {4, 8, 8, 1}; }
  ClipWithSound<> clip(Index) const { return {Tensor<float>(shape()), Tensor<float>({100})}; }
};

const auto batch = batch_of(Silence{}, 0, 2);
