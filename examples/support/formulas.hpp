// SPDX-License-Identifier: MIT
#pragma once

#include <string>

/// The objectives of the families as MathML, which browsers typeset by themselves.
namespace flipbook::examples::formula {

namespace detail {

inline std::string tag(const char* name, const std::string& content) {
  return "<" + std::string(name) + ">" + content + "</" + name + ">";
}
inline std::string i(const char* name) { return tag("mi", name); }
inline std::string o(const char* sign) { return "<mo stretchy=\"false\">" + std::string(sign) + "</mo>"; }
inline std::string row(const std::string& content) { return tag("mrow", content); }
inline std::string sub(const std::string& base, const std::string& below) { return tag("msub", base + row(below)); }
inline std::string under(const char* base, const char* below) {
  return tag("munder", i(base) + i(below)) + "<mspace width=\".25em\"/>";
}
inline std::string of(const std::string& f, const std::string& x) { return f + o("(") + x + o(")"); }
inline std::string log(const std::string& x) { return i("log") + "<mspace width=\".15em\"/>" + x; }
inline std::string expectation(const std::string& over, const std::string& of_what) {
  return sub("<mi mathvariant=\"normal\">𝔼</mi>", over) + o("[") + of_what + o("]");
}
inline std::string display(const std::string& content) { return "<math display=\"block\">" + row(content) + "</math>"; }

}  // namespace detail

/// min_G max_D  E log D(x) + E log(1 − D(G(z)))
inline const std::string minimax = [] {
  using namespace detail;
  const std::string real = i("x") + o("∼") + sub(i("p"), "<mtext>data</mtext>"),
                    noise = i("z") + o("∼") + sub(i("p"), i("z"));
  const std::string judged_fake = of(i("D"), of(i("G"), i("z")));
  return display(under("min", "G") + under("max", "D") + expectation(real, log(of(i("D"), i("x")))) + o("+") +
                 expectation(noise, of(i("log"), tag("mn", "1") + o("−") + judged_fake)));
}();

/// log p(x) = Σ_t log p(x_t | x_{t−1}, …, x_1)
inline const std::string autoregressive = [] {
  using namespace detail;
  const std::string large_sum = "<mo largeop=\"false\" style=\"font-size: 1.6em\">∑</mo>";  // whatever the font has
  const std::string sum = tag("munderover", large_sum + row(i("t") + o("=") + tag("mn", "1")) + i("T"));
  const std::string past =
      sub(i("x"), i("t") + o("−") + tag("mn", "1")) + o(",") + o("…") + o(",") + sub(i("x"), tag("mn", "1"));
  return display(log(of(i("p"), i("x"))) + o("=") + sum + log(of(i("p"), sub(i("x"), i("t")) + o("|") + past)));
}();

/// log p(x) ≥ E_{q(z|x)} log p(x|z) − KL(q(z|x) ‖ p(z))
inline const std::string elbo = [] {
  using namespace detail;
  const std::string posterior = of(i("q"), i("z") + o("|") + i("x")), prior = of(i("p"), i("z"));
  return display(log(of(i("p"), i("x"))) + o("≥") + expectation(posterior, log(of(i("p"), i("x") + o("|") + i("z")))) +
                 o("−") + of(sub(i("D"), "<mtext>KL</mtext>"), posterior + o("‖") + prior));
}();

/// min E ‖v(x_t, t) − (x − ε)‖²,  x_t = (1 − t) ε + t x
inline const std::string flow_matching = [] {
  using namespace detail;
  const std::string at_t = sub(i("x"), i("t")), norm = o("‖"), noise = i("ε");
  const std::string error = norm + of(i("v"), at_t + o(",") + i("t")) + o("−") + o("(") + i("x") + o("−") + noise +
                            o(")") + tag("msup", norm + tag("mn", "2"));
  return display(under("min", "v") + expectation(i("t") + o(",") + i("x") + o(",") + noise, error) + o(",") +
                 "<mspace width=\"1em\"/>" + at_t + o("=") + o("(") + tag("mn", "1") + o("−") + i("t") + o(")") +
                 noise + o("+") + i("t") + i("x"));
}();

}  // namespace flipbook::examples::formula
