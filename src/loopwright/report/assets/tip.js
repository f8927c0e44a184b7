// One tooltip for the whole page. It never takes the pointer, and Escape puts it away.

const tip = document.getElementById("tip");

/** Show `content` (nodes) near a point of the window. */
function showTip(x, y, ...content) {
  clear(tip, content);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 14 + box.width > innerWidth ? x - 14 - box.width : x + 14;
  const top = y + 16 + box.height > innerHeight ? y - 12 - box.height : y + 16;
  tip.style.transform = `translate(${Math.max(4, Math.min(left, innerWidth - box.width - 4))}px, ${Math.max(4, top)}px)`;
}

function hideTip() {
  tip.hidden = true;
}

addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
addEventListener("scroll", hideTip, { passive: true });

/** Rows of a tooltip: [name, value, swatch class]. */
function tipRows(title, rows) {
  return [
    h("strong", null, title),
    h("table", null, rows.map(([name, value, swatch]) => h("tr", null,
      h("th", null, swatch && h("i", { class: `swatch ${swatch}` }), name), h("td", null, value)))),
  ];
}
