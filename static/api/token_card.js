// The token for trying things: given by hand or by signing in, kept in this page's memory and nowhere else.

import { element, show } from "/static/js/dom.js";
import { fill, sentenceFor, t } from "/static/js/i18n.js";

/** Draws the card; `onToken(token, account)` is told the token, or null when it is forgotten. */
export function tokenCard({ api, card, onToken }) {
  const problem = element("p", { class: "problem", role: "alert" });
  const login = element("input", { name: "login", autocomplete: "username", autocapitalize: "none" });
  const password = element("input", { name: "password", type: "password", autocomplete: "current-password" });
  const token = element("input", { name: "token", type: "password", autocomplete: "off", spellcheck: "false" });
  const label = (words, input) => element("label", {}, element("span", { "data-t": words }), input);

  const attempt = (act) => async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      await act();
    } catch (error) {
      api.use(null);
      problem.textContent = sentenceFor(error);
    }
  };
  const take = async (given) => {
    api.use(given);
    onToken(given, await api.get("/me"));
    for (const input of [login, password, token]) input.value = "";
  };
  const signIn = element("form", { class: "sign-in" }, label("login.login", login), label("login.password", password),
    element("button", { type: "submit", class: "primary", "data-t": "login.submit" }));
  signIn.addEventListener("submit", attempt(async () => {
    const session = await api.post("/sessions", { login: login.value.trim(), password: password.value });
    await take(session.token);
  }));
  const byHand = element("form", { class: "sign-in" }, label("api.token", token),
    element("button", { type: "submit", "data-t": "api.use_token" }));
  byHand.addEventListener("submit", attempt(() => take(token.value.trim())));
  const forget = element("button", { type: "button", class: "quiet", "data-t": "api.forget_token" });
  forget.addEventListener("click", () => {
    api.use(null);
    onToken(null, null);
  });
  show(card, element("p", { class: "hint", "data-t": "api.token_hint" }), signIn, byHand, problem, forget);
  fill(card);
}

/** Who the token is of, in a few words. */
export function whoWords(account) {
  return account ? `${account.display_name} · ${t(`role.${account.role}`)}` : "";
}
