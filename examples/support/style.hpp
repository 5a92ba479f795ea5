// SPDX-License-Identifier: MIT
#pragma once

namespace flipbook::examples {

/// The looks of a gallery, light and dark.
inline constexpr const char* style = R"css(
:root {
  --paper: #fbfaf8; --ink: #1e2126; --soft: #666c76; --rule: #e4e1db; --panel: #ffffff; --accent: #7a4fd0;
  --stage: #181818; --stage-ink: #b9b9b9;
  --c0: #7a4fd0; --c1: #d9822b; --c2: #21919a; --c3: #c23b6b; --c4: #5b8c2a; --c5: #3c6fd1;
  --comment: #7c8490; --string: #3d7d2c; --number: #b3541e; --keyword: #7a4fd0; --type: #17727c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #111214; --ink: #e6e5e1; --soft: #989da6; --rule: #2a2c31; --panel: #191a1e; --accent: #b79bf2;
    --c0: #b79bf2; --c1: #f0a45a; --c2: #5cc5cd; --c3: #f0789f; --c4: #a3cf6d; --c5: #86aef5;
    --comment: #7f8792; --string: #a4d18c; --number: #efa777; --keyword: #b79bf2; --type: #72cdd4;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 0 clamp(1rem, 4vw, 2.5rem) 6rem; max-width: 66rem; background: var(--paper);
  color: var(--ink);
  font: 1.0625rem/1.6 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue",
    "Noto Sans", sans-serif;
}
header { padding: clamp(2.5rem, 8vw, 5rem) 0 1rem; }
h1 { margin: 0; font-size: clamp(2.4rem, 6vw, 3.6rem); line-height: 1.1; letter-spacing: -.03em; font-weight: 700; }
h2 { margin: .1em 0 .35em; font-size: clamp(1.5rem, 3.4vw, 2rem); line-height: 1.2; letter-spacing: -.015em; }
.summary, .idea { max-width: 44rem; margin: .6rem 0 1.4rem; color: var(--soft); text-wrap: pretty; }
.summary { font-size: 1.2rem; }
.note {
  max-width: 44rem; margin: 1.5rem 0; padding: .8rem 1.1rem; border-left: 3px solid var(--c1);
  border-radius: 0 .5rem .5rem 0;
  background: color-mix(in srgb, var(--c1) 10%, var(--paper));
}
nav { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1.6rem 0 0; }
nav a {
  padding: .3rem .95rem; border: 1px solid var(--rule); border-radius: 2rem; background: var(--panel); color: inherit;
  font-size: .92rem; text-decoration: none;
}
nav a:hover, nav a:focus-visible { border-color: var(--accent); color: var(--accent); }
section { margin-top: clamp(3rem, 7vw, 5rem); padding-top: 2rem; border-top: 1px solid var(--rule); }
.family {
  margin: 0; color: var(--accent); font-size: .85rem; font-weight: 600; letter-spacing: .09em;
  text-transform: uppercase;
}

.formula {
  margin: 1.8rem 0 2.2rem; padding: .3rem 0; overflow-x: auto; overflow-y: hidden; text-align: center;
  font-size: clamp(1rem, 3.4vw, 1.35rem);
}
.formula math {
  font-family: "STIX Two Math", "Latin Modern Math", "Cambria Math", "Libertinus Math", "Noto Sans Math", math;
}

figure { margin: 2rem 0; }
figcaption { margin-top: .7rem; color: var(--soft); font-size: .92rem; text-wrap: pretty; }
.clips .stage { overflow-x: auto; padding: clamp(.7rem, 2vw, 1.25rem); border-radius: .9rem; background: var(--stage); }
.clips .rows {
  display: grid; grid-template-columns: auto minmax(0, auto); grid-template-rows: auto repeat(var(--rows), 1fr);
  gap: 0 1rem; width: fit-content; max-width: 100%; margin: 0 auto;
}
.clips img {
  grid-column: 2; grid-row: 2 / -1; display: block; max-width: 100%; height: auto; image-rendering: pixelated;
}
.label {
  grid-column: 1; align-self: center; color: var(--stage-ink); font-size: .86rem; line-height: 1.3; text-align: right;
}
.times {
  grid-column: 2; grid-row: 1; display: flex; margin: 0 0 .3rem; padding: 0; list-style: none; color: var(--stage-ink);
  font-size: .75rem; font-variant-numeric: tabular-nums;
}
.times li { flex: 1; text-align: center; }

.facts {
  display: flex; flex-wrap: wrap; gap: 1px; margin: 2rem 0; overflow: hidden; border: 1px solid var(--rule);
  border-radius: .9rem; background: var(--rule);
}
.facts > div { flex: 1 1 9rem; padding: .8rem 1.1rem; background: var(--panel); }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: .1rem 0 0; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1.25rem; }
.chart {
  margin: 0; padding: 1rem 1.1rem .9rem; border: 1px solid var(--rule); border-radius: .9rem;
  background: var(--panel);
}
.chart figcaption { margin: 0 0 .5rem; }
.chart figcaption b { color: var(--ink); }
.chart svg { display: block; width: 100%; overflow: visible; }
.chart text { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.chart path { fill: none; }
.grid { stroke: var(--rule); }
.axis { stroke: var(--soft); stroke-opacity: .6; }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); }
.c3 { --c: var(--c3); } .c4 { --c: var(--c4); } .c5 { --c: var(--c5); }
.raw { stroke: var(--c); stroke-opacity: .28; }
.line { stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.legend {
  display: flex; flex-wrap: wrap; gap: .2rem 1.3rem; margin: .5rem 0 0; padding: 0; list-style: none;
  font-size: .88rem;
}
.legend li::before {
  content: ""; display: inline-block; width: 1.1em; height: 3px; margin-right: .5em; border-radius: 2px;
  background: var(--c);
  vertical-align: middle;
}
.legend b { font-variant-numeric: tabular-nums; }

.source { border: 1px solid var(--rule); border-radius: .9rem; background: var(--panel); overflow: hidden; }
.source figcaption { margin: 0; padding: .7rem 1.1rem; border-bottom: 1px solid var(--rule); }
pre { margin: 0; padding: 1rem 1.1rem; overflow-x: auto; font-size: .84rem; line-height: 1.55; tab-size: 2; }
code {
  font-family: ui-monospace, "SF Mono", "Cascadia Code", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono",
    monospace;
}
.comment { color: var(--comment); font-style: italic; } .string { color: var(--string); }
.number { color: var(--number); }
.keyword { color: var(--keyword); } .type { color: var(--type); } .directive { color: var(--number); }
@media (max-width: 40rem) {
  .clips .rows { gap: 0 .6rem; }
  .label { font-size: .72rem; max-width: 5rem; }
  .chart { overflow-x: auto; }
  .chart svg { min-width: 32rem; }
}
@media print { .clips .stage, .chart, .source { break-inside: avoid; } }
)css";

}  // namespace flipbook::examples
