// How numbers and names are written.

function fmt(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 10000) return Math.round(value).toLocaleString("en");
  if (size < 0.001) return minus(value.toExponential(2));
  return minus(String(Number(value.toPrecision(digits))));
}

function minus(written) {
  return written.replace("-", "−");
}

function signed(value) {
  return value > 0 ? `+${fmt(value, 3)}` : fmt(value, 3);
}

function whole(value) {
  return Math.round(value).toLocaleString("en");
}

function usd(value) {
  return value >= 1 || value === 0 ? `$${value.toFixed(2)}` : `$${Number(value.toPrecision(3))}`;
}

function seconds(value) {
  if (value < 10) return `${fmt(value, 2)} s`;
  if (value < 120) return `${Math.round(value)} s`;
  const minutes = Math.floor(value / 60);
  return minutes < 120 ? `${minutes} min ${Math.round(value % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "3 examples": a count with its thing. */
function count(n, thing) {
  return `${n.toLocaleString("en")} ${thing}${n === 1 ? "" : "s"}`;
}

/** A unit of spending, written out. */
const UNITS = {
  trials: { name: "trials", write: whole },
  calls: { name: "model calls", write: whole },
  tokens: { name: "tokens", write: whole },
  usd: { name: "US dollars", write: usd },
  seconds: { name: "seconds of work, all slots together", write: seconds },
};
