// Keys for the merchant's own programs (a till, a kitchen screen): made, shown once, listed, ended.

import { element, show } from "../js/dom.js";
import { dayAndTime, dayName, sentenceFor, t } from "../js/i18n.js";

const SCOPES = ["orders:read", "orders:answer", "menu:write", "webhooks:manage"];

export class KeysSection {
  #api; #path; #say;
  #keys = null;
  #made = null;                          // the new key, told this once
  #asking = null;                        // the key that may be ended
  node = element("div", { class: "page" });

  constructor({ api, merchantId, say }) {
    this.#api = api;
    this.#path = `/merchants/${merchantId}/api-keys`;
    this.#say = say;
    this.#look();
  }

  async #look() {
    try {
      this.#keys = (await this.#api.get(this.#path)).api_keys;
      this.draw();
    } catch (error) {
      this.#say(error);
    }
  }

  draw() {
    show(this.node, this.#made ? this.#secret() : null, element("section", { class: "card form" },
      element("h2", {}, t("kitchen.keys")), element("p", { class: "small soft" }, t("keys.text")), this.#list(), this.#form()));
  }

  #list() {
    if (!this.#keys) return element("p", { class: "empty" }, "…");
    if (!this.#keys.length) return element("p", { class: "empty" }, t("keys.none"));
    return element("ul", { class: "rows" }, this.#keys.map((key) => element("li", { class: "card key" },
      element("strong", {}, key.label), element("code", {}, `${key.prefix}…`),
      element("span", { class: "small soft" }, [
        key.scopes.map((scope) => t(`scope.${scope.replace(":", "_")}`)).join(", "), t("keys.made_at", { when: dayAndTime(key.created_at) }),
        key.last_used_on ? t("keys.used_on", { when: dayName(key.last_used_on) }) : t("keys.unused"),
      ].join(" · ")),
      element("div", { class: "acts" }, this.#asking === key.id
        ? [element("span", { class: "small" }, t("keys.sure")),
          element("button", { type: "button", class: "danger", onclick: () => this.#end(key) }, t("keys.end")),
          element("button", { type: "button", onclick: () => this.#ask(null) }, t("kitchen.back"))]
        : element("button", { type: "button", class: "danger", onclick: () => this.#ask(key.id) }, t("keys.end"))))));
  }

  #form() {
    const label = element("input", { name: "label", maxlength: "200", required: true, placeholder: t("keys.label_hint") });
    const boxes = SCOPES.map((scope) => element("input", { type: "checkbox", value: scope, checked: scope === "orders:read" }));
    const problem = element("p", { class: "problem", role: "alert" });
    const form = element("form", { class: "form new-key", novalidate: true }, element("h2", {}, t("keys.make")),
      element("label", {}, element("span", {}, t("keys.label")), label),
      element("fieldset", {}, element("legend", {}, t("keys.scopes")), boxes.map((box) => element("label", { class: "check" }, box,
        element("span", {}, t(`scope.${box.value.replace(":", "_")}`))))),
      problem, element("div", { class: "acts" }, element("button", { type: "submit", class: "primary" }, t("keys.make"))));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const scopes = boxes.filter((box) => box.checked).map((box) => box.value);
      if (!label.value.trim() || !scopes.length) {
        problem.textContent = t("keys.incomplete");
        return;
      }
      try {
        this.#made = await this.#api.post(this.#path, { label: label.value.trim(), scopes });
        await this.#look();
        this.node.scrollIntoView({ block: "start" });
      } catch (error) {
        problem.textContent = sentenceFor(error);
      }
    });
    return form;
  }

  #secret() {
    const { api_key: key, label } = this.#made;
    const copied = element("span", { class: "small soft", role: "status" });
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(key);
        copied.textContent = t("share.copied");
      } catch {
        copied.textContent = t("share.copy_by_hand");
      }
    };
    return element("section", { class: "card form secret", "aria-live": "polite" },
      element("h2", {}, t("keys.once")), element("p", {}, t("keys.once_text", { label })), element("code", { id: "new-key" }, key),
      element("div", { class: "acts" }, element("button", { type: "button", onclick: copy }, t("share.copy")),
        element("button", { type: "button", onclick: () => { this.#made = null; this.draw(); } }, t("keys.kept")), copied));
  }

  #ask(id) {
    this.#asking = id;
    this.draw();
  }

  async #end(key) {
    try {
      await this.#api.remove(`${this.#path}/${key.id}`);
      if (this.#made?.id === key.id) this.#made = null;
      this.#say(null);
    } catch (error) {
      this.#say(error);
    }
    this.#asking = null;
    await this.#look();
  }
}
