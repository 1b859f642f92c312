// A merchant's webhook endpoints, or for administrators the platform's: joins the form, the cards and the server.

import { Api } from "../js/api.js";
import { element, show } from "../js/dom.js";
import { onLanguage, sentenceFor, startLanguage, t } from "../js/i18n.js";
import { Login } from "../js/login.js";
import { Deliveries, moment } from "./webhook_deliveries.js";

const LOOK_AGAIN_MS = 3_000;            // what was sent is no socket topic
const byId = (id) => document.getElementById(id);

const api = new Api({ onSignedOut: () => login.signOut(t("login.again")) });
const login = new Login({
  api,
  roles: ["merchant", "administrator"],
  dialog: byId("sign-in"),
  onSignedIn: (account) => {
    byId("who").textContent = account.display_name;
    byId("sign-out").hidden = false;
    look();
  },
  onSignedOut: () => {
    byId("who").textContent = "";
    byId("sign-out").hidden = true;
    answer = null;
    open = null;
    for (const id of ["form", "secret", "endpoints"]) show(byId(id));
  },
});

let answer = null;                      // {webhooks, types}, as the server last said
let open = null;                        // the Deliveries of the endpoint that is unfolded
let asking = null;                      // the endpoint that may be removed, or get a new secret: {id, what}

const base = () => {
  const merchant = login.account?.merchant_id;
  return merchant ? `/merchants/${merchant}/webhooks` : "/webhooks";
};

async function look() {
  if (!login.account) return;
  try {
    const fresh = await api.get(base());
    const isNew = JSON.stringify(fresh) !== JSON.stringify(answer);
    answer = fresh;
    if (isNew) draw();
    await open?.look();
    say("");
  } catch (error) {
    say(error);
  }
}

function say(error) {
  byId("problem").textContent = error ? sentenceFor(error) : "";
}

/** Does something, says what was wrong with it, and looks again. */
async function act(what) {
  try {
    await what();
    asking = null;
    await look();
    draw();
  } catch (error) {
    say(error);
  }
}

function draw() {
  if (!answer) return;
  byId("add").hidden = answer.webhooks.length === 0;
  show(byId("endpoints"), answer.webhooks.length ? answer.webhooks.map(card) : nothing());
}

function nothing() {
  return element("section", { class: "card nothing" },
    element("h2", {}, t("webhooks.none")),
    element("p", {}, t("webhooks.none_text")),
    element("ol", {}, [1, 2, 3].map((step) => element("li", {}, t(`webhooks.step_${step}`)))),
    element("div", { class: "actions" },
      element("button", { type: "button", class: "primary", onclick: () => drawForm() }, t("webhooks.add"))));
}

function state(webhook) {
  if (!webhook.enabled) return ["off", t(`webhooks.off.${webhook.off_why}`)];
  return webhook.failing_since ? ["failing", t("webhooks.failing", { when: moment(webhook.failing_since) })]
    : ["on", t("webhooks.on")];
}

function card(webhook) {
  const path = `${base()}/${webhook.id}`;
  const [kind, words] = state(webhook);
  const isOpen = open?.webhookId === webhook.id;
  const facts = [
    webhook.description,
    webhook.events.length ? t("webhooks.some_events", { n: webhook.events.length }) : t("webhooks.all_events"),
    webhook.last_success_at ? t("webhooks.last_success", { when: moment(webhook.last_success_at) }) : t("webhooks.no_success"),
    webhook.former_secret_until ? t("webhooks.both_secrets", { when: moment(webhook.former_secret_until) }) : "",
  ].filter(Boolean);
  const button = (key, onclick, given = {}) => element("button", { type: "button", onclick, ...given }, t(key));
  const question = asking?.id === webhook.id && asking.what;
  const yes = {
    remove: () => act(() => api.remove(path)),
    rotate: () => act(async () => drawSecret(await api.post(`${path}/secret`))),
  };
  const actions = question
    ? [element("span", { class: "question" }, t(`webhooks.sure_${question}`)),
      button("webhooks.no", () => { asking = null; draw(); }),
      button(`webhooks.yes_${question}`, yes[question], { class: "danger" })]
    : [button("webhooks.test", () => act(async () => {
      await api.post(`${path}/test`);
      unfold(webhook, "");
    }), { disabled: !webhook.enabled }),
    button(isOpen ? "webhooks.fold" : "webhooks.unfold", () => (isOpen ? fold() : unfold(webhook, "")), {
      "aria-expanded": String(isOpen),
    }),
    button("webhooks.change", () => drawForm(webhook)),
    button("webhooks.rotate", () => { asking = { id: webhook.id, what: "rotate" }; draw(); }),
    button(webhook.enabled ? "webhooks.switch_off" : "webhooks.switch_on",
      () => act(() => api.patch(path, { enabled: !webhook.enabled }))),
    button("webhooks.remove", () => { asking = { id: webhook.id, what: "remove" }; draw(); }, { class: "danger" })];
  return element("article", { class: "card endpoint", "data-id": webhook.id },
    element("header", {},
      element("span", { class: "url" }, webhook.url),
      element("span", { class: `status ${kind}` }, words),
      element("span", { class: "facts soft small" }, facts.map((fact) => element("span", {}, fact)))),
    !webhook.enabled && webhook.off_why !== "by_hand" && element("p", { class: "problem-box" }, t("webhooks.off_text")),
    element("div", { class: "actions" }, actions),
    isOpen && open.node);
}

function unfold(webhook, filter) {
  open = new Deliveries({ api, path: `${base()}/${webhook.id}`, webhookId: webhook.id, filter, act });
  draw();
  open.look().catch(say);
}

function fold() {
  open = null;
  draw();
}

function drawForm(webhook = null) {
  const problem = element("p", { class: "problem", role: "alert" });
  const url = element("input", { name: "url", type: "url", required: true, maxlength: "1000", value: webhook?.url ?? "",
    placeholder: "https://shop.example/songda", spellcheck: "false" });
  const description = element("input", { name: "description", maxlength: "200", value: webhook?.description ?? "" });
  const all = element("input", { type: "checkbox", name: "all", checked: !webhook?.events.length });
  const boxes = answer.types.map((type) => element("input", {
    type: "checkbox", value: type, checked: webhook?.events.includes(type) ?? false,
  }));
  const types = element("div", { class: "types", hidden: all.checked },
    boxes.map((box) => element("label", { class: "check" }, box, box.value)));
  all.addEventListener("change", () => { types.hidden = all.checked; });
  const close = () => show(byId("form"));
  const form = element("form", { class: "card form" },
    element("h2", {}, t(webhook ? "webhooks.change" : "webhooks.add")),
    element("label", {}, element("span", {}, t("webhooks.url")), url),
    element("label", {}, element("span", {}, t("webhooks.description")), description),
    element("fieldset", {}, element("legend", {}, t("webhooks.events")),
      element("label", { class: "check" }, all, t("webhooks.every_event")), types),
    problem,
    element("div", { class: "actions" },
      element("button", { type: "submit", class: "primary" }, t(webhook ? "webhooks.save" : "webhooks.add")),
      element("button", { type: "button", onclick: close }, t("webhooks.cancel"))));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    problem.textContent = "";
    if (!all.checked && !chosen.length) {
      problem.textContent = t("webhooks.choose");
      return;
    }
    const body = { url: url.value.trim(), description: description.value.trim(), events: all.checked ? [] : chosen };
    try {
      if (webhook) await api.patch(`${base()}/${webhook.id}`, body);
      else drawSecret(await api.post(base(), body));
      close();
      await look();
    } catch (error) {
      problem.textContent = error.faults?.[0]?.detail || sentenceFor(error);
    }
  });
  show(byId("form"), form);
  url.focus();
}

function drawSecret({ webhook, secret }) {
  const copied = element("span", { class: "soft small", role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(secret);
      copied.textContent = t("webhooks.copied");
    } catch {
      copied.textContent = t("webhooks.copy_by_hand");    // no clipboard without https
    }
  };
  show(byId("secret"), element("section", { class: "card secret" },
    element("h2", {}, t("webhooks.secret")),
    element("p", {}, t("webhooks.secret_text", { url: webhook.url })),
    element("code", { id: "secret-text" }, secret),
    element("div", { class: "actions" },
      element("button", { type: "button", onclick: copy }, t("webhooks.copy")),
      element("button", { type: "button", onclick: () => show(byId("secret")) }, t("webhooks.kept")), copied)));
}

byId("add").addEventListener("click", () => drawForm());
byId("sign-out").addEventListener("click", () => login.leave());
setInterval(() => { if (!document.hidden) look(); }, LOOK_AGAIN_MS);
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
startLanguage();
const speak = () => {
  document.title = t(document.body.dataset.title);
  open?.draw();
  draw();
};
onLanguage(speak);
speak();
login.start();
