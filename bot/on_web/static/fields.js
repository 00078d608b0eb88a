// The controls that the settings are made of: rows to choose from, sliders, fields for words.

import { make } from "./make.js";

/** One of few, all in sight: `options` are `{value, label, title, content}`; `change(value)`. */
export function choices({ name, legend, options, value, change, kind = "" }) {
  const items = options.map((option) => {
    const input = make("input", { type: "radio", name, value: option.value });
    input.checked = option.value === value;
    input.addEventListener("change", () => change(option.value));
    return make(
      "label",
      { title: option.title },
      input,
      make("span", {}, ...(option.content ?? []), option.label),
    );
  });
  return make("fieldset", { class: `choices ${kind}` }, make("legend", {}, legend), make("div", {}, ...items));
}

/** One of many: `options` are `{value, label}`. */
export function select({ id, label, options, value, change, words = "" }) {
  const box = make("select", { id, "aria-describedby": words ? `${id}-words` : undefined });
  box.append(...options.map((option) => make("option", { value: option.value }, option.label)));
  box.value = value;
  box.addEventListener("change", () => change(box.value));
  return make(
    "div",
    { class: "field" },
    make("label", { for: id }, label),
    box,
    ...(words ? [make("p", { class: "words", id: `${id}-words` }, words)] : []),
  );
}

/** A number on a line; `shown(value)` says it in words beside the label. */
export function slider({ id, label, min, max, step, value, shown, change }) {
  const range = make("input", { id, type: "range", min, max, step });
  range.value = value;
  const words = make("output", { for: id }, shown(value));
  range.setAttribute("aria-valuetext", shown(value));
  range.addEventListener("input", () => {
    words.textContent = shown(range.valueAsNumber);
    range.setAttribute("aria-valuetext", shown(range.valueAsNumber));
    change(range.valueAsNumber);
  });
  return make("div", { class: "field slider" }, make("label", { for: id }, label), words, range);
}

/** A line of words. */
export function line({ id, label, value, change, placeholder, max }) {
  const input = make("input", { id, type: "text", maxlength: max, placeholder, autocomplete: "off" });
  input.value = value;
  input.addEventListener("input", () => change(input.value));
  return make("div", { class: "field" }, make("label", { for: id }, label), input);
}
