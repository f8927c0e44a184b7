// A chart of series over a shared x: lines, steps, dots, bands and stacked areas, with a legend, a crosshair and keys.

/**
 * spec: {
 *   label: what the chart shows, for those who cannot see it,
 *   x: { name, values: [], write }, y: { name, write, from, of: names of the series that the heights are for },
 *   series: [{ name, color, kind: "line" | "step" | "dots" | "area" | "band", values: [], low: [], high: [], hollow: [], off }],
 *   rows: (place) => [[name, value, swatch]], title: (place) => text, open: (place) => void, height
 * }
 * Values are null where there is none. Gives the element.
 */
function plot(spec) {
  const shown = new Set(spec.series.filter((each) => !each.off).map((each) => each.name));
  const holder = h("div", { class: "plot" });
  let width = 0;
  let again = null;
  const draw = (wide) => {
    width = wide;
    again = drawPlot(holder, spec, shown, width);
  };
  const legend = h("div", { class: "legend", role: "group", "aria-label": "Series" }, spec.series.filter((each) => each.kind !== "band").map((each) =>
    h("button", {
      type: "button", "aria-pressed": String(shown.has(each.name)),
      onclick: (event) => {
        shown.has(each.name) ? shown.delete(each.name) : shown.add(each.name);
        event.currentTarget.setAttribute("aria-pressed", String(shown.has(each.name)));
        draw(width);
      },
    }, h("i", { class: `swatch ${each.color} ${each.kind}` }), each.name)));
  drawn(holder, draw);
  return h("figure", { class: "chart" }, spec.series.length > 1 && legend, holder, h("figcaption", { class: "unseen" }, spec.label));
}

let clips = 0;

function drawPlot(holder, spec, shown, width) {
  const height = spec.height || Math.max(280, Math.min(340, Math.round(width * 0.42)));
  const series = spec.series.filter((each) => shown.has(each.of || each.name));
  const ranged = spec.y.of ? series.filter((each) => spec.y.of.includes(each.name)) : series;
  const all = (ranged.length ? ranged : series).flatMap((each) => [each.values, each.low, each.high].filter(Boolean).flat());
  const [low, high] = spec.y.from === 0 ? [0, extent(all)[1]] : extent(all);
  const write = spec.y.write || fmt;
  const longest = Math.max(...ticks(low, high, 5).map((at) => write(at).length));
  const frame = { left: Math.max(34, 14 + 7 * longest), top: 30, right: width - 10, bottom: height - 42 };
  const xs = spec.x.values;
  const x = scale(Math.min(...xs.slice(0, 1)), xs.length > 1 ? xs[xs.length - 1] : xs[0] + 1, frame.left, frame.right);
  const y = scale(low, high, frame.bottom, frame.top);
  const root = s("svg", {
    viewBox: `0 0 ${width} ${height}`, width, height, role: "img", tabindex: "0",
    "aria-label": `${spec.label} Use the arrow keys to read it point by point.`,
  }, axes(frame, x, y, { x: spec.x.name, y: spec.y.name }, { y: write, x: spec.x.write }));
  const id = `clip-${(clips += 1)}`;
  root.append(s("clipPath", { id }, s("rect", { x: frame.left - 6, y: frame.top - 6, width: frame.right - frame.left + 12, height: frame.bottom - frame.top + 8 })));
  root.append(s("g", { "clip-path": `url(#${id})` }, series.map((each) => drawSeries(each, xs, x, y, frame))));
  root.append(crosshair(root, spec, series, xs, x, y, frame));
  clear(holder, root);
  return root;
}

function drawSeries(each, xs, x, y, frame) {
  const group = s("g", { class: `series ${each.color} ${each.kind}${each.dashed ? " dashed" : ""}` });
  if (each.kind === "band" || each.kind === "area") {
    const low = each.low || xs.map(() => 0);
    const high = each.high || each.values;
    for (const run of runs(high)) {
      const there = run.map((i) => `${x(xs[i])},${y(high[i])}`);
      const back = run.slice().reverse().map((i) => `${x(xs[i])},${y(low[i])}`);
      group.append(s("polygon", { points: [...there, ...back].join(" ") }));
    }
  } else if (each.kind === "dots") {
    const size = xs.length > 300 ? 2 : xs.length > 80 ? 2.6 : 3.6;
    xs.forEach((at, i) => {
      if (each.values[i] === null) return;
      group.append(s("circle", { cx: x(at), cy: y(each.values[i]), r: size, class: each.hollow && each.hollow[i] ? "hollow" : null }));
    });
  } else {
    for (const run of runs(each.values)) {
      const path = run.map((i, n) => {
        if (!n) return `M${x(xs[i])},${y(each.values[i])}`;
        return each.kind === "step" ? `H${x(xs[i])}V${y(each.values[i])}` : `L${x(xs[i])},${y(each.values[i])}`;
      });
      group.append(s("path", { d: path.join("") }));
      if (run.length === 1) group.append(s("circle", { cx: x(xs[run[0]]), cy: y(each.values[run[0]]), r: 2 }));
    }
  }
  return group;
}

/** Places of values that are there, in unbroken runs. */
function runs(values) {
  const found = [];
  let run = [];
  values.forEach((value, i) => {
    if (value !== null && value !== undefined) run.push(i);
    else if (run.length) { found.push(run); run = []; }
  });
  if (run.length) found.push(run);
  return found;
}

/** A line at the place pointed at, a dot on every series there, and the tooltip. */
function crosshair(root, spec, series, xs, x, y, frame) {
  const group = s("g", { class: "cross", visibility: "hidden" });
  let at = -1;
  const move = (place, clientX, clientY) => {
    if (place !== at) {
      at = place;
      clear(group, s("line", { x1: x(xs[place]), x2: x(xs[place]), y1: frame.top, y2: frame.bottom }),
        series.filter((each) => each.kind !== "band" && each.kind !== "area" && each.values[place] !== null)
          .map((each) => s("circle", { class: each.color, cx: x(xs[place]), cy: y(each.values[place]), r: 4.5 })));
    }
    group.setAttribute("visibility", "visible");
    const box = root.getBoundingClientRect();
    showTip(clientX ?? box.left + x(xs[place]), clientY ?? box.top + frame.top, tipRows(spec.title(place), spec.rows(place)));
  };
  const leave = () => { group.setAttribute("visibility", "hidden"); hideTip(); };
  const pointed = (event) => {
    const wanted = x.invert(event.clientX - root.getBoundingClientRect().left);
    return nearestPlace(xs, wanted);
  };
  root.addEventListener("pointermove", (event) => move(pointed(event), event.clientX, event.clientY));
  root.addEventListener("pointerleave", leave);
  root.addEventListener("blur", leave);
  if (spec.open) {
    root.classList.add("opens");
    root.addEventListener("click", (event) => spec.open(pointed(event)));
  }
  root.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: xs.length - 1 };
    if (event.key in moves) {
      event.preventDefault();
      const place = Math.max(0, Math.min(xs.length - 1, moves[event.key]));
      move(place);
      say(`${spec.title(place)}: ${spec.rows(place).map(([name, value]) => `${name} ${value}`).join(", ")}`);
    } else if (event.key === "Enter" && spec.open && at >= 0) spec.open(at);
  });
  return group;
}

function nearestPlace(xs, wanted) {
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= wanted) low = middle;
    else high = middle;
  }
  return Math.abs(xs[high] - wanted) < Math.abs(xs[low] - wanted) ? high : low;
}
