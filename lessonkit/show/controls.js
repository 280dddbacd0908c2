// Questions and controls of a lesson, as native form elements with names: anywidget's module, no network, no library.
// The model has `kind` ("ask" or "explore"), `fields` (what to draw), `values` (what is chosen) and `shown` (HTML).

let count = 0;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) continue;
    made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// Arrow keys and letters belong to the control while it has the focus, not to the notebook's shortcuts. Notebook 7 looks
// for a shortcut before any listener but the window's, and from the element with the focus outwards.
function keepKeys(root) {
  const notebooks = (event) => event.key === "Escape" || ((event.shiftKey || event.ctrlKey) && event.key === "Enter");
  window.addEventListener("keydown", (event) => {
    if (root.contains(event.target)) event.target.toggleAttribute("data-lm-suppress-shortcuts", !notebooks(event));
  }, true);
  root.addEventListener("keydown", (event) => { if (!notebooks(event)) event.stopPropagation(); });
}

function choice(field, value, changed) {
  const name = `lessonkit-${++count}`;
  const group = element("fieldset", { class: "lk-choices" }, element("legend", {}, field.label));
  for (const option of field.options) {
    const input = element("input", { type: "radio", name, value: option, checked: option === value });
    input.addEventListener("change", () => changed(option));
    group.append(element("label", {}, input, " ", option));
  }
  return group;
}

function select(field, value, changed) {
  const id = `lessonkit-${++count}`;
  const input = element("select", { id });
  field.options.forEach((option, i) => input.append(element("option", { value: i, selected: i === value }, option)));
  input.addEventListener("change", () => changed(Number(input.value)));
  return element("p", { class: "lk-field" }, element("label", { for: id }, field.label), " ", input);
}

function slider(field, value, changed, live) {
  const id = `lessonkit-${++count}`;
  const words = (x) => (field.words ? field.words[x - field.low] : Number(x).toFixed(field.digits));
  const input = element("input", { id, type: "range", min: field.low, max: field.high, step: field.step });
  input.value = value;
  const said = element("output", { for: id }, words(value));
  const tell = () => { said.textContent = words(input.value); input.setAttribute("aria-valuetext", said.textContent); };
  tell();
  input.addEventListener("input", () => { tell(); if (live) changed(Number(input.value)); });
  input.addEventListener("change", () => { tell(); changed(Number(input.value)); });
  return element("p", { class: "lk-field" }, element("label", { for: id }, field.label), " ", input, " ", said);
}

function text(field, value, changed) {
  const id = `lessonkit-${++count}`;
  const input = element("input", { id, type: "text", value: value ?? "", maxlength: 200 });
  input.addEventListener("input", () => changed(input.value));
  return element("p", { class: "lk-field" }, element("label", { for: id }, field.label), " ", input);
}

const DRAW = { choice, select, slider, text };

function ask(model, el) {
  const [field] = model.get("fields");
  let chosen = model.get("values")[0];
  const form = element("form", { class: "lk-ask" });
  const keep = element("button", { type: "submit", disabled: chosen === null && field.type !== "slider" }, "Keep my guess");
  const said = element("span", { role: "status" }, chosen === null ? "" : ` kept: ${chosen}`);
  form.append(DRAW[field.type](field, chosen ?? field.start, (value) => { chosen = value; keep.disabled = value === ""; said.textContent = ""; }, true));
  if (chosen === null && field.type === "slider") chosen = field.start;
  form.append(element("p", {}, keep, " ", said));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    said.textContent = ` kept: ${chosen}`;
    model.set("values", [chosen]);
    model.save_changes();
  });
  el.append(form);
}

function explore(model, el) {
  const box = element("div", { class: "lk-explore" });
  const controls = element("div", {});
  const shown = element("div", { class: "lk-shown" });
  let waiting;
  const draw = () => {
    const values = [...model.get("values")];
    controls.replaceChildren(...model.get("fields").map((field, i) =>
      DRAW[field.type](field, values[i], (value) => {
        values[i] = value;
        clearTimeout(waiting);
        waiting = setTimeout(() => { model.set("values", [...values]); model.save_changes(); }, 120);
      }, true)));
  };
  const show = () => { shown.innerHTML = model.get("shown"); };
  draw();
  show();
  model.on("change:shown", show);
  model.on("change:fields", draw);
  box.append(controls, element("p", { class: "lk-live", "aria-live": "polite" }), shown);
  model.on("change:said", () => { box.querySelector(".lk-live").textContent = model.get("said"); });
  el.append(box);
}

function render({ model, el }) {
  keepKeys(el);
  (model.get("kind") === "ask" ? ask : explore)(model, el);
}

export default { render };
