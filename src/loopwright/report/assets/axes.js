// Scales, ticks and axes of the charts.

/** A linear scale from a domain to pixels. */
function scale(from, to, first, last) {
  const span = to - from || 1;
  const map = (value) => first + ((value - from) / span) * (last - first);
  map.invert = (pixel) => from + ((pixel - first) / (last - first)) * span;
  map.domain = [from, to];
  return map;
}

/** Round values within a domain, about `wanted` of them. */
function ticks(from, to, wanted, integer = false) {
  const span = to - from;
  if (!(span > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(span / Math.max(1, wanted)));
  const factor = [1, 2, 5, 10].find((each) => span / (each * power) <= wanted) || 10;
  const step = integer ? Math.max(1, Math.round(factor * power)) : factor * power;
  const found = [];
  for (let at = Math.ceil(from / step - 1e-9) * step; at <= to + step * 1e-9; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

/** Low and high of values with some room around; equal ones get room too. */
function extent(values, room = 0.06) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || value === undefined || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low === Infinity) return [0, 1];
  const pad = high > low ? (high - low) * room : Math.abs(high) * 0.1 || 0.5;
  return [low - pad, high + pad];
}

/** Grid lines with their labels, and the names of the axes. */
function axes(frame, x, y, names, write = {}) {
  const { left, top, right, bottom } = frame;
  const parts = [];
  for (const at of ticks(...y.domain, Math.max(3, Math.round((bottom - top) / 52)))) {
    const place = y(at);
    parts.push(s("line", { class: "grid", x1: left, x2: right, y1: place, y2: place }));
    parts.push(s("text", { class: "tick", x: left - 8, y: place, "text-anchor": "end", dy: "0.32em" }, (write.y || fmt)(at)));
  }
  for (const at of ticks(...x.domain, Math.max(3, Math.round((right - left) / 90)), true)) {
    const place = x(at);
    parts.push(s("line", { class: "stub", x1: place, x2: place, y1: bottom, y2: bottom + 4 }));
    const anchor = place > right - 16 ? "end" : "middle";
    parts.push(s("text", { class: "tick", x: anchor === "end" ? right + 6 : place, y: bottom + 17, "text-anchor": anchor }, (write.x || whole)(at)));
  }
  parts.push(s("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }));
  parts.push(s("text", { class: "name", x: right, y: bottom + 34, "text-anchor": "end" }, names.x));
  parts.push(s("text", { class: "name", x: 0, y: top - 12 }, names.y));
  return parts;
}

/** Call `draw` with the width of an element now and whenever it changes. */
function drawn(element, draw) {
  let last = 0;
  new ResizeObserver(() => {
    const width = Math.floor(element.clientWidth);
    if (width > 0 && width !== last) { last = width; draw(width); }
  }).observe(element);
  return element;
}
