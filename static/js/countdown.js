// Words with the time that is left, kept true each second.

import { element } from "./dom.js";
import { t } from "./i18n.js";
import { leftText } from "./order_life.js";

/** The words of `key`, their place {left} filled with the time until `untilMs`, as `tickCountdowns` goes over them. */
export function countdown(key, untilMs, nowMs, given = {}) {
  const text = element("span", { "data-until": String(untilMs), "data-key": key, ...given });
  tick(text, nowMs);
  return text;
}

/** Sets all countdowns below `root` to now (Unix ms); true when one of them has just run out. */
export function tickCountdowns(root, nowMs) {
  let ranOut = false;
  for (const text of root.querySelectorAll("[data-until]")) ranOut = tick(text, nowMs) || ranOut;
  return ranOut;
}

function tick(text, nowMs) {
  const leftMs = Number(text.dataset.until) - nowMs;
  text.textContent = t(text.dataset.key, { left: leftText(leftMs) });
  const ranOut = leftMs <= 0 && text.dataset.over !== "yes";
  if (leftMs <= 0) text.dataset.over = "yes";
  return ranOut;
}
