// The report of a study: what can be said of it, effects with intervals, curves with bands, cells and runs.

const WORDS = { best: "best validation score so far", current: "current validation score", test: "final test score" };
const COLORS = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"];
const chosen = { score: DATA.scores.includes("test") ? "test" : "best", by: "updates" };

function studyMakers() {
  return { overview: studyOverview, effects: studyEffects, cells: studyCells, runs: studyRuns, settings: showSettings };
}

function analysis() {
  return DATA.analyses[chosen.score][chosen.by];
}

function colorOf(key) {
  return COLORS[DATA.cells.findIndex((cell) => cell.key === key) % COLORS.length];
}

/** The choice of score and budget, shared by all tabs; `draw` makes the tab anew. */
function studyChoices(draw) {
  const pick = (name) => (value) => {
    chosen[name] = value;
    for (const id of ["overview", "effects", "cells"]) made.delete(id);
    draw();
  };
  return h("div", { class: "choices" },
    choice("Score", DATA.scores.map((score) => [score, score]), chosen.score, pick("score")),
    choice("Equal budget of", DATA.budgets.map((by) => [by, by]), chosen.by, pick("by")));
}

function where() {
  const found = analysis();
  const budget = chosen.score === "test" || found.at === null ? "" : ` after ${whole(found.at)} ${found.by}`;
  return `${WORDS[chosen.score]}${budget}`;
}

function notesOf(found) {
  return found.notes.length ? h("ul", { class: "notes" }, found.notes.map((note) => h("li", null, note))) : null;
}

// ------------------------------------------------------------------------------------------------------- overview

function studyOverview() {
  clear(body("overview"), studyChoices(studyOverview), forestCard(analysis(), true), curvesCard());
}

function curvesCard() {
  const score = chosen.score === "current" ? "current" : "best";
  const curves = DATA.curves[chosen.by][score];
  const cells = DATA.cells.filter((cell) => curves.cells[cell.key]);
  if (!cells.length || !curves.x.length) return card("Learning curves", null, h("p", { class: "none" }, "No run is done yet."));
  const level = Math.round(100 * (1 - DATA.error));
  const series = cells.flatMap((cell) => {
    const each = curves.cells[cell.key];
    const known = each.low.some((value) => value !== null);
    return [
      known && { name: `${cell.key} band`, of: cell.key, color: colorOf(cell.key), kind: "band", low: each.low, high: each.high, values: each.high },
      { name: cell.key, color: colorOf(cell.key), kind: chosen.by === "updates" ? "line" : "step", values: each.mean, dashed: DATA.cells.indexOf(cell) >= COLORS.length },
    ].filter(Boolean);
  });
  return card("Learning curves", `Mean ${WORDS[score]} of each cell's runs, as far as all of them go, with a ${level} % interval of the mean. Overlapping bands do not mean "equal": runs are paired by seed, and the effects above use that.`, plot({
    label: `Learning curves of ${count(cells.length, "cell")}.`,
    x: { name: chosen.by, values: curves.x }, y: { name: `mean ${WORDS[score]}` }, series,
    title: (i) => `${whole(curves.x[i])} ${chosen.by}`,
    rows: (i) => cells.map((cell) => [cell, curves.cells[cell.key]]).filter(([, each]) => each.mean[i] !== null).map(([cell, each]) => [cell.key,
      `${fmt(each.mean[i])}${each.low[i] === null ? "" : ` [${fmt(each.low[i])}, ${fmt(each.high[i])}]`} (n = ${each.n[i]} runs)`, colorOf(cell.key)]),
    height: 380,
  }));
}

// -------------------------------------------------------------------------------------------------------- effects

function studyEffects() {
  const found = analysis();
  clear(body("effects"), studyChoices(studyEffects), forestCard(found, false), effectsTable(found), marginsCard(found));
}

const VERDICT = { higher: "good", lower: "bad", "not settled": "", "no claim": "" };

/** Differences with their intervals around a line at zero. */
function forestCard(found, brief) {
  const effects = found.effects.filter((effect) => effect.mean !== null);
  if (!effects.length) return card("Effects", null, h("p", { class: "none" }, "No two cells can be compared yet."), notesOf(found));
  const holder = h("div", { class: "plot" });
  drawn(holder, (width) => {
    const narrow = width < 620;
    const left = narrow ? 8 : Math.min(330, width * 0.36);
    const right = width - (narrow ? 8 : 120);
    const tall = narrow ? 62 : 40;
    const values = effects.flatMap((effect) => [effect.mean, effect.interval && effect.interval.low, effect.interval && effect.interval.high, 0]);
    const x = scale(...extent(values, 0.08), left, right);
    const bottom = 16 + effects.length * tall;
    const parts = ticks(...x.domain, Math.max(4, Math.round((right - left) / 90))).flatMap((at) => [
      s("line", { class: at === 0 ? "axis" : "grid", x1: x(at), x2: x(at), y1: 8, y2: bottom }),
      s("text", { class: "tick", x: x(at), y: bottom + 16, "text-anchor": "middle" }, signed(at))]);
    parts.push(s("text", { class: "name", x: right, y: bottom + 34, "text-anchor": "end" }, `change of the ${where()}`));
    effects.forEach((effect, place) => {
      const y = 16 + place * tall + (narrow ? 44 : tall / 2);
      const group = s("g", { class: `effect ${VERDICT[effect.verdict] || "open"}`, tabindex: "0", role: "img", "aria-label": effectRows(effect).map((row) => row.join(" ")).join(", ") },
        s("rect", { class: "hit", x: 0, y: 16 + place * tall, width, height: tall }),
        s("text", { class: "label", x: narrow ? 8 : 0, y: narrow ? y - 26 : y - 3 }, effect.name),
        s("text", { class: "tick", x: narrow ? 8 : 0, y: narrow ? y - 12 : y + 13 }, effect.change),
        effect.interval && s("line", { class: "bar", x1: x(effect.interval.low), x2: x(effect.interval.high), y1: y, y2: y }),
        s("circle", { cx: x(effect.mean), cy: y, r: 5.5 }),
        s("text", { class: "tick verdict-word", x: width, y: narrow ? y - 26 : y + 4, "text-anchor": "end" }, effect.verdict));
      const show = (event) => {
        const box = group.getBoundingClientRect();
        showTip(event.clientX || box.left + x(effect.mean), event.clientY || box.top + tall, tipRows(`${effect.name}: ${effect.change}`, effectRows(effect)));
      };
      group.addEventListener("pointermove", show);
      group.addEventListener("pointerleave", hideTip);
      group.addEventListener("focus", show);
      group.addEventListener("blur", hideTip);
      parts.push(group);
    });
    clear(holder, s("svg", { viewBox: `0 0 ${width} ${bottom + 42}`, width, height: bottom + 42, role: "group", "aria-label": `Effects on the ${where()}` }, parts));
  });
  const claims = effects.filter((effect) => effect.verdict === "higher" || effect.verdict === "lower").length;
  const level = Math.round(100 * (1 - DATA.error));
  const sub = `What a change of level does to the ${where()}: mean of paired differences and its ${level} % interval. Of ${count(effects.length, "effect")}, ${claims} ${claims === 1 ? "is" : "are"} claimed: the interval leaves out zero, and a permutation test holds after correction for all of them (chance of any false claim at most ${fmt(100 * DATA.error)} %). "Not settled" is no proof of equality.`;
  return card("Effects", sub, holder, brief ? null : null, notesOf(found));
}

function effectRows(effect) {
  return [
    ["mean change", signed(effect.mean)],
    ["median", effect.median === null ? "–" : signed(effect.median)],
    ["interval", effect.interval ? `${signed(effect.interval.low)} to ${signed(effect.interval.high)}` : "too few"],
    ["n", `${count(effect.n, effect.unit)}${effect.dropped ? `, ${effect.dropped} dropped` : ""}`],
    ["p", chance(effect.p)],
    ["p, corrected", chance(effect.adjusted)],
    ["verdict", effect.verdict],
    ["to settle it", toSettle(effect)],
  ];
}

function chance(p) {
  return p === null ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3);
}

function toSettle(effect) {
  if (effect.more === 0) return "settled";
  if (effect.more === null) return effect.n < 2 ? "–" : "over 1,000 repeats more";
  return `${count(effect.more, "repeat")} more`;
}

function effectsTable(found) {
  return card("Every effect", "Detectable: the difference that this many pairs would find four times in five.", tableOf([
    { name: "effect", cell: (effect) => [effect.name, effect.aliases.length > 0 && h("small", { class: "none" }, ` (with ${effect.aliases.join(", ")})`)] },
    { name: "change", cell: (effect) => effect.change },
    { name: "n", right: true, cell: (effect) => count(effect.n, effect.unit) },
    { name: "mean", right: true, cell: (effect) => (effect.mean === null ? "–" : signed(effect.mean)) },
    { name: "median", right: true, cell: (effect) => (effect.median === null ? "–" : signed(effect.median)) },
    { name: "interval", right: true, cell: (effect) => (effect.interval ? `${signed(effect.interval.low)} to ${signed(effect.interval.high)}` : "–") },
    { name: "p, corrected", right: true, cell: (effect) => chance(effect.adjusted) },
    { name: "verdict", cell: (effect) => h("span", { class: `pill ${VERDICT[effect.verdict]}` }, effect.verdict) },
    { name: "to settle it", cell: toSettle },
    { name: "detectable", right: true, cell: (effect) => fmt(effect.detectable, 3) },
  ], found.effects, { label: "Effects" }));
}

/** Means over all runs with two axes' levels: what an interaction looks like. */
function marginsCard(found) {
  if (DATA.axes.length < 2) return null;
  const value = new Map(found.summaries.map((summary) => [summary.cell, Object.values(summary.values)]));
  const pairs = DATA.axes.flatMap((one, i) => DATA.axes.slice(i + 1).map((other) => [one, other]));
  return card("Two axes at a time", `Mean ${where()} over all runs with both levels, and how many runs that are.`, h("div", { class: "tables" }, pairs.map(([one, other]) =>
    tableOf([{ name: `${one.name} \\ ${other.name}`, cell: (label) => label }, ...other.labels.map((across) => ({
      name: across, right: true,
      cell: (label) => {
        const values = DATA.cells.filter((cell) => cell.levels[one.name] === label && cell.levels[other.name] === across).flatMap((cell) => value.get(cell.key) || []);
        return values.length ? `${fmt(values.reduce((a, b) => a + b, 0) / values.length)} (n = ${values.length})` : "–";
      },
    }))], one.labels, { label: `${one.name} and ${other.name}` }))));
}

// ---------------------------------------------------------------------------------------------------------- cells

function studyCells() {
  const found = analysis();
  clear(body("cells"), studyChoices(studyCells), dotsCard(found), cellsTable(found));
}

/** One row a cell: its runs as dots, their mean as a line with its interval. */
function dotsCard(found) {
  const there = found.summaries.filter((summary) => summary.mean !== null);
  if (!there.length) return card("Cells", null, h("p", { class: "none" }, "No run is done yet."), notesOf(found));
  const holder = h("div", { class: "plot" });
  drawn(holder, (width) => {
    const narrow = width < 620;
    const left = narrow ? 8 : Math.min(330, width * 0.36);
    const right = width - 12;
    const tall = narrow ? 54 : 38;
    const values = there.flatMap((summary) => [...Object.values(summary.values), summary.interval && summary.interval.low, summary.interval && summary.interval.high]);
    const x = scale(...extent(values, 0.06), left, right);
    const bottom = 12 + there.length * tall;
    const parts = ticks(...x.domain, Math.max(4, Math.round((right - left) / 90))).flatMap((at) => [
      s("line", { class: "grid", x1: x(at), x2: x(at), y1: 6, y2: bottom }), s("text", { class: "tick", x: x(at), y: bottom + 16, "text-anchor": "middle" }, fmt(at))]);
    parts.push(s("text", { class: "name", x: right, y: bottom + 34, "text-anchor": "end" }, where()));
    there.forEach((summary, place) => {
      const y = 12 + place * tall + (narrow ? 36 : tall / 2);
      const group = s("g", { class: `cellrow ${colorOf(summary.cell)}`, tabindex: "0", role: "img", "aria-label": cellRows(summary).map((row) => row.join(" ")).join(", ") },
        s("rect", { class: "hit", x: 0, y: 12 + place * tall, width, height: tall }),
        s("text", { class: "label small", x: narrow ? 8 : 0, y: narrow ? y - 14 : y + 4 }, summary.cell),
        summary.interval && s("line", { class: "bar", x1: x(summary.interval.low), x2: x(summary.interval.high), y1: y, y2: y }),
        Object.values(summary.values).map((each) => s("circle", { cx: x(each), cy: y, r: 4 })),
        s("line", { class: "mean", x1: x(summary.mean), x2: x(summary.mean), y1: y - 11, y2: y + 11 }));
      const show = (event) => {
        const box = group.getBoundingClientRect();
        showTip(event.clientX || box.left + left, event.clientY || box.top + tall, tipRows(summary.cell, cellRows(summary)));
      };
      group.addEventListener("pointermove", show);
      group.addEventListener("pointerleave", hideTip);
      group.addEventListener("focus", show);
      group.addEventListener("blur", hideTip);
      parts.push(group);
    });
    clear(holder, s("svg", { viewBox: `0 0 ${width} ${bottom + 42}`, width, height: bottom + 42, role: "group", "aria-label": `Cells: ${where()}` }, parts));
  });
  return card("Cells", `One dot a run, the upright line their mean, the bar its interval: ${where()}.`, holder, notesOf(found));
}

function cellRows(summary) {
  return [["mean", fmt(summary.mean)], ["median", fmt(summary.median)], ["standard error", fmt(summary.se, 2)],
    ["interval", summary.interval ? `${fmt(summary.interval.low)} to ${fmt(summary.interval.high)}` : "one run shows none"],
    ["n", count(Object.keys(summary.values).length, "run")]];
}

function cellsTable(found) {
  return card("Every cell", null, tableOf([
    ...DATA.axes.map((axis) => ({ name: axis.name, cell: (summary) => DATA.cells.find((cell) => cell.key === summary.cell).levels[axis.name] })),
    { name: "n runs", right: true, cell: (summary) => Object.keys(summary.values).length },
    { name: "mean", right: true, cell: (summary) => fmt(summary.mean) },
    { name: "median", right: true, cell: (summary) => fmt(summary.median) },
    { name: "SE", right: true, cell: (summary) => fmt(summary.se, 2) },
    { name: "interval", right: true, cell: (summary) => (summary.interval ? `${fmt(summary.interval.low)} to ${fmt(summary.interval.high)}` : "–") },
  ], found.summaries, { label: "Cells" }));
}

// ----------------------------------------------------------------------------------------------------------- runs

function studyRuns() {
  const mean = (values) => (values.length ? `${fmt(values.reduce((a, b) => a + b, 0) / values.length)} (n = ${values.length})` : "–");
  const states = { done: "good", failed: "bad" };
  clear(body("runs"), card("Runs", "Every run is an ordinary one: 'loopwright show' and 'loopwright report' take its folder.", tableOf([
    { name: "cell", cell: (run) => run.cell },
    { name: "repeat", right: true, cell: (run) => run.repeat },
    { name: "state", cell: (run) => h("span", { class: `pill ${states[run.state] || ""}`, title: run.why || null }, run.state) },
    { name: "updates", right: true, cell: (run) => (run.updates === null ? "–" : whole(run.updates)) },
    { name: "trials", right: true, cell: (run) => (run.trials === null ? "–" : whole(run.trials)) },
    ...(DATA.budgets.includes("tokens") ? [{ name: "tokens", right: true, cell: (run) => (run.tokens === null ? "–" : whole(run.tokens)) }] : []),
    { name: "validation: start", right: true, cell: (run) => fmt(run.start) },
    { name: "best", right: true, cell: (run) => fmt(run.best) },
    { name: "test: start", right: true, cell: (run) => mean(run.test_start) },
    { name: "best", right: true, cell: (run) => mean(run.test_best) },
    { name: "folder", cell: (run) => h("code", null, run.folder) },
  ], DATA.runs, { label: "Runs" }), h("ul", { class: "notes" }, DATA.runs.filter((run) => run.state === "failed").map((run) => h("li", null, `${run.cell}, repeat ${run.repeat}: ${run.why}`)))));
}
