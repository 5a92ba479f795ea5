// SPDX-License-Identifier: MIT
// oneDNN's side of a comparison of layers that are given while the program runs; see side.hpp. A convolution is there
// in several ways: in the layouts that oneDNN prefers and with pixels channels last, by the direct algorithm and by
// the one that it chooses. Reorders into a layout are not timed.
#include <memory>
#include <numeric>
#include <string>
#include <unordered_map>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include "side.hpp"

namespace {

using namespace dnnl;
using layers::Axes;
using layers::Index;
using layers::Spec;
using layers::Way;
using Numbers = std::shared_ptr<std::vector<float>>;

engine& cpu() {
  static engine one(engine::kind::cpu, 0);
  return one;
}
stream& queue() {
  static stream one(cpu());
  return one;
}

memory::desc floats(const Axes& extents, const Axes& strides) { return {extents, memory::data_type::f32, strides}; }
memory::desc any_layout(const memory::desc& plain) {
  return {plain.dims(), memory::data_type::f32, memory::format_tag::any};
}
/// How far numbers are apart along each axis, of a tensor whose axes lie in the given order, outermost first.
Axes strides_of(const Axes& extents, const std::vector<std::size_t>& order) {
  Axes strides(extents.size());
  Index apart = 1;
  for (auto axis = order.rbegin(); axis != order.rend(); ++axis) strides[*axis] = apart, apart *= extents[*axis];
  return strides;
}

/// A tensor of flipbook's: numbers, and how oneDNN's axes lie in them.
struct Plain {
  memory::desc layout;
  Numbers numbers;
  Plain(const memory::desc& desc, layers::Stream stream)
      : layout(desc), numbers(std::make_shared<std::vector<float>>(desc.get_size() / sizeof(float))) {
    layers::draw(numbers->data(), static_cast<Index>(numbers->size()), stream);
  }
  /// A copy in another layout.
  memory in(const memory::desc& other) const {
    memory to(other, cpu());
    copy(memory(layout, cpu(), numbers->data()), to);
    return to;
  }
  std::vector<float> from(const memory& other) const {
    std::vector<float> plain(numbers->size());
    copy(other, memory(layout, cpu(), plain.data()));
    return plain;
  }

 private:
  static void copy(memory from, memory to) {
    reorder(from, to).execute(queue(), from, to);
    queue().wait();
  }
};

/// Input, weights and output of a layer, and where each is an argument of a direction's primitive.
struct Tensors {
  Plain x, w, y;
};
enum Written { writes_x, writes_w, writes_y };

template <class Description>
Way way(const std::string& direction, const std::string& name, const Description& pd, const Tensors& t, Written what,
        const memory::desc& x, const memory::desc& w, const memory::desc& y) {
  const memory copies[] = {t.x.in(x), t.w.in(w), t.y.in(y)};
  const std::unordered_map<int, memory> arguments{
      {what == writes_x ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, copies[0]},
      {what == writes_w ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, copies[1]},
      {what == writes_y ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, copies[2]}};
  const Plain& plain = what == writes_x ? t.x : what == writes_w ? t.w : t.y;
  return {direction, name, [=, p = primitive(pd)] { p.execute(queue(), arguments), queue().wait(); },
          [=, written = copies[what]] { return plain.from(written); }};
}

struct Convolution {
  using Forward = convolution_forward;
  using InputGradient = convolution_backward_data;
  using WeightGradient = convolution_backward_weights;
  static constexpr algorithm algorithms[] = {algorithm::convolution_direct, algorithm::convolution_auto};
};
struct Transposed {
  using Forward = deconvolution_forward;
  using InputGradient = deconvolution_backward_data;
  using WeightGradient = deconvolution_backward_weights;
  static constexpr algorithm algorithms[] = {algorithm::deconvolution_direct, algorithm::deconvolution_winograd};
};

/// Adds the ways of a layer, if they are new, in one layout of pixels and by one algorithm.
template <class Layer>
void add(std::vector<Way>& ways, const Spec& spec, const Tensors& t, bool channels_last, algorithm by) {
  const auto pixels = [&](const Plain& p) { return channels_last ? p.layout : any_layout(p.layout); };
  const memory::desc x = pixels(t.x), y = pixels(t.y), w = any_layout(t.w.layout);
  const Axes &strides = spec.axes("s"), &before = spec.axes("p");
  Axes dilation = spec.axes("d"), after = before;
  for (std::size_t i = 0; i < after.size(); ++i) {
    --dilation[i];
    if (spec.kind == "transposed") after[i] -= spec.axes("o")[i];
  }
  const auto add_one = [&](const std::string& direction, const auto& pd, Written what, const auto& make) {
    const std::string name = std::string(pd.impl_info_str()) + (channels_last ? ", channels last" : "");
    for (const Way& other : ways)
      if (other.direction == direction && other.name == name) return;
    ways.push_back(make(name, pd, what));
  };
  using F = typename Layer::Forward;
  const typename F::primitive_desc forward({prop_kind::forward_training, by, x, w, y, strides, dilation, before, after},
                                           cpu());
  add_one("forward", forward, writes_y, [&](const auto& name, const auto& pd, Written what) {
    return way("forward", name, pd, t, what, pd.src_desc(), pd.weights_desc(), pd.dst_desc());
  });
  using I = typename Layer::InputGradient;
  add_one("input gradient", typename I::primitive_desc({by, x, w, y, strides, dilation, before, after}, cpu(), forward),
          writes_x, [&](const auto& name, const auto& pd, Written what) {
            return way("input gradient", name, pd, t, what, pd.diff_src_desc(), pd.weights_desc(), pd.diff_dst_desc());
          });
  using W = typename Layer::WeightGradient;
  add_one("weight gradient",
          typename W::primitive_desc({by, x, w, y, strides, dilation, before, after}, cpu(), forward), writes_w,
          [&](const auto& name, const auto& pd, Written what) {
            return way("weight gradient", name, pd, t, what, pd.src_desc(), pd.diff_weights_desc(), pd.diff_dst_desc());
          });
}

/// Every way that oneDNN has; none where it does not know the layer.
template <class Layer>
std::vector<Way> ways_of(const Spec& spec, const Tensors& tensors) {
  std::vector<Way> ways;
  for (const bool channels_last : {false, true}) {
    for (const algorithm by : Layer::algorithms) {
      try {
        add<Layer>(ways, spec, tensors, channels_last, by);
      } catch (const error&) {  // not this algorithm
      }
    }
  }
  return ways;
}

std::vector<Way> convolution(const Spec& spec) {
  const bool transposed = spec.kind == "transposed";
  const auto [in, out] = spec.channels();
  const Index groups = spec("g");
  const Axes &extents = spec.axes("x"), &kernel = spec.axes("k"), &stride = spec.axes("s");
  const std::size_t axes = extents.size();
  Axes x{spec("n"), in}, y{spec("n"), out}, w{out / groups, in / groups};
  for (std::size_t i = 0; i < axes; ++i) {
    const Index reach = spec.axes("d")[i] * (kernel[i] - 1) + 1, padding = 2 * spec.axes("p")[i];
    x.push_back(extents[i]);
    y.push_back(transposed ? (extents[i] - 1) * stride[i] - padding + reach + spec.axes("o")[i]
                           : (extents[i] + padding - reach) / stride[i] + 1);
    w.push_back(kernel[i]);
  }
  // Pixels: batch, axes, channels. Weights: axes, then the channels of the convolution's input, then its output's.
  std::vector<std::size_t> pixels(axes + 2), taps(axes + 2);
  pixels[0] = 0, pixels[axes + 1] = 1;
  std::iota(pixels.begin() + 1, pixels.end() - 1, std::size_t{2});
  std::iota(taps.begin(), taps.end() - 2, std::size_t{2});
  taps[axes] = transposed ? 0 : 1, taps[axes + 1] = transposed ? 1 : 0;
  Axes whole = w;  // groups lie next to each other along the last axis
  whole[taps[axes + 1]] *= groups;
  Axes w_strides = strides_of(whole, taps);
  if (groups > 1) {
    w_strides.insert(w_strides.begin(), w[taps[axes + 1]]);
    w.insert(w.begin(), groups);
  }
  const Tensors tensors{{floats(x, strides_of(x, pixels)), layers::input},
                        {floats(w, w_strides), layers::weights},
                        {floats(y, strides_of(y, pixels)), layers::output_gradient}};
  return transposed ? ways_of<Transposed>(spec, tensors) : ways_of<Convolution>(spec, tensors);
}

/// One product, whose operands are read by rows or by columns.
Way product(const std::string& direction, const memory::desc& a, layers::Stream a_stream, const memory::desc& b,
            layers::Stream b_stream, const memory::desc& c) {
  const matmul::primitive_desc pd(matmul::desc(a, b, c), cpu());
  const Tensors t{{a, a_stream}, {b, b_stream}, {c, layers::output_gradient}};
  return way(direction, pd.impl_info_str(), pd, t, writes_y, a, b, c);
}

std::vector<Way> products(const Spec& spec) {
  const Index b = spec("b"), m = spec("m"), n = spec("n"), k = spec("k");
  const auto rows = [&](Index r, Index c) { return floats({b, r, c}, {r * c, c, 1}); };
  const auto columns = [&](Index r, Index c) { return floats({b, r, c}, {r * c, 1, r}); };
  return {product("forward", rows(m, k), layers::input, rows(k, n), layers::weights, rows(m, n)),
          product("input gradient", rows(m, n), layers::output_gradient, columns(n, k), layers::weights, rows(m, k)),
          product("weight gradient", columns(k, m), layers::input, rows(m, n), layers::output_gradient, rows(k, n))};
}

}  // namespace

int main(int count, char** arguments) {
  const std::string asked = count > 1 ? arguments[1] : "--peer";
  if (asked == "--peer") {
    const dnnl_version_t& v = *version();
    std::cout << "oneDNN " << v.major << '.' << v.minor << '.' << v.patch << std::endl;
    return 0;
  }
  return layers::serve(std::stoi(asked), [](const Spec& spec) {
    if (spec.kind == "attention" || spec.kind == "sampling") return std::vector<Way>{};
    return spec.kind == "matmul" ? products(spec) : convolution(spec);
  });
}
