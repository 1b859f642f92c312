// The wire: frames of songda.v1 as JSON text, what a close code asks of us, and how a change alters what we know.
// Pure.  docs/protocol.md tells the whole contract; server/wire/ has the types.

export const SUBPROTOCOL = "songda.v1";

/** One frame to send. */
export function encodeFrame(topic, event, payload = {}, ref = undefined) {
  return JSON.stringify({ topic, event, payload, ...(ref === undefined ? {} : { ref }) });
}

/** One received frame, or null when it is none of ours (newer servers may say more than we know). */
export function decodeFrame(text) {
  let frame;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  if (frame === null || typeof frame !== "object") return null;
  if (typeof frame.topic !== "string" || typeof frame.event !== "string") return null;
  return { payload: {}, ref: null, cursor: null, ...frame };
}

const FRESH_TOKEN = 4001;                        // come back with another token
const REPLACED = 4010;                           // a newer socket of the same courier
const SIGN_IN_AGAIN = 4501;                      // not authenticated
const GIVE_UP_FROM = 4500;                       // below: come back; server/wire/close_codes.py

/**
 * What a closed socket means: "return" (come back), "renew" (with a fresh token), "replaced" (only if its owner wants it here),
 * "sign_in", "stop" (there is no use).
 */
export function afterClose(code) {
  if (code === FRESH_TOKEN) return "renew";
  if (code === REPLACED) return "replaced";
  if (code === SIGN_IN_AGAIN) return "sign_in";
  return code >= GIVE_UP_FROM && code < 5000 ? "stop" : "return";
}

/** Whether a refusal (of REST or of the socket) means that this token is good no more, and another may be. */
export function asksForFreshToken(code) {
  return code === "token_expired" || code === "signed_out";
}

/** Whether a refusal means that nobody is signed in. */
export function asksForSignIn(code) {
  return code === "not_authenticated";
}

/** Whether a refusal means that there is no use in coming back. */
export function isBarred(code) {
  return code === "suspended" || code === "dismissed";
}

const ENDED_EARLY = new Set(["declined", "lapsed", "withdrawn"]);   // an assignment that came to nothing

/**
 * What is known of an order, {order, assignment, position}, after `change`.  The same object comes back when the change
 * is not newer than what we have: frames may repeat what a snapshot already told.
 */
export function applyChange(view, change) {
  if (change.entity === "order" && change.id === view.order.id) {
    if (change.version <= view.order.version) return view;
    const order = { ...view.order, ...change.fields, version: change.version };
    return { ...view, order, position: isOver(order.status) ? null : view.position };
  }
  if (change.entity === "assignment" && change.fields.order_id === view.order.id) {
    const known = view.assignment;
    if (known?.id === change.id && change.version <= known.version) return view;
    if (ENDED_EARLY.has(change.fields.state ?? change.name)) {
      return known?.id === change.id ? { ...view, assignment: null, position: null } : view;
    }
    const before = known?.id === change.id ? known : {};
    return { ...view, assignment: { ...before, ...change.fields, id: change.id, version: change.version } };
  }
  return view;
}

const ENDED = new Set(["completed", "rejected", "expired", "cancelled", "returned", "closed"]);

/** Whether nothing is under way any more for an order in `status`, though a slip may still be undone. */
export function isEnded(status) {
  return ENDED.has(status);
}

/** Whether nobody rides for an order in `status` any more: it has ended, or waits for its customer's word only. */
export function isOver(status) {
  return status === "delivered" || isEnded(status);
}

/** A row of `look` and `positions` by its names. */
export function courierOf([courierId, lat, lng, bearing, state, fixTime, receivedAt]) {
  return { courierId, lat, lng, bearing_deg: bearing, state, fixTime, receivedAt };
}
