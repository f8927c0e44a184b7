// What was spent over time, by purpose: trials by their role, and the optimizer's own calls.

const PURPOSES = [["train", "blue"], ["gate", "teal"], ["validation", "orange"], ["test", "violet"], ["optimizer", "grey"]];
const PURPOSE_TEXT = { train: "batches to learn from", gate: "children judged on the batch", validation: "validation", test: "test, at the end", optimizer: "the optimizer's model calls" };

function showSpend() {
  const units = Object.keys(U.spend);
  const holder = h("div");
  const draw = (unit) => clear(holder, spendPlot(unit), spendTable(unit));
  if (!units.length) { clear(body("spend"), card("Spent", null, h("p", { class: "none" }, "Nothing yet."))); return; }
  draw(units[0]);
  clear(body("spend"), card("Spent", "Summed up over the run. The first point is the start's validation, the last adds the test trials.",
    choice("Unit", units.map((unit) => [unit, unit === "usd" ? "US dollars" : unit]), units[0], draw), holder));
}

function spendPlot(unit) {
  const table = U.spend[unit];
  const there = PURPOSES.filter(([name]) => table[name]);
  const length = Object.values(table)[0].length;
  const base = new Array(length).fill(0);
  const last = U.step.length ? U.step[U.step.length - 1] : 0;
  const xs = [0, ...U.step, last + 1].slice(0, length);
  const series = there.map(([name, color]) => {
    let sum = 0;
    const low = base.slice();
    table[name].forEach((value, i) => { sum += value; base[i] += sum; });
    return { name, color, kind: "area", low, values: base.slice(), high: base.slice() };
  });
  return plot({
    label: `${UNITS[unit].name} spent, summed up over the updates, by purpose.`,
    x: { name: "update", values: xs }, y: { name: UNITS[unit].name, write: UNITS[unit].write, from: 0 }, series,
    title: (i) => (i === 0 ? "Before the first update" : i === length - 1 && DATA.ended ? "At the end" : `After update ${xs[i]}`),
    rows: (i) => [...series.map((each) => [each.name, UNITS[unit].write(each.values[i] - each.low[i]), each.color]).reverse(), ["together", UNITS[unit].write(base[i])]],
    open: (i) => { if (i > 0 && i <= U.step.length) location.hash = `updates/${xs[i]}`; },
  });
}

function spendTable(unit) {
  const total = (values) => values.reduce((a, b) => a + b, 0);
  const rows = PURPOSES.filter(([name]) => U.spend[unit][name]).map(([name, color]) => ({ name, color, sum: total(U.spend[unit][name]) }));
  const all = total(rows.map((row) => row.sum));
  const updates = Math.max(1, U.step.length);
  return tableOf([
    { name: "for", cell: (row) => [row.color && h("i", { class: `swatch ${row.color}` }), PURPOSE_TEXT[row.name] || row.name] },
    { name: UNITS[unit].name, right: true, cell: (row) => UNITS[unit].write(row.sum) },
    { name: "share", right: true, cell: (row) => `${fmt((100 * row.sum) / all, 3)} %` },
    { name: `an update (n = ${U.step.length})`, right: true, cell: (row) => (row.name === "test" || row.name === "together" ? "" : unit === "trials" ? fmt(row.sum / updates, 3) : UNITS[unit].write(row.sum / updates)) },
  ], [...rows, { name: "together", sum: all }], { label: "Spending by purpose" });
}
