// The page behind a tracking link: one order, live, for somebody without an account.

import { Catalogue } from "../customer/catalogue.js";
import { OrderView } from "../customer/order.js";
import { Api } from "../js/api.js";
import { element, show } from "../js/dom.js";
import { onLanguage, sentenceFor, startLanguage, t } from "../js/i18n.js";
import { followScheme } from "../js/map.js";
import { openMap } from "../js/page.js";
import { Connection } from "../js/socket.js";
import { forgetToken, tokenOf } from "./link_token.js";

const byId = (id) => document.getElementById(id);
const panel = byId("panel");
const follow = byId("follow");
const light = byId("connection");
let state = "offline";
let shown = null;                        // what stands in the panel: {speak}
let parts = null;                        // {map, config}
let token = "";

const api = new Api();
// A link's token is the only one there is: refused, there is no other.
api.use(async ({ renew = false }) => (renew ? "" : token));
const connection = new Connection({
  url: new URL("/ws", location.href.replace(/^http/, "ws")).href,
  token: async () => token,
  onState: (now) => {
    state = now;
    showState();
    if (now === "signed_out" || now === "stopped") end("ended");
  },
});

startLanguage();
speak();
onLanguage(speak);
addEventListener("online", () => connection.wake());
addEventListener("hashchange", begin);   // another link in the same tab
document.addEventListener("visibilitychange", () => { if (!document.hidden) connection.wake(); });
follow.addEventListener("click", () => {
  follow.setAttribute("aria-pressed", String(follow.getAttribute("aria-pressed") !== "true"));
});
begin();

async function begin() {
  if (shown?.view && !location.hash) return;
  token = tokenOf(location.hash, sessionStorage);
  if (location.hash) history.replaceState(null, "", location.pathname);
  shown?.view?.leave();
  shown = null;
  connection.stop();
  if (!token) {
    end("no_token");
    return;
  }
  show(panel, element("div", { class: "view" }, element("p", { class: "empty" }, "…")));
  try {
    parts ??= await openMap();
    const { orders: [order] } = await api.get("/orders");
    if (order) watch(order.id);
    else end("ended");
  } catch (error) {
    if ([401, 403, 404].includes(error.status)) end("ended");
    else trouble(error);
  }
}

function watch(orderId) {
  const view = new OrderView({
    api, connection, ...parts, panel, follow, limits: parts.config, orderId, catalogue: new Catalogue(), isGuest: true,
    onRefused: () => end("ended"),
  });
  shown = { view, speak: () => view.speak() };
  if (parts.map && !parts.isWatched) {
    parts.isWatched = true;
    parts.map.on("dragstart", () => follow.setAttribute("aria-pressed", "false"));
    followScheme(parts.map, parts.config, () => {});
  }
  connection.start();
}

/** Says why there is nothing to follow. */
function end(why) {
  shown?.view?.leave();
  if (why === "ended") forgetToken(sessionStorage);
  const draw = () => show(panel, element("div", { class: "view" },
    element("h1", { id: "headline" }, t(`follow.${why}`)), element("p", { class: "soft" }, t(`follow.${why}_text`))));
  shown = { speak: draw };
  draw();
}

function trouble(error) {
  const draw = () => show(panel, element("div", { class: "view" },
    element("p", { class: "problem-box", role: "alert" }, sentenceFor(error)),
    element("button", { type: "button", onclick: begin }, t("orders.again"))));
  shown = { speak: draw };
  draw();
}

function showState() {
  light.dataset.state = state;
  light.textContent = t(`connection.${state}`);
}

function speak() {
  document.title = t(document.body.dataset.title);
  showState();
  shown?.speak();
}
