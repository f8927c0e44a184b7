// Two texts side by side: lines that differ, and within a changed line what differs. On a narrow page one below the other.

const CONTEXT = 3;
const MOST_EDITS = 800; // beyond it lines are compared no further: everything between is one change

/** Line differences by Myers' algorithm: [[op, left, right]] with op "same", "cut" or "new" and line numbers from 0. */
function lineDiff(a, b) {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const found = [];
  for (let i = 0; i < head; i += 1) found.push(["same", i, i]);
  for (const [op, i, j] of middleDiff(a.slice(head, a.length - tail), b.slice(head, b.length - tail))) {
    found.push([op, i === null ? null : i + head, j === null ? null : j + head]);
  }
  for (let i = tail; i > 0; i -= 1) found.push(["same", a.length - i, b.length - i]);
  return found;
}

function middleDiff(a, b) {
  const n = a.length;
  const m = b.length;
  const most = Math.min(n + m, MOST_EDITS);
  const trace = [];
  let v = new Map([[1, 0]]);
  for (let d = 0; d <= most; d += 1) {
    trace.push(new Map(v));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (v.get(k - 1) ?? -1) < (v.get(k + 1) ?? -1));
      let i = down ? v.get(k + 1) ?? 0 : (v.get(k - 1) ?? 0) + 1;
      while (i < n && i - k < m && a[i] === b[i - k]) i += 1;
      v.set(k, i);
      if (i >= n && i - k >= m) return backtrack(trace, a, b, d);
    }
  }
  return [...a.map((_, i) => ["cut", i, null]), ...b.map((_, j) => ["new", null, j])];
}

function backtrack(trace, a, b, last) {
  const found = [];
  let i = a.length;
  let j = b.length;
  for (let d = last; d >= 0; d -= 1) {
    const v = trace[d];
    const k = i - j;
    const down = k === -d || (k !== d && (v.get(k - 1) ?? -1) < (v.get(k + 1) ?? -1));
    const before = down ? k + 1 : k - 1;
    const pi = v.get(before) ?? 0;
    const pj = pi - before;
    while (i > pi && j > pj && i > 0 && j > 0) found.push(["same", (i -= 1), (j -= 1)]);
    if (d === 0) break;
    if (down) found.push(["new", null, (j -= 1)]);
    else found.push(["cut", (i -= 1), null]);
  }
  return found.reverse();
}

/** Rows of the picture: cut lines stand beside the new ones that took their place. */
function diffRows(a, b) {
  const rows = [];
  let cut = [];
  let fresh = [];
  const flush = () => {
    for (let n = 0; n < Math.max(cut.length, fresh.length); n += 1) rows.push(["change", cut[n] ?? null, fresh[n] ?? null]);
    cut = [];
    fresh = [];
  };
  for (const [op, i, j] of lineDiff(a, b)) {
    if (op === "cut") cut.push(i);
    else if (op === "new") fresh.push(j);
    else { flush(); rows.push(["same", i, j]); }
  }
  flush();
  return rows;
}

/** The element that shows how `before` became `after`. */
function diffView(before, after, names = ["before", "after"]) {
  const a = before.split("\n");
  const b = after.split("\n");
  const rows = diffRows(a, b);
  const view = h("div", { class: "diff", role: "table", "aria-label": `${names[0]} beside ${names[1]}` },
    h("div", { class: "row head", role: "row" }, h("div", { role: "columnheader" }, names[0]), h("div", { role: "columnheader" }, names[1])));
  if (before === after) { view.append(h("p", { class: "none" }, "No difference.")); return view; }
  let at = 0;
  while (at < rows.length) {
    if (rows[at][0] === "change") { view.append(diffRow(rows[at], a, b)); at += 1; continue; }
    let end = at;
    while (end < rows.length && rows[end][0] === "same") end += 1;
    const first = at === 0 ? at : at + CONTEXT;
    const last = end === rows.length ? end : end - CONTEXT;
    if (last - first <= 2) for (; at < end; at += 1) view.append(diffRow(rows[at], a, b));
    else {
      for (let n = at; n < first; n += 1) view.append(diffRow(rows[n], a, b));
      const hidden = rows.slice(first, last);
      const fold = h("button", { type: "button", class: "fold", onclick: () => fold.replaceWith(...hidden.map((row) => diffRow(row, a, b))) },
        `⋯ ${count(hidden.length, "line")} alike`);
      view.append(fold);
      for (let n = last; n < end; n += 1) view.append(diffRow(rows[n], a, b));
      at = end;
    }
  }
  return view;
}

function diffRow([kind, i, j], a, b) {
  const [left, right] = kind === "change" && i !== null && j !== null ? marked(a[i], b[j]) : [i === null ? "" : a[i], j === null ? "" : b[j]];
  const side = (name, line, content, sign) => h("div", { class: `side ${name}${line === null ? " empty" : ""}`, role: "cell" },
    h("span", { class: "line" }, line === null ? "" : line + 1), h("span", { class: "sign", "aria-label": sign === "−" ? "removed" : sign === "+" ? "added" : null }, line === null ? "" : sign),
    h("code", null, content));
  return h("div", { class: `row ${kind}`, role: "row" },
    side("left", i, left, kind === "change" ? "−" : ""), side("right", j, right, kind === "change" ? "+" : ""));
}

/** Two lines with what differs between their common beginning and end marked. */
function marked(left, right) {
  let head = 0;
  while (head < left.length && head < right.length && left[head] === right[head]) head += 1;
  let tail = 0;
  while (tail < left.length - head && tail < right.length - head && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail += 1;
  if (head + tail < Math.min(left.length, right.length) * 0.2) return [left, right];
  const parts = (line) => [line.slice(0, head), line.length > head + tail && h("mark", null, line.slice(head, line.length - tail)), line.slice(line.length - tail)];
  return [parts(left), parts(right)];
}
