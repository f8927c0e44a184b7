// Making elements. Texts become text nodes: nothing here, or anywhere in the report, parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. Attributes beginning with "on" are listeners; null and false attributes and children are left out. */
function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

function clear(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

function card(title, sub, ...children) {
  return h("div", { class: "card" }, title && h("h2", null, title), sub && h("p", { class: "sub" }, sub), children);
}

/** Say something to those who listen to the page. */
function say(text) {
  document.getElementById("live").textContent = text;
}

function body(id) {
  return document.querySelector(`#panel-${id} > .body`);
}

/** A choice of one among few, as a row of buttons; `pick` is called with the value. */
function choice(label, options, value, pick) {
  const buttons = options.map(([key, name]) =>
    h("button", { type: "button", "aria-pressed": String(key === value), onclick: () => choose(key) }, name));
  const choose = (key) => {
    options.forEach(([other], place) => buttons[place].setAttribute("aria-pressed", String(other === key)));
    pick(key);
  };
  return h("div", { class: "choice", role: "group", "aria-label": label }, h("span", null, label), buttons);
}
