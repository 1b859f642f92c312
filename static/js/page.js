// What both pages begin with: languages, sign-in, the connection and its light, the map.  Returns the parts.

import { Api } from "./api.js";
import { onLanguage, startLanguage, t } from "./i18n.js";
import { Login } from "./login.js";
import { createMap, loadConfig, MapUnsupported } from "./map.js";
import { Connection } from "./socket.js";

const byId = (id) => document.getElementById(id);

/**
 * Starts a page for `roles`; `onSignedIn(account)` and `onSignedOut()` follow as people come and go, `onConnection(state)` as
 * the network does.
 */
export async function startPage({ roles, onSignedIn, onSignedOut, onConnection = () => {}, withMap = true }) {
  let state = "offline";
  const light = byId("connection");
  const showState = () => {
    light.dataset.state = state;
    light.textContent = t(`connection.${state}`);
  };
  const api = new Api({ onSignedOut: () => login.signOut(t("login.again")) });
  const connection = new Connection({
    url: new URL("/ws", location.href.replace(/^http/, "ws")).href,
    token: (how) => login.token(how),
    onState: (now) => {
      state = now;
      showState();
      onConnection(now);
      if (now === "signed_out") login.signOut(t("login.again"));
    },
  });
  const login = new Login({
    api,
    roles,
    dialog: byId("sign-in"),
    onSignedIn: (account) => {
      byId("who").textContent = account.display_name;
      byId("sign-out").hidden = false;
      connection.start();
      onSignedIn(account);
    },
    onSignedOut: () => {
      byId("who").textContent = "";
      byId("sign-out").hidden = true;
      connection.stop();
      onSignedOut();
    },
  });
  byId("sign-out").addEventListener("click", () => login.leave());
  addEventListener("online", () => connection.wake());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) connection.wake();
  });
  startLanguage();
  onLanguage(() => {
    document.title = t(document.body.dataset.title);
    showState();
  });
  document.title = t(document.body.dataset.title);
  showState();
  const { map, config } = withMap ? await openMap() : { map: null, config: {} };
  return { api, connection, login, map, config };
}

/** The map and what the server says about it; without either the lists still work, and the note says why. */
export async function openMap() {
  const note = byId("map-note");
  const onTrouble = () => { note.textContent = t("map.failed"); };
  let config = { center: [0, 0], zoom: 2 };
  try {
    config = { ...config, ...(await loadConfig()) };
  } catch {
    onTrouble();
  }
  try {
    const map = await createMap(byId("map"), config, { onTrouble });
    return { map, config };
  } catch (error) {
    if (!(error instanceof MapUnsupported)) throw error;
    note.textContent = t("map.unsupported");
    return { map: null, config };
  }
}

/** A message that goes away by itself. */
export function toast(words) {
  let list = document.querySelector(".toasts");
  if (!list) {
    list = document.createElement("div");
    list.className = "toasts";
    list.setAttribute("role", "status");
    document.body.append(list);
  }
  const one = document.createElement("div");
  one.className = "toast";
  one.textContent = words;
  list.append(one);
  setTimeout(() => one.remove(), 5_000);
}
