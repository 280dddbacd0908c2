// The map one can touch: whom does a word look at? An anywidget module (render gets a model with `data`) that needs
// neither a kernel nor a network: a page without Jupyter gives it { get: () => data } for a model.
// data: { kind, sides, names, examples: [{ title, queries, keys, maps, gold, mask, note, picture, grid }], d_k }
// maps[m][q][k] are weights, or with d_k products q·k, from which weights are made here. True in mask = may attend.

const CIVIDIS = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120],
  [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56]];
const SVG = "http://www.w3.org/2000/svg";
let count = 0;

function colour(w) {
  const x = Math.min(Math.max(w, 0), 1) * (CIVIDIS.length - 1), i = Math.min(Math.floor(x), CIVIDIS.length - 2);
  return `rgb(${CIVIDIS[i].map((a, c) => Math.round(a + (x - i) * (CIVIDIS[i + 1][c] - a))).join(",")})`;
}

function make(tag, attributes = {}, ...children) {
  const made = tag.startsWith("svg:") ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// Arrow keys and letters belong to the map while it has the focus, not to the notebook's shortcuts. Notebook 7 looks for a
// shortcut before any listener but the window's, and from the element with the focus outwards.
function keepKeys(root) {
  const notebooks = (event) => event.key === "Escape" || event.shiftKey || event.ctrlKey;
  window.addEventListener("keydown", (event) => {
    if (root.contains(event.target)) event.target.toggleAttribute("data-lm-suppress-shortcuts", !notebooks(event));
  }, true);
  root.addEventListener("keydown", (event) => { if (!notebooks(event)) event.stopPropagation(); });
}

// Weights (queries, keys) of one map, with or without the scale and the mask. A row that may ask nobody is zeros.
function weightsOf(data, example, map, scale, masked) {
  const rows = example.maps[map];
  if (!data.d_k) return rows;
  return rows.map((row, q) => {
    const scores = row.map((s) => (scale ? s / Math.sqrt(data.d_k) : s));
    const may = row.map((_, k) => !masked || !example.mask || example.mask[q][k]);
    const highest = Math.max(...scores.filter((_, k) => may[k]));
    const powers = scores.map((s, k) => (may[k] ? Math.exp(s - highest) : 0));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((p) => (sum > 0 ? p / sum : 0));
  });
}

// A group of which one member is chosen: tab reaches it, arrow keys, Home and End move in it, a click chooses.
function oneOf(label, members, chosen, choose, preview) {
  const group = make("div", { class: "lk-group", role: "radiogroup", "aria-label": label });
  const pick = (i) => { choose(i); group.children[i].focus(); };
  members.forEach((content, i) => {
    const on = i === chosen;
    group.append(make("span", {
      role: "radio", class: "lk-one", "aria-checked": String(on), tabindex: on ? 0 : -1,
      onclick: () => pick(i), onmouseenter: preview && (() => preview(i)), onmouseleave: preview && (() => preview(null)),
    }, ...content));
  });
  group.addEventListener("keydown", (event) => {
    const now = [...group.children].indexOf(document.activeElement), last = members.length - 1;
    const to = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: last }[event.key];
    if (to === undefined || now < 0) return;
    event.preventDefault();
    pick(Math.min(Math.max(to, 0), last));
  });
  return group;
}

function mark(group, chosen) {
  [...group.children].forEach((member, i) => {
    member.setAttribute("aria-checked", String(i === chosen));
    member.tabIndex = i === chosen ? 0 : -1;
  });
}

function inWords(example, weights, q, sides, where) {
  const row = weights[q], order = row.map((_, k) => k).sort((a, b) => row[b] - row[a]);
  const gold = example.gold.filter(([i]) => i === q).map(([, k]) => k);
  const key = (k) => (example.keys ? `“${example.keys[k]}”` : `row ${Math.floor(k / example.grid[1]) + 1}, column ${k % example.grid[1] + 1}`);
  let said = `“${example.queries[q]}” (${sides[0]} ${q + 1}) `;
  if (row.every((w) => w === 0)) said += "may look at nothing";
  else said += `looks at ${key(order[0])} most (${row[order[0]].toFixed(2)})`;
  if (row.length > 1 && row[order[1]] > 0) said += `, then at ${key(order[1])} (${row[order[1]].toFixed(2)})`;
  if (gold.length) said += `; on gold lies ${gold.reduce((sum, k) => sum + row[k], 0).toFixed(2)}`;
  return `${where}${said}.`;
}

function thumbnail(weights) {
  const canvas = make("canvas", { width: weights[0].length, height: weights.length, "aria-hidden": "true" });
  const paint = canvas.getContext("2d");
  weights.forEach((row, q) => row.forEach((w, k) => { paint.fillStyle = colour(w); paint.fillRect(k, q, 1, 1); }));
  return canvas;
}

function shadedWords(example, weights, q) {
  const gold = new Set(example.gold.filter(([i]) => i === q).map(([, k]) => k));
  return example.keys.map((word, k) => make("span", {
    class: gold.has(k) ? "lk-key lk-gold" : "lk-key", style: `background: rgba(0, 114, 178, ${(0.55 * weights[q][k]).toFixed(2)})`,
  }, word, make("small", {}, weights[q][k].toFixed(2) + (gold.has(k) ? " gold" : ""))));
}

function drawLines(svg, from, keys, row) {
  const frame = svg.parentNode.getBoundingClientRect(), a = from.getBoundingClientRect();
  svg.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
  svg.replaceChildren(...row.map((w, k) => {
    const b = keys[k].getBoundingClientRect();
    return make("svg:line", {
      x1: a.left + a.width / 2 - frame.left, y1: a.bottom - frame.top, x2: b.left + b.width / 2 - frame.left, y2: b.top - frame.top,
      "stroke-width": 1 + 5 * w, "stroke-opacity": w < 0.02 ? 0 : 0.15 + 0.85 * w,
    });
  }));
}

// The whole map as cells: rows are queries, columns are keys, gold outlined, the chosen row framed.
function grid(example, weights, q, sides, choose, preview) {
  const Q = weights.length, T = weights[0].length, cell = Math.max(9, Math.min(22, Math.floor(620 / T)));
  const longest = (words) => Math.max(...words.map((word) => word.length));
  const left = 30 + 6.6 * Math.min(longest(example.queries), 16), top = 26 + 5.2 * Math.min(longest(example.keys), 16);
  const width = left + T * cell + 4.5 * Math.min(longest(example.keys), 16) + 10, height = top + Q * cell + 4;
  const svg = make("svg:svg", { class: "lk-map", viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
    "aria-label": `Map of all weights: ${Q} rows (${sides[0]}) by ${T} columns (${sides[1]}).` });
  const text = (x, y, word, more) => make("svg:text", { x, y, ...more }, word);
  const words = (x, y, word, more) => text(x, y, word.length > 16 ? `${word.slice(0, 15)}…` : word, more);
  example.keys.forEach((word, k) => {
    const x = left + (k + 0.5) * cell, y = top - 4;
    svg.append(words(x, y, word, { transform: `rotate(-50 ${x} ${y})` }));
  });
  weights.forEach((row, i) => {
    svg.append(words(left - 5, top + (i + 0.5) * cell + 4, example.queries[i], { "text-anchor": "end" }));
    row.forEach((w, k) => svg.append(make("svg:rect", { x: left + k * cell, y: top + i * cell, width: cell, height: cell, fill: colour(w) })));
  });
  for (const [i, k] of example.gold) {
    const place = { x: left + k * cell + 1.5, y: top + i * cell + 1.5, width: cell - 3, height: cell - 3, fill: "none" };
    svg.append(make("svg:rect", { ...place, stroke: "black", "stroke-width": 3 }), make("svg:rect", { ...place, stroke: "white", "stroke-width": 1.2 }));
  }
  svg.append(make("svg:rect", { class: "lk-frame", x: left - 1, y: top + q * cell - 1, width: T * cell + 2, height: cell + 2 }));
  svg.append(text(left + (T * cell) / 2, 12, sides[1], { "text-anchor": "middle", class: "lk-side" }));
  svg.append(text(11, top + (Q * cell) / 2, sides[0], { "text-anchor": "middle", class: "lk-side", transform: `rotate(-90 11 ${top + (Q * cell) / 2})` }));
  const row = (event) => {
    const box = svg.getBoundingClientRect(), y = (event.clientY - box.top) * (height / box.height);
    return Math.min(Math.max(Math.floor((y - top) / cell), 0), Q - 1);
  };
  svg.addEventListener("mousemove", (event) => preview(row(event)));
  svg.addEventListener("mouseleave", () => preview(null));
  svg.addEventListener("click", (event) => choose(row(event)));
  return svg;
}

// A picture that is as bright in each region as its weight, beside the largest; gold outlined, the largest dotted.
function litPicture(example, row, q, name) {
  const [H, W] = example.grid, size = 36, largest = Math.max(...row, 1e-9);
  const gold = new Set(example.gold.filter(([i]) => i === q).map(([, k]) => k));
  const most = row.indexOf(Math.max(...row));
  const label = name ? `${name}: largest weight ${Math.max(...row).toFixed(2)}` : "the picture";
  const svg = make("svg:svg", { viewBox: `-2 -2 ${W * size + 4} ${H * size + 4}`, role: "img", "aria-label": label });
  svg.append(make("svg:image", { href: example.picture, width: W * size, height: H * size, style: "image-rendering: pixelated" }));
  row.forEach((w, k) => {
    const x = (k % W) * size, y = Math.floor(k / W) * size;
    if (name) svg.append(make("svg:rect", { x, y, width: size, height: size, fill: "black", "fill-opacity": 0.8 * (1 - w / largest) }));
    if (gold.has(k)) for (const [dx, dy, x1, y1, x2, y2] of [[0, -1, 0, 0, 1, 0], [0, 1, 0, 1, 1, 1], [-1, 0, 0, 0, 0, 1], [1, 0, 1, 0, 1, 1]]) {
      const next = k % W + dx < 0 || k % W + dx >= W ? -1 : k + dx + dy * W;
      if (!gold.has(next)) for (const [stroke, wide] of [["black", 5], ["#e69f00", 2.5]])
        svg.append(make("svg:line", { x1: x + x1 * size, y1: y + y1 * size, x2: x + x2 * size, y2: y + y2 * size, style: `stroke: ${stroke}; stroke-width: ${wide}` }));
    }
  });
  if (name) svg.append(make("svg:circle", { cx: (most % W + 0.5) * size, cy: (Math.floor(most / W) + 0.5) * size, r: 5, fill: "white", stroke: "black" }));
  return make("figure", {}, svg, make("figcaption", {}, label));
}

function render({ model, el }) {
  const data = model.get("data"), sides = data.sides;
  const now = { example: 0, map: 0, q: data.start ?? 0, over: null };
  for (const name of ["scale", "mask"]) now[name] = !(data.off ?? []).includes(name);
  const root = make("div", { class: "lk-touch" });
  keepKeys(root);
  const controls = make("div", { class: "lk-controls" }), desk = make("div", { class: "lk-desk" });
  const said = make("p", { class: "lk-said", role: "status" }), below = make("div", { class: "lk-below" }), note = make("p", {});
  const example = () => data.examples[now.example];
  const weights = (map = now.map) => weightsOf(data, example(), map, now.scale, now.mask);
  let queries, lines, keys;

  const choose = (q) => { now.q = q; now.over = null; mark(queries, q); drawRow(); };
  const preview = (q) => { now.over = q; drawRow(); };

  function drawRow() {
    const q = now.over ?? now.q, many = data.names.length > 1;
    const where = (m) => (many ? `${data.names[m]}: ` : "");
    if (data.kind === "regions") {
      const all = data.names.map((name, m) => litPicture(example(), weights(m)[q], q, name));
      below.replaceChildren(litPicture(example(), weights(0)[q].map(() => 0), q, ""), ...all);
      said.textContent = data.names.map((_, m) => inWords(example(), weights(m), q, sides, where(m))).join(" ");
      return;
    }
    keys.replaceChildren(...shadedWords(example(), weights(), q));
    drawLines(lines, queries.children[q], keys.children, weights()[q]);
    const frame = below.querySelector(".lk-frame"), map = below.querySelector(".lk-map");
    if (frame) frame.setAttribute("y", map.dataset.top * 1 + q * map.dataset.cell - 1);
    said.textContent = inWords(example(), weights(), q, sides, where(now.map));
  }

  function drawAll() {
    now.q = Math.min(now.q, example().queries.length - 1);
    queries = oneOf(sides[0], example().queries.map((word) => [word]), now.q, choose, preview);
    note.textContent = example().note ?? "";
    if (data.kind === "regions") {
      desk.replaceChildren(queries);
    } else {
      lines = make("svg:svg", { class: "lk-lines", "aria-hidden": "true" });
      keys = make("div", { class: "lk-group lk-keys" });
      desk.replaceChildren(make("small", {}, sides[0]), queries, keys, make("small", {}, sides[1]), lines);
      const map = grid(example(), weights(), now.q, sides, choose, preview);
      const frame = map.querySelector(".lk-frame");
      map.dataset.cell = frame.getAttribute("height") - 2;
      map.dataset.top = frame.getAttribute("y") * 1 + 1 - now.q * map.dataset.cell;
      const maps = data.names.length < 2 ? [] : [oneOf("map", data.names.map((name, m) => [thumbnail(weights(m)), make("small", {}, name)]), now.map,
        (m) => { now.map = m; drawAll(); below.querySelector("[role=radio][aria-checked=true]").focus(); })];
      maps.forEach((group) => group.classList.add("lk-maps"));
      below.replaceChildren(...maps, make("div", { class: "lk-scroll" }, map));
    }
    drawRow();
  }

  if (data.examples.length > 1) {
    const id = `lk-touch-${++count}`;
    const input = make("select", { id }, ...data.examples.map((e, i) => make("option", { value: i }, e.title)));
    input.addEventListener("change", () => { now.example = Number(input.value); drawAll(); });
    controls.append(make("label", { for: id }, data.chooser ?? "sentence"), input);
  }
  for (const [name, words] of [["scale", "divide by √d"], ["mask", "use the mask"]]) {
    if (!data.d_k || (name === "mask" && !data.examples.some((e) => e.mask))) continue;
    const input = make("input", { type: "checkbox", checked: now[name] });
    input.addEventListener("change", () => { now[name] = input.checked; drawAll(); });
    controls.append(make("label", {}, input, ` ${words}`));
  }
  root.append(controls, desk, said, below, note);
  const table = data.examples.length > 1 ? [] : [...el.children].filter((child) => child.tagName === "DETAILS");
  el.replaceChildren(root, ...table);
  drawAll();
  new ResizeObserver(() => data.kind === "regions" || drawRow()).observe(desk);
}

export default { render };
