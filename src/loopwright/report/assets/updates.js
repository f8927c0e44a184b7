// The updates: a table of all, and everything about the one that is opened.

function showUpdates(name) {
  const place = U.step.indexOf(Number(name));
  const rows = U.step.map((step, i) => ({ key: step, i }));
  const filters = [["all", "all"], ["accepted", "accepted"], ["refused", "not kept"]];
  const list = h("div");
  const fill = (which) => {
    const kept = rows.filter(({ i }) => which === "all" || (U.verdict[i] === "accepted") === (which === "accepted"));
    clear(list, tableOf([
      { name: "update", cell: ({ i }) => U.step[i] },
      { name: "parent", cell: ({ i }) => candidateLink(U.parent[i]) },
      { name: "parent on batch", right: true, cell: ({ i }) => h("span", { title: `n = ${U.batch_n[i]}` }, fmt(U.batch[i])) },
      { name: "child", cell: ({ i }) => candidateLink(U.child[i]) },
      { name: "child vs parent", right: true, cell: ({ i }) => (U.score[i] === null ? "–" : `${fmt(U.score[i])} vs ${fmt(U.parent_score[i])}`) },
      { name: "verdict", cell: ({ i }) => verdictOf(U.verdict[i]) },
      { name: "best so far", right: true, cell: ({ i }) => [fmt(U.best_score[i]), U.best[i] >= 0 && U.best[i] !== (i ? U.best[i - 1] : DATA.start) && h("b", { class: "new" }, " new")] },
    ], kept, { open: ({ key }) => { location.hash = `updates/${key}`; }, chosen: ({ key }) => key === U.step[place], label: "All updates" }));
  };
  fill("all");
  const detail = h("div", { id: "update", tabindex: "-1" });
  if (place >= 0) openUpdate(detail, place);
  clear(body("updates"), detail, card("All updates", `Scores are means. Parent on batch: the edited candidate on the examples whose trials the optimizer was shown. Child vs parent: both on ${DATA.compared_on}. Choose an update to see its evidence, the reply and the verdict.`, choice("Show", filters, "all", fill), list));
  if (place >= 0) detail.focus({ preventScroll: true });
}

/** Verdicts that are no fault of the reply: the gate said no, or has not spoken yet. */
const MILD = new Set(["no better", "worse", "outdone", "under way", "not finished"]);

function verdictOf(verdict) {
  return h("span", { class: `pill ${verdict === "accepted" ? "good" : MILD.has(verdict) ? "" : "bad"}` }, verdict);
}

async function openUpdate(holder, place) {
  const step = U.step[place];
  const go = (to, name) => h("a", { class: to >= 0 && to < U.step.length ? "step" : "step off", href: to >= 0 && to < U.step.length ? `#updates/${U.step[to]}` : null, "aria-disabled": to >= 0 && to < U.step.length ? null : "true" }, name);
  clear(holder, h("div", { class: "card" }, h("div", { class: "bar" },
    h("h2", null, `Update ${step} `, verdictOf(U.verdict[place])), h("p", null, go(place - 1, "← before"), go(place + 1, "after →")))));
  const detail = await json(U.detail[place]);
  const parts = holder.firstChild;
  parts.append(
    h("dl", { class: "inline" },
      h("div", null, h("dt", null, "parent"), h("dd", null, candidateLink(U.parent[place]))),
      h("div", null, h("dt", null, "parent on batch"), h("dd", null, `${fmt(U.batch[place])} (n = ${U.batch_n[place]} trials)`)),
      h("div", null, h("dt", null, "child vs parent"), h("dd", null, U.score[place] === null ? "not run" : `${fmt(U.score[place])} vs ${fmt(U.parent_score[place])} on ${DATA.compared_on}`)),
      h("div", null, h("dt", null, "verdict"), h("dd", null, detail.reason || U.verdict[place]))));
  if (detail.failure) parts.append(h("p", { class: "note bad" }, `This update came to nothing: ${detail.failure}.`));
  if (detail.reverted) parts.append(h("p", { class: "note" }, "The search went back to an earlier candidate before this update."));
  parts.append(...detail.proposals.map((proposal, n) => proposalView(detail, proposal, n)));
  parts.append(fold(`Trials (${detail.trials.length})`, () => trialsTable(detail.trials), detail.trials.length > 0 && detail.trials.length <= 12));
  if (U.evidence[place] !== null) {
    const tokens = Object.values(detail.tokens).reduce((a, b) => a + b, 0);
    const sections = Object.entries(detail.tokens).map(([name, n]) => `${name} ${whole(n)}`).join(", ");
    parts.append(fold(`Evidence: ${detail.template}, ${whole(tokens)} tokens (${sections})`, () => textBlock(U.evidence[place])));
  }
  detail.calls.forEach((call, n) => {
    const cost = `${whole(call.input)} tokens in, ${whole(call.output)} out${call.usd ? `, ${usd(call.usd)}` : ""}, ${seconds(call.seconds)}${call.cached ? ", from the cache" : ""}`;
    parts.append(fold(`Model call ${n + 1}: ${call.model}, ${cost}`, () => [
      h("h4", null, "Asked"), promptView(U.prompts[place][n] || [], U.evidence[place]),
      h("h4", null, call.replies.length > 1 ? "Replies" : "Reply"), call.replies.map(textBlock)]));
  });
}

function proposalView(detail, proposal, n) {
  const child = detail.children.find((each) => each.candidate === proposal.candidate && proposal.candidate >= 0);
  const outcome = proposal.refused || (child ? child.outcome : detail.verdict);
  const title = [detail.proposals.length > 1 ? `Proposal ${n + 1} ` : "Proposal ", verdictOf(outcome), " ", proposal.candidate >= 0 && candidateLink(proposal.candidate)];
  // Of several proposals the one that was kept is shown, the others open on demand.
  if (detail.proposals.length > 2 && outcome !== "accepted") return fold(title, () => proposalBody(proposal, child));
  return h("div", { class: "proposal" }, h("h3", null, title), proposalBody(proposal, child));
}

function proposalBody(proposal, child) {
  const view = h("div", null,
    (proposal.reason || (child && child.reason)) && h("p", { class: "why" }, proposal.reason || child.reason),
    proposal.rationale && h("blockquote", null, proposal.rationale));
  const changed = Object.entries(proposal.texts);
  if (changed.length && proposal.parent >= 0) {
    const diffs = h("div");
    view.append(diffs);
    Promise.all(changed.map(async ([name, number]) => {
      const place = DATA.parameters.findIndex((each) => each.name === name);
      const before = place < 0 ? "" : await text(C.texts[proposal.parent][place]);
      return [h("h4", null, name), diffView(before, await text(number), ["parent", "proposal"])];
    })).then((views) => clear(diffs, views));
  }
  if (proposal.reply !== null) view.append(fold("The reply", () => textBlock(proposal.reply), true));
  return view;
}

function promptView(pieces, evidence) {
  if (!pieces.length) return h("p", { class: "none" }, "Not kept.");
  return pieces.map((piece) => (piece === -2 ? fold("… here stood the evidence …", () => textBlock(evidence)) : textBlock(piece)));
}

function trialsTable(trials) {
  return tableOf([
    { name: "role", cell: (trial) => trial.role },
    { name: "example", cell: (trial) => `${trial.split} ${trial.index}` },
    { name: "candidate", cell: (trial) => candidateLink(trial.candidate) },
    { name: "score", right: true, cell: (trial) => fmt(trial.score) },
    { name: "feedback", cell: (trial) => feedbackView(trial) },
    { name: "time", right: true, cell: (trial) => seconds(trial.seconds) },
    ...(trials.some((trial) => trial.tokens) ? [{ name: "tokens", right: true, cell: (trial) => whole(trial.tokens) }] : []),
  ], trials, { label: "Trials" });
}

function feedbackView(trial) {
  const holder = h("div", { class: "feedback" }, trial.error && h("span", { class: "pill bad" }, trial.error));
  const metrics = Object.entries(trial.metrics || {});
  if (metrics.length) holder.append(h("span", { class: "metrics" }, metrics.map(([name, value]) => `${name} ${fmt(value)}`).join(" · ")));
  if (trial.text !== null) {
    const pre = h("pre", null, "…");
    holder.append(pre);
    text(trial.text).then((found) => { pre.textContent = found; });
  }
  return holder;
}

/** A part that opens, its content made when it is first opened. */
function fold(title, make, open = false) {
  const details = h("details", { open }, h("summary", null, title));
  const fillOnce = () => { if (details.open && details.childElementCount === 1) add(details, [make()]); };
  details.addEventListener("toggle", fillOnce);
  fillOnce();
  return details;
}

function textBlock(number) {
  const pre = h("pre", { class: "text", tabindex: "0" }, "…");
  const copy = h("button", { type: "button", class: "copy quiet", onclick: () => copyText(pre, copy) }, "Copy");
  text(number).then((found) => { pre.textContent = found || "(empty)"; });
  return h("div", { class: "block" }, copy, pre);
}

/** Select the text, and copy it where the browser allows that of a file. */
async function copyText(pre, button) {
  getSelection().selectAllChildren(pre);
  try {
    await navigator.clipboard.writeText(pre.textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Selected: press Ctrl-C";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2500);
}
