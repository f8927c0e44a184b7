// The data of the page, and its long texts, which are inflated a chunk at a time when they are looked at.

const DATA = JSON.parse(document.getElementById("data").textContent);
const LEFT_OUT = -1;
const inflated = new Map();

async function inflate(chunk) {
  const packed = Uint8Array.from(atob(document.getElementById(`chunk-${chunk}`).textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The text with this number. */
async function text(number) {
  if (number === LEFT_OUT) return "[This text is not in this file, to keep it small; the run's folder has it: loopwright show RUN --step N --evidence]";
  const [chunk, start, length] = DATA.places[number];
  if (!inflated.has(chunk)) {
    if (inflated.size >= 12) inflated.delete(inflated.keys().next().value);
    inflated.set(chunk, inflate(chunk));
  }
  return new TextDecoder().decode((await inflated.get(chunk)).subarray(start, start + length));
}

async function json(number) {
  return JSON.parse(await text(number));
}
