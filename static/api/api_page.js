// The page of the API: what /openapi.json says, to read, to search and to try.

import { Api } from "/static/js/api.js";
import { element, show } from "/static/js/dom.js";
import { fill, onLanguage, sentenceFor, startLanguage, t } from "/static/js/i18n.js";
import { matches, tagsOf } from "./description.js";
import { tokenCard, whoWords } from "./token_card.js";
import { tryIt } from "./try_it.js";
import { operationView, prose } from "./views.js";

const byId = (id) => document.getElementById(id);
const api = new Api();
let token = null;
let account = null;
let tags = [];
const shown = new Map();              // by operation id: the article and its link in the contents

function cardOf(description, operation) {
  const body = element("div", { class: "operation-body" });
  const card = element("details", { class: `operation card ${operation.method.toLowerCase()}`, id: operation.id },
    element("summary", {},
      element("span", { class: "method" }, operation.method),
      element("code", { class: "path" }, pathPieces(operation.path)),
      element("span", { class: "summary" }, operation.summary)),
    body);
  card.addEventListener("toggle", () => {
    if (!card.open || body.hasChildNodes()) return;
    body.append(...operationView(description, operation), trySection(description, operation));
    fill(body);
  });
  return card;
}

/** A path that may break after each slash. */
function pathPieces(path) {
  return path.split("/").flatMap((piece, place) => (place === 0 ? [piece] : [element("wbr"), `/${piece}`]));
}

function trySection(description, operation) {
  const place = element("div");
  const button = element("button", { type: "button", "data-t": "api.try" });
  button.addEventListener("click", () => {
    show(place, tryIt({ api, description, operation, hasToken: () => token !== null }));
    button.hidden = true;
    fill(place);
    place.querySelector("input, textarea, button")?.focus();
  });
  return element("section", { class: "try-section" }, button, place);
}

function draw(description) {
  const intro = element("section", { class: "intro" },
    element("h1", {}, "API"), prose(description.info.description),
    element("p", {}, element("a", { href: "/openapi.json" }, "/openapi.json"), ` · OpenAPI ${description.openapi} · ${description.info.version}`));
  const sections = tags.map((tag) => element("section", { class: "tag", "data-tag": tag.name },
    element("h2", { id: `tag-${tag.name}` }, tag.name), element("div", { class: "soft" }, prose(tag.words)),
    tag.operations.map((operation) => {
      const card = cardOf(description, operation);
      shown.set(operation.id, { operation, card });
      return card;
    })));
  show(byId("operations"), intro, sections);
  show(byId("contents"), tags.map((tag) => element("section", { "data-tag": tag.name },
    element("h3", {}, tag.name),
    element("ul", {}, tag.operations.map((operation) => {
      const link = element("a", { href: `#${operation.id}` },
        element("span", { class: `method small ${operation.method.toLowerCase()}` }, operation.method),
        element("span", {}, operation.summary));
      const row = element("li", {}, link);
      shown.get(operation.id).row = row;
      return row;
    })))));
}

function search() {
  const query = byId("search").value.trim();
  let found = 0;
  for (const { operation, card, row } of shown.values()) {
    const isFound = matches(operation, query);
    card.hidden = row.hidden = !isFound;
    found += isFound ? 1 : 0;
  }
  for (const section of document.querySelectorAll("[data-tag]")) {
    section.hidden = section.querySelectorAll(".operation:not([hidden]), li:not([hidden])").length === 0;
  }
  document.querySelector(".intro").hidden = query !== "";
  byId("found").textContent = query === "" ? t("api.count", { n: shown.size }) : t("api.found", { n: found });
}

function openNamed() {
  const named = shown.get(decodeURIComponent(location.hash.slice(1)));
  if (!named) return;
  named.card.open = true;
  requestAnimationFrame(() => named.card.scrollIntoView({ block: "start" }));
}

function showWho() {
  byId("who").textContent = whoWords(account);
}

function speak() {
  document.title = t(document.body.dataset.title);
  showWho();
  if (shown.size > 0) search();
}

async function start() {
  const card = byId("token-card");
  const button = byId("token-button");
  const toggle = (isOpen) => {
    card.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
  };
  button.addEventListener("click", () => toggle(card.hidden));
  tokenCard({
    api, card,
    onToken: (given, theirs) => {
      token = given;
      account = theirs;
      showWho();
      toggle(false);
    },
  });
  onLanguage(speak);
  startLanguage();
  try {
    const description = await api.description();
    tags = tagsOf(description);
    draw(description);
  } catch (error) {
    show(byId("operations"), element("p", { class: "problem-box" }, sentenceFor(error)));
    return;
  }
  byId("search").addEventListener("input", search);
  addEventListener("hashchange", openNamed);
  search();
  openNamed();
}

start();
