// Tabs, the address (#tab/what), and light or dark. Each tab is made when it is first looked at.

const MAKERS = document.documentElement.dataset.kind === "run"
  ? { overview: showOverview, updates: showUpdates, candidates: showCandidates, examples: showHeat, spend: showSpend, settings: showSettings }
  : studyMakers();
const tabs = [...document.querySelectorAll("[role=tab]")];
const made = new Map();

function showTab(id, what) {
  for (const tab of tabs) {
    const chosen = tab.id === `tab-${id}`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    document.getElementById(`panel-${tab.id.slice(4)}`).hidden = !chosen;
    if (chosen) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  hideTip();
  if (made.get(id) !== what) {
    made.set(id, what);
    MAKERS[id](what);
  }
}

function route(first = false) {
  const [id, what = ""] = decodeURIComponent(location.hash.slice(1)).split("/");
  if (id in MAKERS) {
    showTab(id, what);
    const top = document.querySelector(".tabs").offsetTop;
    if (!first && what && scrollY > top) scrollTo({ top });
    else if (first && what) scrollTo({ top });
  } else if (first || !id) showTab("overview", "");
}

tabs.forEach((tab, place) => {
  tab.addEventListener("click", () => {
    const id = tab.id.slice(4);
    const what = made.get(id);
    location.hash = what ? `${id}/${what}` : id;
  });
  tab.addEventListener("keydown", (event) => {
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const other = tabs[(next + tabs.length) % tabs.length];
    other.focus();
    other.click();
  });
});

const dark = matchMedia("(prefers-color-scheme: dark)");
document.getElementById("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  if (typeof repaint === "function") repaint();
});
dark.addEventListener("change", () => { if (typeof repaint === "function") repaint(); });
addEventListener("hashchange", () => route());
route(true);
