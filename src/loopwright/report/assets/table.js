// A table that shows its first rows and more on demand, so that a thousand rows cost nothing before they are wanted.

/** columns: [{ name, right, cell: (row) => node or text }]; `open` is called with the row that is clicked. */
function tableOf(columns, rows, { open = null, chosen = null, page = 60, label = "" } = {}) {
  const tbody = h("tbody");
  const more = h("button", { type: "button", class: "quiet more" });
  let made = 0;
  const extend = (n) => {
    for (const row of rows.slice(made, made + n)) {
      tbody.append(h("tr", {
        class: open ? "opens" : null, "data-row": row.key ?? null, "aria-current": chosen && chosen(row) ? "true" : null,
        onclick: open && ((event) => { if (!event.target.closest("a, button")) open(row); }),
      }, columns.map((column, place) => {
        const content = column.cell(row);
        const inner = open && place === 0 ? h("button", { type: "button", class: "link", onclick: () => open(row) }, content) : content;
        return h("td", { class: column.right ? "right" : null, "data-name": column.name }, inner);
      })));
    }
    made = Math.min(rows.length, made + n);
    more.hidden = made >= rows.length;
    more.textContent = `Show ${Math.min(500, rows.length - made)} more of ${rows.length.toLocaleString("en")}`;
  };
  more.addEventListener("click", () => extend(500));
  extend(page);
  return h("div", { class: "scroll" },
    h("table", { "aria-label": label || null },
      h("thead", null, h("tr", null, columns.map((column) => h("th", { scope: "col", class: column.right ? "right" : null }, column.name)))), tbody),
    more);
}
