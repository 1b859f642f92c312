// Trying an operation: a form for its parameters and body, the request as a command for the shell, and the answer.

import { newKey } from "/static/js/api.js";
import { element, show } from "/static/js/dom.js";
import { sentenceFor, t } from "/static/js/i18n.js";
import { curlOf, filledPath, queryOf, resolve } from "./description.js";
import { codeBox, copyButton, jsonText } from "./views.js";

const SENT_BY_HAND = ["If-Match", "If-None-Match"];

/** The form of `operation`; `api` sends it, with the token that it was given. */
export function tryIt({ api, description, operation, hasToken }) {
  const fields = new Map(operation.parameters.map((one) => [one, field(description, one)]));
  const type = operation.body?.types[0];
  const body = type ? bodyField(type) : null;
  const curl = element("code");
  const answer = element("div", { class: "answer-box", "aria-live": "polite" });
  const send = element("button", { type: "submit", class: "primary", "data-t": "api.send" }, t("api.send"));

  const valuesIn = (place) => Object.fromEntries([...fields]
    .filter(([one]) => one.in === place).map(([{ name }, { input }]) => [name, input.value.trim()]));
  const request = () => {
    const query = queryOf(valuesIn("query"));
    const path = filledPath(operation.path, valuesIn("path")) + (query ? `?${query}` : "");
    const headers = Object.fromEntries(Object.entries(valuesIn("header")).filter(([, value]) => value !== ""));
    const text = body?.value.trim() ? body.value : null;
    if (text !== null) headers["Content-Type"] = type.type;
    return { method: operation.method, path, headers, text };
  };
  const showCurl = () => {
    const { method, path, headers, text } = request();
    const proof = operation.isPublic ? {} : operation.schemes.includes("device")
      ? { Authorization: "Basic $(printf 'phone:%s' \"$DEVICE_KEY\" | base64)" } : { Authorization: "Bearer $TOKEN" };
    curl.textContent = curlOf({ method, url: location.origin + path, headers: { ...proof, ...headers }, body: text });
  };

  const form = element("form", { class: "try" },
    [...fields.values()].map(({ label }) => label),
    body ? element("label", {}, element("span", {}, t("api.body"), " ", element("code", {}, type.type)), body) : null,
    element("div", { class: "try-buttons" }, send,
      operation.isPublic ? null : element("span", { class: "hint" }, hasToken() ? "" : t("api.no_token"))),
    element("div", { class: "code" },
      element("div", { class: "code-head" }, element("span", { class: "small soft" }, "curl"),
        copyButton(() => curl.textContent, "api.copy_curl")),
      element("pre", { tabindex: "0" }, curl)),
    answer);
  form.addEventListener("input", showCurl);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      show(answer, answerView(await api.exchange(request())));
    } catch (error) {
      show(answer, element("p", { class: "problem-box" }, sentenceFor(error)));
    } finally {
      send.disabled = false;
    }
    const key = [...fields].find(([{ name }]) => name === "Idempotency-Key");
    if (key) key[1].input.value = newKey();       // the next one is another thing
    showCurl();
  });
  showCurl();
  return form;
}

function field(description, { name, required, schema, example }) {
  const { schema: form } = resolve(description, schema);
  const options = form.enum ?? null;
  const input = options
    ? element("select", { name }, [...(required ? [] : [""]), ...options].map((one) => element("option", { value: one }, one)))
    : element("input", { name, autocomplete: "off", spellcheck: "false", required });
  if (name === "Idempotency-Key") input.value = newKey();
  if (!options && !SENT_BY_HAND.includes(name) && example !== undefined) input.placeholder = String(example);
  return { input, label: element("label", {}, element("span", {}, element("code", {}, name)), input) };
}

function bodyField({ type, example }) {
  const text = type === "application/json" && example !== undefined ? jsonText(example) : "";
  return element("textarea", { class: "body", rows: Math.min(14, Math.max(3, text.split("\n").length)), spellcheck: "false" }, text);
}

function answerView({ status, headers, text, took_ms: tookMs }) {
  const isGood = status < 400;
  const shown = ["etag", "retry-after", "content-type", "songda-refused"].filter((name) => headers.get(name));
  return [
    element("p", {}, element("strong", { class: `number ${isGood ? "good" : "bad"}` }, String(status)),
      element("span", { class: "soft" }, ` ${Math.round(tookMs)} ms`)),
    shown.map((name) => element("p", { class: "small soft" }, element("code", {}, name), ` ${headers.get(name)}`)),
    text ? codeBox(pretty(text), "") : null,
  ].flat();
}

function pretty(text) {
  try {
    return jsonText(JSON.parse(text));
  } catch {
    return text;
  }
}
