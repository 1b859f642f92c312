// The token that a link brings behind its #.  Pure.  It is a bearer token: it is read once, taken out of the address bar,
// and kept for this tab only, so that it stands in no history and nobody sees it over a shoulder.

const STORED_AS = "songda.link";

/** The token of the address's `hash`, else the one this tab has kept in `storage`; "" if there is neither. */
export function tokenOf(hash, storage) {
  const given = decodeSafely(hash.replace(/^#/, "")).trim();
  if (!looksLikeToken(given)) return storage.getItem(STORED_AS) ?? "";
  storage.setItem(STORED_AS, given);
  return given;
}

/** This tab knows no token any more. */
export function forgetToken(storage) {
  storage.removeItem(STORED_AS);
}

/** Three parts with dots between them, as our signed statements have. */
function looksLikeToken(text) {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}

function decodeSafely(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
