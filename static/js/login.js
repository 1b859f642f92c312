// Who is signed in, in this tab: the sign-in form, the kept session, and the way out.

import { element, show } from "./dom.js";
import { fill, sentenceFor, t } from "./i18n.js";

const STORED_AS = "songda.session";

export class Login {
  #api; #roles; #dialog; #onSignedIn; #onSignedOut;
  #session = null;

  /** Shows the form in `dialog` whenever nobody of `roles` is signed in; `onSignedIn(account)` and `onSignedOut()` follow. */
  constructor({ api, roles, dialog, onSignedIn, onSignedOut }) {
    this.#api = api;
    this.#roles = roles;
    this.#dialog = dialog;
    this.#onSignedIn = onSignedIn;
    this.#onSignedOut = onSignedOut;
  }

  get token() {
    return this.#session?.token ?? "";
  }

  get account() {
    return this.#session?.account ?? null;
  }

  start() {
    const kept = readSession();
    if (kept && this.#roles.includes(kept.account.role)) this.#enter(kept);
    else this.#ask("");
  }

  /** Ends the session here; `why` is a sentence above the form. */
  signOut(why = "") {
    const wasIn = this.#session !== null;
    this.#session = null;
    sessionStorage.removeItem(STORED_AS);
    this.#api.use(null);
    if (wasIn) this.#onSignedOut();
    this.#ask(why);
  }

  #enter(session) {
    this.#session = session;
    sessionStorage.setItem(STORED_AS, JSON.stringify(session));
    this.#api.use(session.token);
    this.#dialog.hidden = true;
    this.#onSignedIn(session.account);
  }

  #ask(why) {
    const message = element("p", { class: "problem", role: "alert" }, why);
    const login = element("input", { name: "login", autocomplete: "username", required: true, autocapitalize: "none" });
    const password = element("input", {
      name: "password", type: "password", autocomplete: "current-password", required: true,
    });
    const submit = element("button", { type: "submit", class: "primary", "data-t": "login.submit" });
    const form = element("form", { class: "card login" },
      element("h1", { "data-t": "login.title" }),
      element("label", {}, element("span", { "data-t": "login.login" }), login),
      element("label", {}, element("span", { "data-t": "login.password" }), password),
      message, submit, element("p", { class: "hint", "data-t": "login.hint" }));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true;
      message.textContent = "";
      try {
        await this.#signIn(login.value.trim(), password.value);
      } catch (error) {
        message.textContent = sentenceFor(error);
        password.select();
      } finally {
        submit.disabled = false;
      }
    });
    fill(form);
    show(this.#dialog, form);
    this.#dialog.hidden = false;
    login.focus();
  }

  async #signIn(login, password) {
    const session = await this.#api.post("/sessions", { login, password });
    const { role } = session.account;
    if (!this.#roles.includes(role)) throw new Error(t("login.wrong_role", { role: t(`role.${role}`) }));
    this.#enter(session);
  }
}

function readSession() {
  try {
    const session = JSON.parse(sessionStorage.getItem(STORED_AS) ?? "null");
    return session && Date.parse(session.expires_at) > Date.now() ? session : null;
  } catch {
    return null;                       // not ours, or from an older version: sign in again
  }
}
