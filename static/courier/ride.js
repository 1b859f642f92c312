// A courier's way with an order as his page sees it: what may come next, where reports that still wait have brought him,
// until when he must answer.  Pure.  server/dispatch/legs.py has the whole table.

const TO_PICKUP = [
  ["take", "accepted"], ["confirm_pickup", "pickup_confirmed"], ["set_off", "en_route_to_pickup"],
  ["arrive_at_pickup", "arrived_at_pickup"], ["pick_up", "picked_up"],
];
const TO_DROPOFF = [
  ["leave_pickup", "en_route_to_dropoff"], ["arrive_at_dropoff", "arrived_at_dropoff"], ["deliver", "delivered"],
];
const WAY_BACK = [["arrive_at_return", "arrived_at_return"], ["hand_back", "returned"]];
const REACHED = new Map([...TO_PICKUP, ...TO_DROPOFF, ...WAY_BACK]);
const START = { assigned: TO_PICKUP, picked_up: TO_DROPOFF, en_route_to_return: WAY_BACK };
const WITH_THE_BAG = new Set(["picked_up", "en_route_to_dropoff", "arrived_at_dropoff"]);
const ENDED = new Set(["delivered", "returned", "declined", "lapsed", "withdrawn"]);

/** The steps that lie ahead of an assignment in `state`, the usual next one first; he may skip some. */
export function ahead(state) {
  for (const way of [TO_PICKUP, TO_DROPOFF, WAY_BACK]) {
    const place = way.findIndex(([, reached]) => reached === state);
    if (START[state] === way) return way.map(([act]) => act);
    if (place >= 0 && place < way.length - 1) return way.slice(place + 1).map(([act]) => act);
  }
  return [];
}

/** Where he is once the reports that wait for the network are heard: `reports` are their names, oldest first. */
export function stateAfter(state, reports) {
  return reports.reduce((now, name) => {
    if (name === "decline") return "declined";
    return ahead(now).includes(name) ? REACHED.get(name) : now;
  }, state);
}

export const isEnded = (state) => ENDED.has(state);
export const mayDecline = (state) => !isEnded(state) && START.assigned.some(([, reached]) => reached === state && reached !== "picked_up") || state === "assigned";
export const mayFail = (state, orderStatus) => WITH_THE_BAG.has(state) && orderStatus !== "delivery_exception";

/** Which stop he rides to: "pickup", "dropoff" or "return". */
export function stopOf(state) {
  if (WITH_THE_BAG.has(state)) return "dropoff";
  return state === "en_route_to_return" || state === "arrived_at_return" ? "return" : "pickup";
}

/** When an id of ours was made, Unix ms: a UUIDv7 begins with that moment. */
export function madeAtMs(id) {
  return Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
}

/** Until when he must take an assignment before it goes to the next courier. */
export function answerByMs(assignment, takeWithinS) {
  return madeAtMs(assignment.id) + takeWithinS * 1000;
}

/** Opens the phone's own navigation at a place. */
export function geoUri({ lat, lng }, name) {
  return `geo:${lat.toFixed(6)},${lng.toFixed(6)}?q=${lat.toFixed(6)},${lng.toFixed(6)}(${encodeURIComponent(name)})`;
}

/** What must be shown at a step, by the merchant's wishes and what the staff does without. */
export function needs(act, order, merchant) {
  const waived = order.waived ?? [];
  if (act === "pick_up") return (merchant?.pickup_code_required ?? true) && !waived.includes("pickup_code") ? "code" : null;
  if (act === "deliver") return (merchant?.dropoff_proof_required ?? true) && !waived.includes("dropoff_proof") ? "proof" : null;
  return null;
}

/** What he has to be paid at the door, in minor units; 0 when it is paid. */
export function cashDue(order) {
  return order.payment_method === "cash" && order.payment_status === "due" ? order.total_minor : 0;
}
