// The candidates: the tree of descent drawn by update and score, and two of them side by side.

function showCandidates(name) {
  const [wanted, against] = name.split("..");
  const found = C.id.indexOf(wanted);
  const chosen = found >= 0 ? found : DATA.best;
  const other = C.id.indexOf(against) >= 0 ? C.id.indexOf(against) : C.parent[chosen] >= 0 ? C.parent[chosen] : -1;
  const rows = C.id.map((id, i) => ({ key: id, i }));
  const list = h("div");
  const line = new Set(lineage(DATA.best));
  const fill = (which) => clear(list, tableOf([
    { name: "candidate", cell: ({ i }) => candidateName(i) },
    { name: "made by", cell: ({ i }) => (i === DATA.start ? "you" : h("a", { href: `#updates/${C.step[i]}` }, `update ${C.step[i]}`)) },
    { name: "parent", cell: ({ i }) => candidateLink(C.parent[i]) },
    { name: "validation", right: true, cell: ({ i }) => meanOf(i, "validation") },
    { name: "test", right: true, cell: ({ i }) => meanOf(i, "test") },
    { name: "", cell: ({ i }) => (C.accepted[i] ? h("span", { class: "pill good" }, i === DATA.start ? "start" : "accepted") : h("span", { class: "pill" }, "not kept")) },
  ], rows.filter(({ i }) => which === "all" || (which === "accepted" ? C.accepted[i] : line.has(i))),
  { open: ({ key }) => { location.hash = `candidates/${key}`; }, chosen: ({ i }) => i === chosen, label: "Candidates" }));
  fill("lineage");
  clear(body("candidates"),
    card("Descent", "Each candidate at the update that made it and its mean validation score; a line leads to its parent. Filled: accepted. The thick line leads from the start to the best. Those below the axis were not run on the validation split.", tree(chosen)),
    compareCard(chosen, other),
    card("Candidates", null, choice("Show", [["lineage", "line of the best"], ["accepted", "accepted"], ["all", `all ${C.id.length}`]], "lineage", fill), list));
}

/** From the start to a candidate. */
function lineage(place) {
  const found = [];
  for (let at = place; at >= 0 && !found.includes(at); at = C.parent[at]) found.unshift(at);
  return found;
}

function tree(chosen) {
  const holder = h("div", { class: "plot tree" });
  let at = chosen;
  drawn(holder, (width) => {
    const height = Math.max(300, Math.min(380, Math.round(width * 0.42)));
    const lost = C.validation.some((value) => value === null);
    const [low, high] = extent(C.validation);
    const frame = { left: Math.max(40, 14 + 7 * Math.max(...ticks(low, high, 5).map((value) => fmt(value).length))), top: 30, right: width - 12, bottom: height - (lost ? 84 : 42) };
    const x = scale(0, Math.max(1, ...C.step), frame.left, frame.right);
    const y = scale(low, high, frame.bottom, frame.top);
    const spot = (i) => [x(C.step[i]), C.validation[i] === null ? frame.bottom + 42 + ((i * 7) % 11) - 5 : y(C.validation[i])];
    const edge = (i, extra) => {
      const [x1, y1] = spot(C.parent[i]);
      const [x2, y2] = spot(i);
      return s("path", { class: `edge ${extra}`, d: `M${x1},${y1}C${(x1 + x2) / 2},${y1} ${(x1 + x2) / 2},${y2} ${x2},${y2}` });
    };
    const line = lineage(DATA.best);
    const r = C.id.length > 300 ? 2.4 : C.id.length > 80 ? 3.2 : 4.4;
    const marks = C.id.map((_, i) => {
      const [cx, cy] = spot(i);
      const kind = i === DATA.best ? "best" : C.accepted[i] ? "kept" : "lost";
      return s("circle", { class: `node ${kind}`, cx, cy, r: i === DATA.best || i === DATA.start ? r + 1.6 : r });
    });
    const ring = s("circle", { class: "ring", r: r + 5 });
    const names = { x: "update", y: `mean validation score${C.validation_n[DATA.start] ? ` · n = ${C.validation_n[DATA.start]}` : ""}` };
    const root = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, tabindex: "0", role: "img", class: "opens", "aria-label": `Tree of ${C.id.length} candidates. Arrow keys move from candidate to candidate, Enter opens one.` },
      axes({ ...frame, bottom: frame.bottom }, x, y, { x: "", y: names.y }),
      s("text", { class: "name", x: frame.right, y: height - (lost ? 12 : 6), "text-anchor": "end" }, names.x),
      lost && s("text", { class: "name", x: frame.left, y: height - 12 }, "not run on validation"),
      C.parent.map((parent, i) => parent >= 0 && edge(i, C.accepted[i] ? "kept" : "")),
      line.slice(1).map((i) => edge(i, "line")), marks, ring);
    const place = (i, clientX, clientY) => {
      at = i;
      const [cx, cy] = spot(i);
      ring.setAttribute("cx", cx);
      ring.setAttribute("cy", cy);
      if (clientX === undefined) return;
      const box = root.getBoundingClientRect();
      const rows = [["made by", i === DATA.start ? "you (start)" : `update ${C.step[i]}`], ["validation", meanOf(i, "validation")], ["test", meanOf(i, "test")], ["", C.accepted[i] ? "accepted" : "not kept"]];
      showTip(clientX ?? box.left + cx, clientY ?? box.top + cy, tipRows(candidateName(i), rows));
      if (clientX === null) say(`${candidateName(i)}: ${rows.map((row) => row.join(" ")).join(", ")}`);
    };
    const nearest = (event) => {
      const box = root.getBoundingClientRect();
      let found = 0;
      let least = Infinity;
      C.id.forEach((_, i) => {
        const [cx, cy] = spot(i);
        const far = (cx - event.clientX + box.left) ** 2 + (cy - event.clientY + box.top) ** 2;
        if (far < least) { least = far; found = i; }
      });
      return found;
    };
    place(at);
    root.addEventListener("pointermove", (event) => place(nearest(event), event.clientX, event.clientY));
    root.addEventListener("pointerleave", () => { hideTip(); place(chosen); });
    root.addEventListener("blur", hideTip);
    root.addEventListener("click", (event) => { location.hash = `candidates/${C.id[nearest(event)]}`; });
    root.addEventListener("keydown", (event) => {
      const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: C.id.length - 1, ArrowUp: C.parent[at] }[event.key];
      if (next !== undefined) { event.preventDefault(); if (next >= 0 && next < C.id.length) place(next, null, null); }
      else if (event.key === "Enter") location.hash = `candidates/${C.id[at]}`;
    });
    clear(holder, root);
  });
  return holder;
}

/** A candidate beside another: its descent, and the parameters in which they differ. */
function compareCard(chosen, other) {
  const select = (label, value, options, pick) => h("label", null, label, " ", h("select", { onchange: (event) => pick(Number(event.currentTarget.value)) },
    options.map(([i, name]) => h("option", { value: i, selected: i === value }, name))));
  const named = [[DATA.start, "start"], [DATA.best, "best"], [C.parent[chosen], "its parent"]].filter(([i]) => i >= 0 && i !== chosen);
  const offered = new Map(named.map(([i, word]) => [i, `${word} ${C.id[i].slice(0, 8)}`]));
  for (const i of lineage(chosen)) if (i !== chosen && !offered.has(i)) offered.set(i, `update ${C.step[i]} ${C.id[i].slice(0, 8)}`);
  if (other >= 0 && !offered.has(other)) offered.set(other, candidateName(other));
  const holder = h("div", { class: "changes" }, h("p", { class: "none" }, "…"));
  const show = (which) => {
    if (which === "texts") wholeTexts(chosen).then((views) => clear(holder, views));
    else if (other < 0) clear(holder, h("p", { class: "none" }, "This is where the run began: there is nothing to compare it with."));
    else changes(other, chosen).then((views) => clear(holder, views));
  };
  show(other < 0 ? "texts" : "diff");
  const path = lineage(chosen);
  const steps = path.length > 7 ? [...path.slice(0, 2), null, ...path.slice(-4)] : path;
  return h("div", { class: "card", id: "candidate" },
    h("h2", null, `Candidate ${candidateName(chosen)}`),
    h("dl", { class: "inline" },
      h("div", null, h("dt", null, "made by"), h("dd", null, chosen === DATA.start ? "you" : h("a", { href: `#updates/${C.step[chosen]}` }, `update ${C.step[chosen]}`))),
      h("div", null, h("dt", null, "validation mean"), h("dd", null, meanOf(chosen, "validation"))),
      h("div", null, h("dt", null, "test mean"), h("dd", null, meanOf(chosen, "test"))),
      h("div", null, h("dt", null, "descent"), h("dd", { class: "path" }, steps.map((i) => (i === null ? h("span", null, `… ${path.length - 6} more …`) : i === chosen ? h("b", null, candidateName(i)) : candidateLink(i)))))),
    h("div", { class: "choices" },
      other >= 0 && select("Compare with", other, [...offered], (i) => { location.hash = `candidates/${C.id[chosen]}..${C.id[i]}`; }),
      choice("Show", other >= 0 ? [["diff", "what changed"], ["texts", "whole texts"]] : [["texts", "whole texts"]], other >= 0 ? "diff" : "texts", show)),
    holder);
}

/** What differs between two candidates, a diff for each parameter. */
async function changes(before, after) {
  const views = await Promise.all(DATA.parameters.map(async (parameter, place) => {
    const [a, b] = [C.texts[before][place], C.texts[after][place]];
    if (a === b) return null;
    return [h("h4", null, parameter.what, h("small", null, ` ${parameter.file}:${parameter.line}`)), diffView(await text(a), await text(b), [candidateName(before), candidateName(after)])];
  }));
  const there = views.filter(Boolean);
  const alike = DATA.parameters.length - there.length;
  return [...there, there.length === 0 && h("p", { class: "none" }, "No difference."), there.length > 0 && alike > 0 && h("p", { class: "none" }, `${count(alike, "parameter")} alike.`)];
}

async function wholeTexts(place) {
  return DATA.parameters.map((parameter, n) => [h("h4", null, parameter.what, h("small", null, ` ${parameter.file}:${parameter.line}`)), textBlock(C.texts[place][n])]);
}
