// Who is signed in, in this tab: the sign-in form, the kept session, and the way out.

import { element, show } from "./dom.js";
import { fill, sentenceFor, t } from "./i18n.js";

const STORED_AS = "songda.session";
const RENEW_BEFORE_MS = 60_000;

export class Login {
  #api; #roles; #dialog; #onSignedIn; #onSignedOut;
  #session = null;
  #renewing = null;                  // the promise of the next token, while it is asked for
  // A tab that was duplicated has the same refresh token, which is good once: who gets the next one tells the others.
  #tabs = new BroadcastChannel(STORED_AS);

  /** Shows the form in `dialog` whenever nobody of `roles` is signed in; `onSignedIn(account)` and `onSignedOut()` follow. */
  constructor({ api, roles, dialog, onSignedIn, onSignedOut }) {
    this.#api = api;
    this.#roles = roles;
    this.#dialog = dialog;
    this.#onSignedIn = onSignedIn;
    this.#onSignedOut = onSignedOut;
    this.#tabs.onmessage = ({ data }) => {
      if (familyOf(data) && familyOf(data) === familyOf(this.#session)) this.#keep(data);
    };
  }

  /** A token that is good for a minute at least, "" when nobody is signed in; `renew`: not the one there is. */
  async token({ renew = false } = {}) {
    const session = this.#session;
    if (session?.refresh_token && (renew || endsWithin(session, RENEW_BEFORE_MS, this.#api.now()))) {
      this.#renewing ??= this.#renew(session).finally(() => { this.#renewing = null; });
      await this.#renewing;
    } else if (renew) {
      return "";
    }
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

  /** The person asked for it: the session ends on the server, too. */
  leave() {
    if (this.#session) this.#api.remove("/sessions/current").catch(() => {});   // else it ends by itself
    this.signOut();
  }

  async #renew(session) {
    try {
      const next = await this.#api.postAnonymously("/sessions/refresh", { refresh_token: session.refresh_token });
      if (this.#session !== session) return;
      this.#keep(next);
      this.#tabs.postMessage(next);
    } catch (error) {
      // Without network the token there is may do; it is tried again with the next request.
      if ([401, 403].includes(error.status) && this.#session === session) this.signOut(t("login.again"));
    }
  }

  #keep(session) {
    this.#session = session;
    sessionStorage.setItem(STORED_AS, JSON.stringify(session));
  }

  #enter(session) {
    this.#keep(session);
    this.#api.use((how) => this.token(how));
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
    const session = await this.#api.postAnonymously("/sessions", { login, password });
    const { role } = session.account;
    if (!this.#roles.includes(role)) throw new Error(t("login.wrong_role", { role: t(`role.${role}`) }));
    this.#enter(session);
  }
}

function readSession() {
  try {
    const session = JSON.parse(sessionStorage.getItem(STORED_AS) ?? "null");
    return session && (session.refresh_token || !endsWithin(session, 0, Date.now())) ? session : null;
  } catch {
    return null;                       // not ours, or from an older version: sign in again
  }
}

function endsWithin(session, ms, now) {
  return Date.parse(session.expires_at) - now < ms;
}

/** What all refresh tokens of a session have in common. */
function familyOf(session) {
  return session?.refresh_token?.split(".")[0];
}
