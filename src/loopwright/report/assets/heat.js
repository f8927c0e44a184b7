// The heat map: candidates down, examples across, a score in each cell. Drawn on a canvas, read by pointer or keys.

const ALL_ROWS = 400; // more candidates than this are shown only when asked for

async function showHeat() {
  const splits = ["validation", "test", "train"].filter((split) => DATA.scores[split] !== undefined);
  const holder = h("div");
  const state = { split: splits[0], rows: C.id.length > ALL_ROWS ? "accepted" : "all", order: "index" };
  const draw = async () => clear(holder, heatMap(await json(DATA.scores[state.split]), state));
  const pick = (name) => (value) => { state[name] = value; draw(); };
  clear(body("examples"), card("Candidates × examples", "One row a candidate, in the order they were made; one column an example. Dark is low, bright is high; a cross marks a trial that failed. Empty: not run.",
    h("div", { class: "choices" },
      choice("Split", splits.map((split) => [split, split]), state.split, pick("split")),
      choice("Rows", [["all", "all"], ["accepted", "accepted"]], state.rows, pick("rows")),
      choice("Columns", [["index", "as in the data"], ["hard", "hardest first"]], state.order, pick("order"))), holder));
  if (splits.length) await draw();
  else clear(holder, h("p", { class: "none" }, "No trial has ended yet."));
}

function heatMap(scores, state) {
  const failed = new Set(scores.failed);
  const cells = new Map();
  const examples = new Map();
  const present = new Set();
  scores.candidate.forEach((candidate, n) => {
    if (state.rows === "accepted" && !C.accepted[candidate]) return;
    cells.set(`${candidate}/${scores.index[n]}`, n);
    present.add(candidate);
    if (!examples.has(scores.index[n])) examples.set(scores.index[n], []);
    examples.get(scores.index[n]).push(scores.score[n]);
  });
  const rows = [...present].sort((a, b) => a - b);
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const columns = [...examples.keys()].sort((a, b) => a - b);
  if (state.order === "hard") columns.sort((a, b) => mean(examples.get(a)) - mean(examples.get(b)));
  let low = Infinity;
  let high = -Infinity;
  scores.score.forEach((score, n) => { if (!failed.has(n)) { low = Math.min(low, score); high = Math.max(high, score); } });
  const detail = h("div", { class: "cell" }, h("p", { class: "none" }, "Point at a cell, or focus the map and use the arrow keys. Click or press Enter for the trial behind it."));
  const wrap = h("div", { class: "heat" });
  let at = [0, 0];
  drawn(wrap, (width) => {
    const left = width < 520 ? 64 : 118;
    const size = Math.max(5, Math.min(30, Math.floor((width - left - 2) / Math.max(1, columns.length))));
    const tall = rows.length > 250 ? 5 : rows.length > 80 ? 9 : Math.min(20, Math.max(12, size));
    const top = 22;
    const canvas = h("canvas", { tabindex: "0", role: "img", "aria-label": `Heat map of ${rows.length} candidates and ${columns.length} ${state.split} examples. Arrow keys move from cell to cell.` });
    const wide = left + size * columns.length + 1;
    const high_ = top + tall * rows.length + 1;
    const ratio = Math.min(devicePixelRatio || 1, 8000 / Math.max(wide, high_));
    canvas.width = wide * ratio;
    canvas.height = high_ * ratio;
    canvas.style.width = `${wide}px`;
    canvas.style.height = `${high_}px`;
    const paint = () => paintHeat(canvas, { ratio, left, top, size, tall, rows, columns, cells, scores, failed, low, high, at });
    const cellOf = (event) => {
      const box = canvas.getBoundingClientRect();
      const column = Math.floor((event.clientX - box.left - left) / size);
      const row = Math.floor((event.clientY - box.top - top) / tall);
      return column >= 0 && row >= 0 && column < columns.length && row < rows.length ? [row, column] : null;
    };
    const told = ([row, column]) => {
      const n = cells.get(`${rows[row]}/${columns[column]}`);
      const made = rows[row] === DATA.start ? "start" : `update ${C.step[rows[row]]}`;
      return [`${candidateName(rows[row])}`, [["made by", made], ["example", `${state.split} ${columns[column]}${labelOf(state.split, columns[column])}`], ["score", n === undefined ? "not run" : `${fmt(scores.score[n])}${failed.has(n) ? " (failed)" : ""}`]]];
    };
    canvas.addEventListener("pointermove", (event) => {
      const cell = cellOf(event);
      if (!cell) { hideTip(); return; }
      at = cell;
      paint();
      showTip(event.clientX, event.clientY, tipRows(...told(cell)));
    });
    canvas.addEventListener("pointerleave", hideTip);
    canvas.addEventListener("blur", hideTip);
    const open = () => openCell(detail, state.split, rows[at[0]], columns[at[1]], scores.step[cells.get(`${rows[at[0]]}/${columns[at[1]]}`)]);
    canvas.addEventListener("click", (event) => { const cell = cellOf(event); if (cell) { at = cell; open(); } });
    canvas.addEventListener("keydown", (event) => {
      const move = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (move) {
        event.preventDefault();
        at = [Math.max(0, Math.min(rows.length - 1, at[0] + move[0])), Math.max(0, Math.min(columns.length - 1, at[1] + move[1]))];
        paint();
        const box = canvas.getBoundingClientRect();
        const [name, lines] = told(at);
        showTip(box.left + left + at[1] * size, box.top + top + at[0] * tall, tipRows(name, lines));
        say(`${name}, ${lines.map((line) => line.join(" ")).join(", ")}`);
      } else if (event.key === "Enter") open();
    });
    paint();
    repaint = paint;
    clear(wrap, h("div", { class: "scroll" }, canvas));
  });
  return [legendOf(low, high), wrap, detail];
}

let repaint = () => {};

function labelOf(split, index) {
  const labels = DATA.strata[split] || [];
  return labels[index] ? ` (${labels[index]})` : "";
}

/** A ramp that is even to the eye and to those who see few colours: from dark violet over teal to yellow. */
const RAMP = [[48, 18, 84], [62, 62, 130], [45, 105, 142], [34, 144, 140], [61, 186, 112], [149, 216, 64], [249, 231, 33]];

function colour(share) {
  const place = Math.max(0, Math.min(1, share)) * (RAMP.length - 1);
  const low = Math.min(RAMP.length - 2, Math.floor(place));
  return `rgb(${RAMP[low].map((part, n) => Math.round(part + (RAMP[low + 1][n] - part) * (place - low))).join(",")})`;
}

function paintHeat(canvas, { ratio, left, top, size, tall, rows, columns, cells, scores, failed, low, high, at }) {
  const pen = canvas.getContext("2d");
  const style = getComputedStyle(document.body);
  const [ink, muted, empty] = ["--ink", "--muted", "--sunken"].map((name) => style.getPropertyValue(name));
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.font = `11px ${style.fontFamily}`;
  pen.textBaseline = "middle";
  const gap = size > 8 && tall > 8 ? 1 : 0;
  rows.forEach((candidate, row) => {
    columns.forEach((index, column) => {
      const n = cells.get(`${candidate}/${index}`);
      pen.fillStyle = n === undefined ? empty : colour(high > low ? (scores.score[n] - low) / (high - low) : 1);
      const [x, y] = [left + column * size, top + row * tall];
      pen.fillRect(x, y, size - gap, tall - gap);
      if (n !== undefined && failed.has(n) && size >= 5) {
        pen.strokeStyle = "#fff";
        pen.beginPath();
        pen.moveTo(x + 2, y + 2);
        pen.lineTo(x + size - gap - 2, y + tall - gap - 2);
        pen.moveTo(x + size - gap - 2, y + 2);
        pen.lineTo(x + 2, y + tall - gap - 2);
        pen.stroke();
      }
    });
  });
  pen.textAlign = "right";
  const each = Math.max(1, Math.ceil(12 / tall));
  rows.forEach((candidate, row) => {
    if (row % each) return;
    pen.fillStyle = C.accepted[candidate] ? ink : muted;
    const name = candidate === DATA.start ? "start" : `update ${C.step[candidate]}`;
    pen.fillText(`${candidate === DATA.best ? "★ " : ""}${left < 100 ? name.replace("update ", "u") : name}${C.accepted[candidate] && left >= 100 && candidate !== DATA.start ? " ✓" : ""}`, left - 6, top + row * tall + tall / 2);
  });
  pen.textAlign = "center";
  pen.fillStyle = muted;
  const step = Math.max(1, Math.ceil(22 / size));
  columns.forEach((index, column) => { if (column % step === 0) pen.fillText(String(index), left + column * size + size / 2, top / 2); });
  if (document.activeElement === canvas || !tip.hidden) {
    pen.strokeStyle = ink;
    pen.lineWidth = 2;
    pen.strokeRect(left + at[1] * size - 0.5, top + at[0] * tall - 0.5, size, tall);
    pen.lineWidth = 1;
  }
}

function legendOf(low, high) {
  if (!(high > low)) return h("p", { class: "sub" }, `Every score is ${fmt(low)}.`);
  const stops = RAMP.map((_, n) => colour(n / (RAMP.length - 1))).join(", ");
  return h("div", { class: "ramp" }, h("span", null, fmt(low)), h("i", { style: `background: linear-gradient(to right, ${stops})` }), h("span", null, fmt(high)), h("span", null, "score"));
}

/** The trial behind a cell. */
async function openCell(holder, split, candidate, index, step) {
  if (step === undefined) { clear(holder, h("p", { class: "none" }, "This candidate was not run on this example.")); return; }
  const place = step === null ? -1 : U.step.indexOf(step);
  const detail = await json(step === null ? DATA.tested : place >= 0 ? U.detail[place] : DATA.opening);
  const trials = detail.trials.filter((trial) => trial.candidate === candidate && trial.index === index && trial.split === split);
  clear(holder, h("h3", null, `${candidateName(candidate)} on ${split} ${index}${labelOf(split, index)}`),
    h("p", { class: "sub" }, step === null ? "Run at the end." : step === 0 ? "Run before the first update." : ["Run in ", h("a", { href: `#updates/${step}` }, `update ${step}`), "."]), trialsTable(trials));
}
