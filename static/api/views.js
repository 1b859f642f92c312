// How an operation, its forms and its examples are drawn.

import { element } from "/static/js/dom.js";
import { t } from "/static/js/i18n.js";
import { codesOf, formsIn, membersOf, paragraphs, resolve, typeWords } from "./description.js";

/** Our words with their `code` and **strong**, as elements. */
export function prose(words) {
  return paragraphs(words).map((pieces) =>
    element("p", {}, pieces.map(({ kind, text }) => (kind === "text" ? text : element(kind, {}, text)))));
}

/** A button that copies what `text()` gives, and says so. */
export function copyButton(text, what = "api.copy") {
  const button = element("button", { type: "button", class: "quiet copy", "data-t": what }, t(what));
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text())) ? t("api.copied") : t("api.copy_by_hand");
    setTimeout(() => { button.textContent = t(what); }, 2_000);
  });
  return button;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;                      // not permitted, or no secure origin: the text can be marked
  }
}

/** Words of a program, with a button that copies them. */
export function codeBox(text, label = "") {
  return element("div", { class: "code" },
    element("div", { class: "code-head" }, element("span", { class: "small soft" }, label), copyButton(() => text)),
    element("pre", { tabindex: "0" }, element("code", {}, text)));
}

export function jsonText(value) {
  return JSON.stringify(value, null, 2);
}

/** A form: its members as a table, forms in them to unfold. */
export function formView(description, given, seen = []) {
  const { name, schema } = resolve(description, given);
  if (schema.enum) return element("p", { class: "values" }, schema.enum.map((one) => element("code", {}, String(one))));
  if (!schema.properties) {
    const forms = formsIn(description, given).filter((one) => !seen.includes(one.name));
    return element("div", { class: "form" }, element("p", {}, element("code", {}, typeWords(description, given))),
      forms.map((one) => unfold(description, one, seen)));
  }
  return element("div", { class: "form" },
    schema.description ? element("div", { class: "soft" }, prose(schema.description)) : null,
    element("ul", { class: "members" }, membersOf(schema).map((member) => memberView(description, member, [...seen, name]))));
}

function memberView(description, member, seen) {
  const forms = formsIn(description, member.schema).filter((one) => !seen.includes(one.name));
  return element("li", {},
    element("div", { class: "member" },
      element("code", { class: "name" }, member.name),
      element("span", { class: "type" }, typeWords(description, member.schema)),
      member.isRequired ? null : element("span", { class: "small soft", "data-t": "api.optional" }, t("api.optional")),
      member.fallback === undefined || member.fallback === null ? null
        : element("span", { class: "small soft" }, "= ", element("code", {}, JSON.stringify(member.fallback)))),
    member.words ? element("div", { class: "soft" }, prose(member.words)) : null,
    forms.map((one) => unfold(description, one, seen)));
}

/** A form that draws itself when it is unfolded: forms may hold each other. */
function unfold(description, { name, schema }, seen) {
  const details = element("details", { class: "unfold" }, element("summary", {}, name || "…"));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(formView(description, schema, [...seen, name]));
  });
  return details;
}

/** Parameters, body, answers and problems of an operation. */
export function operationView(description, operation) {
  return [
    element("div", { class: "words" }, prose(operation.words)),
    operation.isPublic ? element("p", { class: "hint", "data-t": "api.public" }, t("api.public")) : null,
    section("api.parameters", operation.parameters.length > 0 && element("ul", { class: "members" },
      operation.parameters.map((one) => parameterView(description, one)))),
    section("api.body", operation.body && operation.body.types.map((one) => contentView(description, one))),
    section("api.answers", operation.answers.map((answer) => answerView(description, answer))),
    section("api.problems", element("ul", { class: "problems" },
      operation.problems.flatMap((problem) => problemRows(description, problem)))),
  ].filter(Boolean);
}

function section(title, content) {
  if (!content || content.length === 0) return null;
  return element("section", {}, element("h3", { "data-t": title }, t(title)), content);
}

function parameterView(description, { name, in: place, required, description: words, schema }) {
  return element("li", {},
    element("div", { class: "member" },
      element("code", { class: "name" }, name),
      element("span", { class: "type" }, typeWords(description, schema)),
      element("span", { class: "small soft", "data-t": `api.in_${place}` }, t(`api.in_${place}`)),
      required ? null : element("span", { class: "small soft", "data-t": "api.optional" }, t("api.optional"))),
    words ? element("div", { class: "soft" }, prose(words)) : null,
    formsIn(description, schema).map((one) => unfold(description, one, [])));
}

function contentView(description, { type, schema, example }) {
  return element("div", { class: "content" },
    element("p", { class: "small soft" }, element("code", {}, type)),
    Object.keys(schema).length > 0 ? formView(description, schema) : null,
    example === undefined || type !== "application/json" ? null : codeBox(jsonText(example), t("api.example")));
}

function answerView(description, answer) {
  return element("div", { class: "answer" },
    element("p", {}, element("strong", { class: "number good" }, answer.status), ` ${answer.words}`),
    answer.headers.map(([name, { description: words = "" }]) =>
      element("p", { class: "small soft" }, element("code", {}, name), words ? ` ${words}` : "")),
    answer.types.map((one) => contentView(description, one)));
}

function problemRows(description, problem) {
  const examples = Object.assign({}, ...problem.types.map((one) => one.examples));
  return codesOf(problem).map((code) => {
    const { schema: example } = resolve(description, examples[code]);
    return element("li", {}, element("details", {},
      element("summary", {}, element("span", { class: "number bad" }, problem.status), element("code", {}, code),
        element("span", { class: "soft" }, example.summary ?? "")),
      codeBox(jsonText(example.value), "application/problem+json")));
  });
}
