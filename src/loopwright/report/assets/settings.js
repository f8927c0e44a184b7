// The settings stand in the page as plain HTML; here they get a field to search them by.

function showSettings() {
  const rows = [...document.querySelectorAll("#panel-settings tr")];
  const filter = (wanted) => {
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted.toLowerCase());
    for (const part of document.querySelectorAll("#panel-settings > .card")) part.hidden = ![...part.querySelectorAll("tr")].some((row) => !row.hidden);
  };
  const field = h("input", { type: "search", placeholder: "Search the settings", "aria-label": "Search the settings", oninput: (event) => filter(event.currentTarget.value) });
  const holder = document.getElementById("panel-settings");
  if (!holder.querySelector("input")) holder.prepend(h("p", { class: "search" }, field));
}
