// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/isa.hpp>

/// Style and script of a run's page.
namespace flipbook::inline FLIPBOOK_ISA::detail {

inline constexpr const char* page_style = R"css(
:root {
  color-scheme: light dark;
  --paper: light-dark(#faf9f6, #101113); --panel: light-dark(#ffffff, #191a1e); --rule: light-dark(#e3e0d9, #2c2e34);
  --ink: light-dark(#1d2025, #e8e6e1); --soft: light-dark(#62676f, #9da2ab); --warn: light-dark(#a84c19, #f0a45a);
  --c0: light-dark(#6d43c6, #b79bf2); --c1: light-dark(#c06a14, #f0a45a); --c2: light-dark(#147d86, #5cc5cd);
  --c3: light-dark(#c23b6b, #f0789f); --c4: light-dark(#4c7a20, #a3cf6d); --c5: light-dark(#3563c4, #86aef5);
}
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); }
.c3 { --c: var(--c3); } .c4 { --c: var(--c4); } .c5 { --c: var(--c5); }
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: clamp(1.2rem, 4vw, 2.6rem); max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
header { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; align-items: baseline; }
h1 { margin: 0; font-size: clamp(1.6rem, 4vw, 2.3rem); line-height: 1.15; letter-spacing: -.02em; }
.age { margin: 0 0 0 auto; color: var(--soft); font-size: .9rem; }
.stale .age { color: var(--warn); font-weight: 600; }
progress {
  appearance: none; display: block; width: 100%; height: .6rem; margin: 1rem 0; border: 0; border-radius: .3rem;
  background: var(--rule); overflow: hidden;
}
progress::-webkit-progress-bar { background: var(--rule); }
progress::-webkit-progress-value { background: var(--c0); border-radius: .3rem; }
progress::-moz-progress-bar { background: var(--c0); border-radius: .3rem; }
dl { display: flex; flex-wrap: wrap; gap: .6rem 2.4rem; margin: 0 0 1.8rem; }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; font-size: 1.25rem; font-weight: 600; letter-spacing: -.01em; }
dd small { color: var(--soft); font-size: .85rem; font-weight: 400; }
section { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); gap: 1rem; }
section + section { margin-top: 1rem; }
figure {
  margin: 0; padding: .8rem 1rem; border: 1px solid var(--rule); border-radius: .8rem; background: var(--panel);
}
figcaption { display: flex; gap: .8rem; align-items: baseline; margin-bottom: .5rem; }
figcaption b { overflow-wrap: anywhere; }
figcaption span { color: var(--soft); font-size: .85rem; white-space: nowrap; }
figcaption output { margin-left: auto; color: var(--c); font-weight: 600; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--soft); font-size: 15px; }
svg .grid { stroke: var(--rule); } svg .axis { stroke: var(--soft); }
svg .raw, svg .line { fill: none; stroke: var(--c); stroke-linejoin: round; }
svg .raw { opacity: .25; } svg .line { stroke-width: 2; }
svg .cursor { display: none; }
.wide { grid-column: 1 / -1; }
img {
  display: block; width: 100%; height: auto; max-height: 34rem; object-fit: contain; image-rendering: pixelated;
  border-radius: .3rem;
}
)css";

/// Shows the age of the page, and reloads it during the run; browsers keep the scroll position.
inline constexpr const char* page_script = R"js(
const { written, done, every } = document.documentElement.dataset, age = document.querySelector(".age");
const told = s => s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
const tell = () => {
  const seconds = Math.max(0, Date.now() / 1000 - written);
  age.textContent = `written ${told(seconds)} ago`;
  document.body.classList.toggle("stale", !done && seconds > 60);
};
tell();
setInterval(tell, 1000);
if (!done) setTimeout(() => location.reload(), 1000 * every);
)js";

}  // namespace flipbook::detail
