// The API reference: /openapi.json as something to read.

import { make } from "./make.js";

const place = document.getElementById("reference");
const { paths, components } = await (await fetch("/openapi.json")).json();

const resolved = (schema) =>
  schema?.$ref ? components.schemas[schema.$ref.split("/").pop()] : schema;

function kind(schema = {}) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(kind).filter((each) => each !== "null").join(" | ");
  if (schema.type === "array") return `${kind(schema.items)}[]`;
  if (schema.enum) return schema.enum.join(" | ");
  return schema.format ?? schema.type ?? "";
}

function fields(rows) {
  const table = make("table");
  for (const [name, type, words] of rows) {
    table.append(
      make("tr", {}, make("td", {}, make("code", {}, name)), make("td", {}, type), make("td", {}, words ?? "")),
    );
  }
  return make("div", { class: "scroll", tabindex: "0" }, table);
}

function rows(schema) {
  const { properties = {}, required = [] } = resolved(schema) ?? {};
  return Object.entries(properties).map(([name, value]) => [
    required.includes(name) ? `${name} *` : name,
    kind(value),
    value.description,
  ]);
}

function answers(responses) {
  return Object.entries(responses).map(([status, { description, content }]) => [
    status,
    Object.entries(content ?? {}).map(([type, { schema }]) => kind(schema) || type).join(", "),
    description,
  ]);
}

for (const [path, verbs] of Object.entries(paths)) {
  for (const [verb, operation] of Object.entries(verbs)) {
    const section = make(
      "section",
      {},
      make("h2", {}, make("span", { class: "verb" }, verb.toUpperCase()), make("code", {}, path)),
      make("p", {}, operation.description ?? ""),
    );
    const given = (operation.parameters ?? []).map((parameter) => [
      parameter.name,
      `${parameter.in}: ${kind(parameter.schema)}`,
      parameter.description,
    ]);
    const [body] = Object.values(operation.requestBody?.content ?? {});
    const taken = [...given, ...(body ? rows(body.schema) : [])];
    if (taken.length) section.append(make("h3", {}, place.dataset.takes), fields(taken));
    section.append(make("h3", {}, place.dataset.answers), fields(answers(operation.responses)));
    place.append(section);
  }
}

place.append(
  ...Object.entries(components.schemas)
    .filter(([, schema]) => schema.properties)
    .map(([name, schema]) =>
      make("section", { id: name }, make("h2", {}, make("code", {}, name)), make("p", {}, schema.description ?? ""), fields(rows(schema))),
    ),
);
