// The first page: the learning curve, the gap between splits, what became of the proposals, and the best one at work.

const C = DATA.candidates;
const U = DATA.updates;

function candidateName(place) {
  if (place < 0) return "–";
  const words = [place === DATA.start && "start", place === DATA.best && "best"].filter(Boolean);
  return C.id[place].slice(0, 8) + (words.length ? ` (${words.join(", ")})` : "");
}

function candidateLink(place) {
  return place < 0 ? "–" : h("a", { href: `#candidates/${C.id[place]}` }, candidateName(place));
}

/** "0.84 (n = 30 examples)". */
function meanOf(place, split) {
  return C[split][place] === null ? "not run" : `${fmt(C[split][place])} (n = ${C[`${split}_n`][place]})`;
}

/** Cumulative spending after each update, the opening first. */
function cumulative(unit) {
  const columns = Object.values(U.spend[unit] || {});
  let sum = 0;
  return columns.length ? columns[0].map((_, row) => (sum += columns.reduce((total, column) => total + column[row], 0))) : [];
}

function learningCurve() {
  const steps = [0, ...U.step];
  const start = C.validation[DATA.start];
  const validated = start !== null;
  const n = C.validation_n[DATA.start];
  const best = [start, ...U.step.map((_, i) => U.best_score[i])];
  const current = [start, ...U.step.map((_, i) => C.validation[U.current[i]])];
  const children = [null, ...U.step.map((_, i) => (U.child[i] < 0 ? null : C.validation[U.child[i]]))];
  const hollow = [false, ...U.step.map((_, i) => U.verdict[i] !== "accepted")];
  const batch = [null, ...U.batch];
  const holder = h("div");
  const axesOf = {
    updates: ["update", steps, whole],
    ...Object.fromEntries(["trials", "tokens", "usd"].filter((unit) => U.spend[unit]).map((unit) =>
      [unit, [`${UNITS[unit].name} spent`, cumulative(unit).slice(0, steps.length), UNITS[unit].write]])),
  };
  const state = { against: "updates", heights: "all" };
  const draw = (change) => {
    Object.assign(state, change);
    const key = state.against;
    const [name, values, write] = axesOf[key];
    clear(holder, plot({
      label: "Learning curve: mean scores after each update.",
      x: { name, values, write },
      y: { name: validated ? `mean score · validation n = ${n}` : "mean score", of: state.heights === "curve" ? ["current", "best so far"] : null },
      series: [
        { name: "parent on batch", color: "grey", kind: "dots", values: batch },
        validated && { name: "children", color: "orange", kind: "dots", values: children, hollow },
        validated && { name: "current", color: "teal", kind: "step", values: current },
        validated && { name: "best so far", color: "blue", kind: "step", values: best },
      ].filter(Boolean),
      title: (i) => (i === 0 ? "Start" : `Update ${steps[i]}: ${U.verdict[i - 1]}`),
      rows: (i) => [
        ["best so far", fmt(best[i]), "blue"],
        ["current", fmt(current[i]), "teal"],
        i > 0 && U.score[i - 1] !== null && ["child vs parent", `${fmt(U.score[i - 1])} vs ${fmt(U.parent_score[i - 1])}`, "orange"],
        i > 0 && ["parent on batch", `${fmt(batch[i])} (n = ${U.batch_n[i - 1]})`, "grey"],
        key !== "updates" && [name, write(values[i])],
      ].filter(Boolean),
      open: (i) => { if (i > 0) location.hash = `updates/${steps[i]}`; },
    }));
  };
  draw({});
  const sub = "Best so far and current: means on the validation split. Parent on batch: what the edited candidate scored on the examples whose trials the optimizer was shown. A hollow dot is a child that was not kept. Click a point to open its update.";
  return card("Learning curve", sub, h("div", { class: "choices" },
    Object.keys(axesOf).length > 1 && choice("Against", Object.keys(axesOf).map((key) => [key, key === "usd" ? "US dollars" : key]), "updates", (against) => draw({ against })),
    validated && choice("Heights", [["all", "all points"], ["curve", "best and current"]], "all", (heights) => draw({ heights }))), holder);
}

/** Start and best on each split, as a line from one to the other. */
function gapCard() {
  const rows = DATA.gap;
  if (!rows.length) return null;
  const holder = h("div", { class: "plot" });
  drawn(holder, (width) => {
    const line = 62;
    const left = 88;
    const [low, high] = extent(rows.flatMap((row) => [row.start, row.best]), 0.14);
    const x = scale(low, high, left, width - 16);
    const bottom = 18 + rows.length * line;
    const parts = ticks(low, high, Math.max(5, Math.round(width / 110))).flatMap((at) => [
      s("line", { class: "grid", x1: x(at), x2: x(at), y1: 10, y2: bottom }),
      s("text", { class: "tick", x: x(at), y: bottom + 16, "text-anchor": "middle" }, fmt(at))]);
    rows.forEach((row, place) => {
      const y = 18 + place * line + line / 2;
      parts.push(s("text", { class: "label", x: 0, y: y - 3 }, row.split), s("text", { class: "tick", x: 0, y: y + 13 }, `n = ${row.best_n || row.start_n}`));
      if (row.start !== null && row.best !== null) parts.push(s("line", { class: `stem ${row.split}`, x1: x(row.start), x2: x(row.best), y1: y, y2: y }));
      const near = row.start !== null && row.best !== null && Math.abs(x(row.start) - x(row.best)) < 60;
      if (row.start !== null) parts.push(s("circle", { class: `from ${row.split}`, cx: x(row.start), cy: y, r: 5 }), s("text", { class: "value", x: x(row.start), y: near ? y + 20 : y - 11, "text-anchor": "middle" }, fmt(row.start)));
      if (row.best !== null) parts.push(s("circle", { class: `to ${row.split}`, cx: x(row.best), cy: y, r: 6 }), s("text", { class: "value strong", x: x(row.best), y: y - 11, "text-anchor": "middle" }, fmt(row.best)));
    });
    const told = rows.map((row) => `${row.split}: start ${fmt(row.start)}, best ${fmt(row.best)}`).join("; ");
    clear(holder, s("svg", { viewBox: `0 0 ${width} ${bottom + 24}`, width, height: bottom + 24, role: "img", "aria-label": `Start and best on each split. ${told}.` }, parts));
  });
  const table = tableOf([
    { name: "split", cell: (row) => row.split },
    { name: "start", right: true, cell: (row) => `${fmt(row.start)} (n = ${row.start_n})` },
    { name: "best", right: true, cell: (row) => `${fmt(row.best)} (n = ${row.best_n})` },
    { name: "paired gain, 95 % interval", right: true, cell: (row) => (row.gain ? interval(row.gain) : "–") },
  ], rows, { label: "Scores of start and best by split" });
  return card("Train, validation, test", "From the starting artifact (ring) to the best candidate (dot). The best was chosen by its validation score, so the gain there flatters it; the test split was run once, at the end. Where the test gain is much smaller, the run has learned its validation examples.", holder, table);
}

function interval(gain) {
  if (gain.low === null) return `${signed(gain.difference)} (one example shows nothing)`;
  return `${signed(gain.difference)} [${signed(gain.low)}, ${signed(gain.high)}]`;
}

/** What became of the proposals, as bars. */
function proposalsCard() {
  const rows = [["accepted", DATA.accepted], ...Object.entries(DATA.refused).sort((a, b) => b[1] - a[1])];
  const total = rows.reduce((sum, [, n]) => sum + n, 0);
  const bars = rows.map(([name, n]) => h("div", { class: "hbar" },
    h("span", { class: "what" }, name, h("small", null, DATA.meanings[name] || "refused")),
    h("span", { class: "track" }, h("span", { class: name === "accepted" ? "fill good" : "fill", style: `width:${total ? (100 * n) / total : 0}%` })),
    h("span", { class: "n" }, n.toLocaleString("en"))));
  return card("What became of the proposals", `${count(total, "proposal")} in ${count(U.step.length, "update")}.`, total > 0 ? bars : h("p", { class: "none" }, "None yet."));
}

/** The best candidate at work, where the task has something to see. */
function filmCard() {
  const film = DATA.film;
  if (!film) return null;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const picture = h("img", { src: still ? film.still : film.moving, alt: film.text, width: film.width, height: film.height });
  const button = h("button", { type: "button", onclick: () => play(!playing) }, still ? "Play" : "Stop");
  let playing = !still;
  const play = (wanted) => {
    playing = wanted;
    picture.setAttribute("src", playing ? film.moving : film.still);
    button.textContent = playing ? "Stop" : "Play";
  };
  return card("The best candidate at work", film.text, h("div", { class: "film" }, picture, button));
}

/** The changed parameters of the best candidate against the start. */
function bestCard() {
  if (DATA.best === DATA.start) return card("The best candidate", null, h("p", { class: "none" }, "No candidate was better than the start so far."));
  const holder = h("div", null, h("p", { class: "none" }, "…"));
  changes(DATA.start, DATA.best).then((views) => clear(holder, views));
  return card("What changed from start to best", null, holder);
}

function showOverview() {
  clear(body("overview"), learningCurve(), h("div", { class: "columns" }, gapCard(), h("div", null, filmCard(), proposalsCard())), bestCard());
}
