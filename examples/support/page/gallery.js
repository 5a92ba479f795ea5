R"js(// SPDX-License-Identifier: MIT
// How a gallery moves: one clock for all clips, controls between a figure's stops, values of charts. The file is a
// string literal of C++ but for its first and last line.
'use strict';
(() => {
const root = document.documentElement;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
root.classList.add('js');

// A picture of all frames of a few clips, frame t of clip n at row t and column n. It is decoded only while it is seen:
// all sheets of a page together are larger than what a telephone may hold.
class Sheet {
  constructor(image, width, height) {
    Object.assign(this, {image, width, height, bitmap: null, wanted: false});
  }
  async open() {
    this.wanted = true;
    if (this.bitmap) return;
    await this.image.decode();
    const bitmap = await createImageBitmap(this.image);
    if (this.wanted && !this.bitmap) this.bitmap = bitmap;
    else bitmap.close();
  }
  close() {
    this.wanted = false;
    this.bitmap?.close();
    this.bitmap = null;
  }
  draw(canvas, clip, frame) {
    const {width, height} = this;
    canvas.getContext('2d').drawImage(this.bitmap, clip * width, frame * height, width, height, 0, 0, width, height);
  }
}

// What is drawn at each frame while it is in sight: it has open(), close() and draw(time).
const inSight = new Set();
const shown = new Map();  // elements to what is drawn in them
const observer = new IntersectionObserver(entries => {
  for (const {target, isIntersecting} of entries) {
    const drawn = shown.get(target);
    if (isIntersecting) inSight.add(drawn), drawn.open();
    else inSight.delete(drawn), drawn.close();
  }
}, {rootMargin: '120px'});
const watch = (element, drawn) => {
  shown.set(element, drawn);
  observer.observe(element);
};

const canvasOf = (element, width, height) => Object.assign(element, {width, height});

// ---- clips ----

class Lane {
  constructor(element) {
    const reel = element.querySelector('.reel');
    const size = name => Number(getComputedStyle(reel).getPropertyValue(name));
    const [width, height] = [size('--w'), size('--h')];
    Object.assign(this, {element, count: size('--n'), frames: size('--t'), given: Number(element.dataset.given)});
    Object.assign(this, {width, height, stop: 0, sheet: null, track: element.querySelector('.track')});
    this.state = element.querySelector('.state');
    reel.classList.add('live');
    this.note = element.querySelector('.note');
    this.sheets = all('img', reel).map(image => new Sheet(image, width, height));
    this.canvases = Array.from({length: this.count}, () => canvasOf(document.createElement('canvas'), width, height));
    reel.append(...this.canvases);
    watch(element, this);
  }
  // A stop that all lanes of a figure go to; those with one sheet stay at it.
  async go(stop) {
    this.stop = Math.min(stop, this.sheets.length - 1);
    const notes = JSON.parse(this.note?.dataset.notes ?? '[]');
    if (this.note) this.note.textContent = notes[Math.min(stop, notes.length - 1)];
    if (inSight.has(this)) await this.open();
  }
  async open() {
    const sheet = this.sheets[this.stop];
    await sheet.open();
    if (sheet !== this.sheets[this.stop]) return sheet.close();  // the viewer has gone on
    for (const other of this.sheets) if (other !== sheet) other.close();
    this.sheet = sheet;
    this.draw(clock.time);
  }
  close() {
    this.sheet = null;
    for (const sheet of this.sheets) sheet.close();
  }
  draw(time) {
    if (!this.sheet?.bitmap) return;
    const frame = time % this.frames;
    this.canvases.forEach((canvas, clip) => this.sheet.draw(canvas, clip, frame));
    this.element.dataset.frame = frame + 1;
    if (this.given === 0) return;
    const seen = frame < this.given;
    this.element.classList.toggle('seen', seen);
    this.state.textContent = seen ? 'given' : this.element.classList.contains('plain') ? 'what followed' : 'predicted';
    this.track.style.setProperty('--at', `${(100 * (frame + 1)) / this.frames}%`);
  }
}

// A small clip of a control: the first clip of a stop, of which no more is seen than was given.
class Thumbnail {
  constructor(canvas, lane) {
    this.lane = lane;
    this.canvas = canvasOf(canvas, lane.width, lane.height);
    this.sheet = new Sheet(lane.sheets[Number(canvas.dataset.stop)].image, lane.width, lane.height);
    watch(canvas, this);
  }
  async open() {
    await this.sheet.open();
    this.draw(clock.time);
  }
  close() { this.sheet.close(); }
  draw(time) {
    if (!this.sheet.bitmap) return;
    const frame = time % this.lane.frames, {given} = this.lane;
    this.sheet.draw(this.canvas, 0, given > 0 ? Math.min(frame, given - 1) : frame);
  }
}

function connect(figure) {
  const lanes = all('.lane', figure).map(lane => new Lane(lane)), control = figure.querySelector('.control');
  if (!control) return;
  const moving = lanes.find(lane => lane.sheets.length > 1);
  for (const canvas of all('canvas', control)) new Thumbnail(canvas, moving);
  const slider = control.querySelector('input[type=range]'), ticks = all('.ticks li', control);
  const names = JSON.parse(slider?.dataset.names ?? '[]');
  const go = stop => {
    for (const lane of lanes) lane.go(stop);
    ticks.forEach((tick, i) => tick.classList.toggle('at', i === stop));
    slider?.setAttribute('aria-valuetext', names[stop]);
    slider?.style.setProperty('--at', stop / (names.length - 1));
  };
  ticks.forEach((tick, i) => tick.addEventListener('click', () => { slider.value = i; go(i); }));
  control.addEventListener('input', event => go(Number(event.target.value)));
  go(Number((slider ?? control.querySelector(':checked')).value));
}

// ---- the clock ----

const player = document.querySelector('.player');
const clock = {
  time: 0, frames: Number(player?.dataset.frames ?? 1), rate: Number(player?.dataset.rate ?? 8), speed: 1,
  playing: false, last: 0,

  set(time) {
    this.time = time < 0 ? time + this.frames : time;
    for (const drawn of inSight) drawn.draw(this.time);
    if (!player) return;
    const frame = this.time % this.frames + 1, scrub = player.querySelector('.frame');
    scrub.value = frame;
    scrub.style.setProperty('--at', (frame - 1) / (this.frames - 1));
    scrub.setAttribute('aria-valuetext', `${frame} of ${this.frames}`);
    player.querySelector('.now').textContent = `${frame} / ${this.frames}`;
  },
  step(by) {
    this.play(false);
    this.set(this.time + by);
  },
  play(playing) {
    this.playing = playing;
    const button = player?.querySelector('.play');
    button?.classList.toggle('playing', playing);
    button?.setAttribute('aria-label', playing ? 'Pause' : 'Play');
    if (button) button.title = `${button.ariaLabel} (space)`;
  },
  tick(now) {
    const due = 1000 / (this.rate * this.speed);
    if (now - this.last >= due) {
      if (this.playing) this.set(this.time + 1);
      this.last = now - this.last < 2 * due ? this.last + due : now;  // after a pause of the page it goes on from here
    }
    requestAnimationFrame(next => this.tick(next));
  },
};

function connectPlayer() {
  player.querySelector('.play').addEventListener('click', () => clock.play(!clock.playing));
  player.querySelector('.back').addEventListener('click', () => clock.step(-1));
  player.querySelector('.on').addEventListener('click', () => clock.step(1));
  player.querySelector('select').addEventListener('change', event => { clock.speed = Number(event.target.value); });
  player.querySelector('.frame').addEventListener('input', event => {
    clock.play(false);
    clock.set(Number(event.target.value) - 1);
  });
  // Keys that the element with the focus has a use for are its own.
  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const by = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (event.key === ' ' && !event.target.closest('button, select, [type=radio]')) clock.play(!clock.playing);
    else if (by && !event.target.closest('input, select, [tabindex]')) clock.step(by);
    else return;
    event.preventDefault();
  });
  clock.play(!matchMedia('(prefers-reduced-motion: reduce)').matches);
}

// ---- charts ----

const spoken = value => {
  const [whole, part] = String(value).split('.');
  return whole.replace(/\B(?=(\d{3})+$)/g, '\u202f').replace('-', '−') + (part ? `.${part}` : '');
};

function connectChart(plot) {
  const curves = JSON.parse(plot.dataset.points), tip = plot.querySelector('.tip'), svg = plot.querySelector('svg');
  const names = all('.legend li', plot.parentElement), rule = svg.querySelector('.cursor .rule');
  const dots = all('.cursor circle', svg), {width, height} = svg.viewBox.baseVal;
  const places = [...new Set(curves.flat().map(([x]) => x))].sort((a, b) => a - b);
  if (places.length === 0) return;
  let at = places.length - 1;
  const nearest = (points, x) => points.reduce((best, p) => (Math.abs(p[0] - x) < Math.abs(best[0] - x) ? p : best));

  const show = x => {
    at = places.indexOf(nearest(curves.filter(points => points.length).map(points => nearest(points, x)), x)[0]);
    x = places[at];
    const lines = [];
    let step = null;
    curves.forEach((points, i) => {
      const point = points.length ? nearest(points, x) : null, here = point && Math.abs(point[0] - x) < width / 100;
      dots[i].style.display = here ? '' : 'none';
      if (!here) return;
      if (point[0] === x) step = point[2];
      dots[i].setAttribute('cx', point[0]);
      dots[i].setAttribute('cy', point[1]);
      const line = document.createElement('span');
      line.className = names[i].className;
      line.append(names[i].querySelector('span').textContent, Object.assign(document.createElement('b'),
        {textContent: spoken(point[3])}));
      lines.push(line);
    });
    rule.setAttribute('d', `M${x} 12V${height - 40}`);
    tip.replaceChildren(`${plot.dataset.x} ${spoken(step)}`, ...lines);
    tip.style.setProperty('--x', x / width);
    tip.classList.toggle('left', x > width / 2);
    plot.classList.add('reading');
  };
  const hide = () => plot.classList.remove('reading');

  for (const type of ['pointermove', 'pointerdown']) {
    plot.addEventListener(type, event => {
      const box = svg.getBoundingClientRect();
      show((event.clientX - box.left) / box.width * width);
    });
  }
  plot.addEventListener('pointerleave', hide);
  plot.addEventListener('blur', hide);
  plot.addEventListener('focus', () => { if (plot.matches(':focus-visible')) show(places[at]); });
  plot.addEventListener('keydown', event => {
    const to = {ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: places.length - 1}[event.key];
    if (event.key === 'Escape') return hide();
    if (to === undefined) return;
    event.preventDefault();
    show(places[clamp(to, 0, places.length - 1)]);
  });
}

// ---- light and dark ----

function connectTheme(button) {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.style.colorScheme || (dark.matches ? 'dark' : 'light')) === 'dark';
  const say = () => button.setAttribute('aria-label', isDark() ? 'Light page' : 'Dark page');
  let store = null;
  try { store = localStorage; } catch { /* a page from a file may have none */ }
  root.style.colorScheme = store?.getItem('flipbook-theme') ?? '';
  button.addEventListener('click', () => {
    root.style.colorScheme = isDark() ? 'light' : 'dark';
    store?.setItem('flipbook-theme', root.style.colorScheme);
    say();
  });
  dark.addEventListener('change', say);
  say();
}

connectTheme(document.querySelector('.theme'));
for (const figure of all('figure.clips')) connect(figure);
for (const plot of all('.plot')) connectChart(plot);
if (player) connectPlayer();
clock.set(0);
requestAnimationFrame(now => clock.tick(now));
})();
)js"
