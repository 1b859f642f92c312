// The desk of dispatchers, customer service and operations: joins tickets, orders and the connection; the hash says what is open.

import { Bell } from "../js/bell.js";
import { element, show } from "../js/dom.js";
import { onLanguage, sentenceFor, t } from "../js/i18n.js";
import { startPage } from "../js/page.js";
import { Administration } from "./administration.js";
import { ArchivedPage } from "./archived_page.js";
import { LookUp } from "./look_up.js";
import { OrderPage } from "./order_page.js";
import { callsFor, TicketBook } from "./ticket_book.js";
import { TicketList } from "./ticket_list.js";
import { TicketPage } from "./ticket_page.js";
import { Catalogue } from "./ticket_words.js";

const REDRAW_MS = 15_000;               // what is soon due turns colour
const ASK_AGAIN_MS = 300;
const byId = (id) => document.getElementById(id);

const book = new TicketBook();
const bell = new Bell("songda.desk.sound");
let account = null;
let catalogue = null;
let list = null;
let page = null;                         // what is open on the right: leave(), tick(), hear(), retell()
let leaveTopic = () => {};
let askingAgain = null;

const { api, connection, login } = await startPage({
  roles: ["dispatcher", "customer_service", "operations_manager", "administrator"], onSignedIn, onSignedOut, withMap: false,
});
onLanguage(() => {
  if (!account) return;
  byId("who").textContent = `${account.display_name} · ${t(`role.${account.role}`)}`;
  drawDoors();
  list?.drawFilters();
  list?.draw();
  page?.retell();
});
addEventListener("hashchange", open);
setInterval(() => {
  list?.tick();
  page?.tick();
}, 1_000);
setInterval(() => list?.draw(), REDRAW_MS);
const worksOnTickets = () => account.role !== "administrator";
login.start();

async function onSignedIn(signedIn) {
  account = signedIn;
  byId("who").textContent = `${account.display_name} · ${t(`role.${account.role}`)}`;
  byId("problem").textContent = "";
  drawDoors();
  byId("side").hidden = !worksOnTickets();
  document.body.classList.toggle("alone", !worksOnTickets());
  if (!worksOnTickets()) return open();
  try {
    catalogue = new Catalogue(await api.get("/ticket-kinds"));
  } catch (error) {
    byId("problem").textContent = sentenceFor(error);
    return undefined;
  }
  if (account !== signedIn) return undefined;
  list = new TicketList({
    api, book, bell, catalogue, account, filters: byId("filters"), list: byId("tickets"), empty: byId("no-tickets"),
  });
  leaveTopic = connection.join("tickets:all", {
    onSnapshot: ({ tickets }) => {
      book.begin(tickets);
      list.draw();
    },
    onChange: hear,
    onRefused: (error) => { byId("problem").textContent = sentenceFor(error); },
  });
  return open();
}

function onSignedOut() {
  leaveTopic();
  page?.leave();
  account = list = page = null;
  book.begin([]);
  for (const id of ["filters", "tickets", "panel", "doors"]) show(byId(id));
  bell.show(0);
}

function hear(change) {
  const told = book.apply(change);
  if (page?.ticketId === change.id || page?.orderId === change.fields?.order_id) page.hear(change);
  if (told === "unknown") askAgain();
  else if (told) {
    if (callsFor(account.role, told)) bell.ring();
    list.draw();
  }
}

/** A ticket that has come back, or a change that we missed: asks for the open ones, once for several. */
function askAgain() {
  askingAgain ??= setTimeout(async () => {
    askingAgain = null;
    try {
      const before = new Set(book.list({}, account, api.now()).map(({ id }) => id));
      const { tickets } = await api.get("/tickets", { open: "true", limit: 200 });
      tickets.forEach((ticket) => book.put(ticket));
      if (tickets.some((ticket) => !before.has(ticket.id) && callsFor(account.role, { ticket, before: null }))) bell.ring();
      list?.draw();
    } catch {
      // The next change asks again.
    }
  }, ASK_AGAIN_MS);
}

function drawDoors() {
  const doors = [
    ...(worksOnTickets() ? [["#/", "desk.tickets"], ["#/orders", "desk.orders"]] : []),
    ...(["operations_manager", "administrator"].includes(account.role) ? [["#/admin", "desk.administration"]] : []),
  ];
  show(byId("doors"), doors.map(([href, key]) => element("a", { href, class: "door-link" }, t(key))));
  markDoor();
}

function markDoor() {
  const place = location.hash || "#/";
  for (const link of byId("doors").querySelectorAll("a")) {
    const href = link.getAttribute("href");
    const isHere = href === "#/" ? /^#\/(tickets.*)?$/.test(place)
      : place.startsWith(href) || (href === "#/orders" && place.startsWith("#/archive"));
    link.toggleAttribute("aria-current", isHere);
  }
}

/** Opens what the hash names. */
function open() {
  if (!account) return;
  page?.leave();
  const [, what = "", id = ""] = location.hash.split("/");
  const panel = byId("panel");
  const parts = { api, account, catalogue, book, panel };
  const isAlone = !worksOnTickets();
  document.body.dataset.open = what || (isAlone ? "admin" : "");
  const pages = {
    tickets: () => Object.assign(new TicketPage(parts, id), { ticketId: id }),
    orders: () => (id ? Object.assign(new OrderPage(parts, id), { orderId: id }) : new LookUp(parts)),
    archive: () => (id ? new ArchivedPage(parts, id) : new LookUp(parts, "archive")),
    admin: () => new Administration(parts),
  };
  page = isAlone || pages[what] ? (isAlone ? pages.admin() : pages[what]()) : null;
  if (!page) show(panel, element("p", { class: "empty welcome" }, t("desk.welcome")));
  list?.select(what === "tickets" ? id : null);
  markDoor();
}
