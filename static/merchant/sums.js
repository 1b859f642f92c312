// Sums as people write them, to and from minor units (cents) of a currency.  Pure.

/** How many digits a currency has behind its point. */
function digitsOf(currency) {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
}

/** "12.50" or "12,5" in minor units; null when it is no sum, or finer than the currency. */
export function minorOf(text, currency) {
  const found = /^(\d{1,7})(?:[.,](\d+))?$/.exec(text.trim());
  const digits = digitsOf(currency);
  if (!found || (found[2]?.length ?? 0) > digits) return null;
  return Number(found[1]) * 10 ** digits + Number((found[2] ?? "").padEnd(digits, "0") || 0);
}

/** Minor units as "12.50", to be edited. */
export function textOfMinor(minor, currency) {
  const digits = digitsOf(currency);
  return (minor / 10 ** digits).toFixed(digits);
}

/** What a merchant's entries come to, by what they were for: [{reason, currency, amount_minor, count}]. */
export function byReason(entries) {
  const sums = new Map();
  for (const { reason, currency, amount_minor: amount } of entries) {
    const key = `${reason} ${currency}`;
    const sum = sums.get(key) ?? { reason, currency, amount_minor: 0, count: 0 };
    sums.set(key, { ...sum, amount_minor: sum.amount_minor + amount, count: sum.count + 1 });
  }
  return [...sums.values()];
}
