#pragma once

/// The objectives of the three families as MathML, which browsers typeset by themselves.
namespace flipbook::examples::formula {

/// min_G max_D  E log D(x) + E log(1 − D(G(z)))
inline constexpr const char* minimax = R"(<math display="block"><mrow>
<munder><mi>min</mi><mi>G</mi></munder><mspace width=".2em"/><munder><mi>max</mi><mi>D</mi></munder><mspace width=".3em"/>
<msub><mi mathvariant="normal">𝔼</mi><mrow><mi>x</mi><mo>∼</mo><msub><mi>p</mi><mtext>data</mtext></msub></mrow></msub>
<mo stretchy="false">[</mo><mi>log</mi><mspace width=".15em"/><mi>D</mi><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo><mo stretchy="false">]</mo><mo>+</mo>
<msub><mi mathvariant="normal">𝔼</mi><mrow><mi>z</mi><mo>∼</mo><msub><mi>p</mi><mi>z</mi></msub></mrow></msub>
<mo stretchy="false">[</mo><mi>log</mi><mo stretchy="false">(</mo><mn>1</mn><mo>−</mo><mi>D</mi><mo stretchy="false">(</mo><mi>G</mi><mo stretchy="false">(</mo><mi>z</mi><mo stretchy="false">)</mo><mo stretchy="false">)</mo><mo stretchy="false">)</mo><mo stretchy="false">]</mo>
</mrow></math>)";

/// log p(x) = Σ_t log p(x_t | x_1, …, x_{t−1})
inline constexpr const char* autoregressive = R"(<math display="block"><mrow>
<mi>log</mi><mspace width=".15em"/><mi>p</mi><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo><mo>=</mo>
<munderover><mo>∑</mo><mrow><mi>t</mi><mo>=</mo><mn>1</mn></mrow><mi>T</mi></munderover>
<mi>log</mi><mspace width=".15em"/><mi>p</mi><mo stretchy="false">(</mo><msub><mi>x</mi><mi>t</mi></msub><mo stretchy="false">|</mo>
<msub><mi>x</mi><mrow><mi>t</mi><mo>−</mo><mn>1</mn></mrow></msub><mo>,</mo><mo>…</mo><mo>,</mo><msub><mi>x</mi><mn>1</mn></msub><mo stretchy="false">)</mo>
</mrow></math>)";

/// log p(x) ≥ E_{q(z|x)} log p(x|z) − KL(q(z|x) ‖ p(z))
inline constexpr const char* elbo = R"(<math display="block"><mrow>
<mi>log</mi><mspace width=".15em"/><mi>p</mi><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo><mo>≥</mo>
<msub><mi mathvariant="normal">𝔼</mi><mrow><mi>q</mi><mo stretchy="false">(</mo><mi>z</mi><mo stretchy="false">|</mo><mi>x</mi><mo stretchy="false">)</mo></mrow></msub>
<mo stretchy="false">[</mo><mi>log</mi><mspace width=".15em"/><mi>p</mi><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">|</mo><mi>z</mi><mo stretchy="false">)</mo><mo stretchy="false">]</mo><mo>−</mo>
<msub><mi>D</mi><mtext>KL</mtext></msub><mo stretchy="false">(</mo><mi>q</mi><mo stretchy="false">(</mo><mi>z</mi><mo stretchy="false">|</mo><mi>x</mi><mo stretchy="false">)</mo><mo stretchy="false">‖</mo><mi>p</mi><mo stretchy="false">(</mo><mi>z</mi><mo stretchy="false">)</mo><mo stretchy="false">)</mo>
</mrow></math>)";

}  // namespace flipbook::examples::formula
