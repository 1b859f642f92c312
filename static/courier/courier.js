// The courier's page: joins his order, his reports, his position and the connection.

import { newKey } from "../js/api.js";
import { Bell } from "../js/bell.js";
import { tickCountdowns } from "../js/countdown.js";
import { element, redraw, show } from "../js/dom.js";
import { onLanguage, sentenceFor, t } from "../js/i18n.js";
import { applyChange } from "../js/messages.js";
import { startPage, toast } from "../js/page.js";
import { drawAssignment } from "./assignment_view.js";
import { MyTickets } from "./my_tickets.js";
import { Outbox } from "./outbox.js";
import { openStore } from "./outbox_store.js";
import { PositionWatch } from "./position_watch.js";
import { isEnded, needs } from "./ride.js";
import { declineSheet, deliverSheet, failSheet, pickUpSheet, rateSheet, reportSheet } from "./sheets.js";
import { Today } from "./today.js";

const ONLINE = "songda.courier.online";
const byId = (id) => document.getElementById(id);
const bell = new Bell("songda.courier.sound");

let account = null;
let config = {};
let catalogue = null;
let view = null;                          // {order, assignment, contact}
let rules = null;                         // what the order's merchant asks for: pickup code, proof
let position = null;
let gps = { state: "off", fixes: 0 };
let leaveTopic = () => {};

const { api, connection, login } = await startPage({ roles: ["courier"], onSignedIn, onSignedOut, withMap: false, onConnection });
const outbox = new Outbox({ store: await openStore(), send, onChange: draw });
const tickets = new MyTickets({ api, place: byId("my-tickets"), catalogue: () => catalogue });
const today = new Today(byId("today"), openRating);

onLanguage(() => {
  closeSheet();
  draw();
  tickets.draw();
  today.draw();
});
addEventListener("online", () => outbox.flush());
setInterval(() => tickCountdowns(byId("ride"), api.now()), 1_000);
fetch("/config.json").then((answer) => answer.json()).then((told) => {
  config = told;
  draw();
}, () => {});
const topic = () => `courier:${account.id}`;
const wantsWork = () => localStorage.getItem(ONLINE) === account?.id;
login.start();

function onSignedIn(signedIn) {
  account = signedIn;
  position = new PositionWatch({
    connection, topic: topic(), onState: (state, fixes) => {
      gps = { state, fixes };
      drawStrip();
    },
  });
  join();
  outbox.begin(account.id);
  today.begin(account.id);
  tickets.look();
  askCatalogue();
  if (wantsWork()) position.start();
  draw();
}

function onSignedOut() {
  leaveTopic();
  position?.stop();
  outbox.begin(null);
  today.begin(null);
  tickets.clear();
  account = view = rules = position = null;
  closeSheet();
  draw();
}

/** Each new socket is told what was forgotten with the last one. */
function onConnection(state) {
  if (state === "live" && account) {
    connection.request(topic(), "availability", { available: wantsWork() }).catch(() => {});
    position?.reconnected();
    outbox.flush();
    if (!catalogue) askCatalogue();
  }
  draw();
}

function join() {
  leaveTopic();
  leaveTopic = connection.join(topic(), {
    onSnapshot: (snapshot) => begin(snapshot),
    onChange: (change) => hear(change),
    onEvent: (event, payload) => {
      if (event === "stored") position.stored(payload.seqs);
    },
    onRefused: (error) => toast(sentenceFor(error)),
  });
}

function begin({ assignment, order, contact }) {
  const isNew = assignment && assignment.id !== view?.assignment.id;
  if (view && assignment?.id !== view.assignment.id) over(view.assignment.state);
  view = assignment && order ? { order, assignment, contact } : null;
  if (isNew) {
    rules = null;
    askRules(order.merchant_id);
    if (assignment.state === "assigned") call();
  }
  draw();
}

function hear(change) {
  if (change.entity === "ticket_notice") tickets.look();
  if (change.entity === "assignment" && change.id !== view?.assignment.id) {
    join();                                // a new one: the snapshot has its people, too
    return;
  }
  if (!view) return;
  const next = applyChange({ ...view, position: null }, change);
  if (!next.assignment) {
    toast(t(`ride.gone_${change.fields.state}`));
    over(change.fields.state);
    view = null;
    closeSheet();
  } else {
    takeOver({ ...next, contact: view.contact });
  }
  draw();
}

/** The newer of what we know: answers and events come by two ways. */
function takeOver(next) {
  view = next;
  if (!isEnded(view.assignment.state)) return;
  over(view.assignment.state);
  const orderId = view.order.id;
  view = null;
  closeSheet();
  openRating(orderId);
}

function over(state) {
  if (isEnded(state)) today.add(view.order, state, api.now());
}

function call() {
  bell.ring();
  navigator.vibrate?.([250, 120, 250]);
  toast(t("ride.new_order"));
}

async function askCatalogue() {
  catalogue = await api.get("/ticket-kinds").catch(() => null);
  tickets.draw();
}

async function askRules(merchantId) {
  rules = await api.get(`/merchants/${merchantId}`).catch(() => null);
}

// Reports

/** Says a report to the server: its pictures first, then itself; each with its own key, so that nothing happens twice. */
async function send({ order_id: orderId, name, body, key, occurred_at: occurredAt, pictures = [] }) {
  const ids = [];
  for (const { blob, kind, key: pictureKey } of pictures) {
    ids.push((await api.upload(`/orders/${orderId}/media?kind=${kind}`, blob, pictureKey)).id);
  }
  if (name === "report_trouble") {
    await api.post(`/orders/${orderId}/tickets`, { ...body, ...(ids.length ? { media_ids: ids } : {}) }, key);
    tickets.look();
    return;
  }
  const shown = !ids.length ? {} : name === "deliver" ? { proof: { media_id: ids[0] } } : { evidence: ids };
  const { assignment, ...order } = await api.post(`/orders/${orderId}/${name.replaceAll("_", "-")}`, { ...body, ...shown, occurred_at: occurredAt }, key);
  if (view?.order.id !== orderId || !assignment || assignment.version < view.assignment.version) return;
  if (isEnded(assignment.state) && !["delivered", "returned"].includes(assignment.state)) {
    over(assignment.state);
    view = null;
  } else {
    takeOver({ ...view, order: { ...view.order, ...order }, assignment });
  }
}

async function report(name, { body = {}, pictures = [] } = {}) {
  closeSheet();
  await outbox.add({
    order_id: view.order.id, name, body, key: newKey(), occurred_at: new Date(api.now()).toISOString(),
    pictures: pictures.map((picture) => ({ ...picture, key: newKey() })),
  });
}

function onStep(name) {
  const needed = needs(name, view.order, rules);
  if (name === "pick_up" && needed) openSheet(pickUpSheet, name);
  else if (name === "deliver") openSheet((parts) => deliverSheet({ ...parts, isNeeded: Boolean(needed) }), name);
  else report(name);
}

function openSheet(make, name) {
  const form = make({ kinds: catalogue?.kinds ?? [], onSend: (given) => report(name, given), onClose: closeSheet });
  showSheet(form);
}

function showSheet(form) {
  show(byId("sheet"), form);
  byId("ride").hidden = true;
  form.querySelector("input, select, button")?.focus();
  scrollTo({ top: 0 });
}

function closeSheet() {
  show(byId("sheet"));
  byId("ride").hidden = false;
}

function openRating(orderId) {
  const form = rateSheet({
    onClose: closeSheet,
    onSend: async (given) => {
      try {
        await api.put(`/orders/${orderId}/handover`, given);
      } catch (error) {
        throw new Error(sentenceFor(error), { cause: error });
      }
      today.rated(orderId);
      closeSheet();
      toast(t("ride.thanks"));
    },
  });
  showSheet(form);
}

// Drawing

function draw() {
  if (!account) {
    for (const id of ["strip", "ride", "refused"]) show(byId(id));
    return;
  }
  drawStrip();
  drawRefused();
  if (view) {
    drawAssignment(byId("ride"), view, {
      outbox, config, now: () => api.now(), onStep,
      onDecline: () => openSheet(declineSheet, "decline"), onFail: () => openSheet(failSheet, "fail"),
      onReport: () => openSheet(reportSheet, "report_trouble"),
    });
  } else {
    redraw(byId("ride"), element("p", { class: "idle" }, t(wantsWork() ? "ride.waiting" : "ride.resting")));
  }
}

function drawStrip() {
  if (!account) return;
  const { state } = connection;
  redraw(byId("strip"),
    element("button", { type: "button", role: "switch", id: "online", "aria-checked": String(wantsWork()), onclick: switchWork },
      t(wantsWork() ? "ride.online" : "ride.offline")),
    element("span", { class: `small gps ${gps.state}`, id: "gps" }, t(`ride.gps_${gps.state}`), gps.fixes > 20 ? ` · ${t("ride.fixes_wait", { n: gps.fixes })}` : ""),
    outbox?.size ? element("span", { class: "small waiting", id: "waiting", role: "status" }, t("ride.reports_wait", { n: outbox.size })) : null,
    state === "replaced" ? element("p", { class: "problem-box" }, t("ride.elsewhere"), " ",
      element("button", { type: "button", onclick: () => connection.start() }, t("ride.use_here"))) : null);
}

function drawRefused() {
  const refused = outbox?.refused ?? [];
  show(byId("refused"), refused.length ? element("div", { class: "problem-box", role: "alert" },
    refused.map(({ report: { name }, error }) => element("p", {}, element("strong", {}, t(`ride.act_${name}`)), `: ${sentenceFor(error)}`)),
    element("button", { type: "button", onclick: () => outbox.forgetRefused() }, t("ride.understood"))) : null);
}

function switchWork() {
  const isOn = !wantsWork();
  localStorage.setItem(ONLINE, isOn ? account.id : "");
  bell.switch(isOn);
  if (isOn || view) position.start();
  else position.stop();
  connection.request(topic(), "availability", { available: isOn }).catch(() => {});   // else with the next socket
  draw();
}
