import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { preferredLanguage, t } from "./i18n.js";
import { STEPS } from "./order_life.js";
import { EN } from "./words/en.js";
import { ZH } from "./words/zh.js";

const places = (words) => [...words.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("both languages have the same keys", () => {
  assert.deepEqual(Object.keys(ZH).sort(), Object.keys(EN).sort());
});

test("both languages fill the same places", () => {
  for (const key of Object.keys(EN)) assert.deepEqual(places(ZH[key]), places(EN[key]), key);
});

test("every step on the way has a name and a headline", () => {
  for (const step of STEPS) for (const kind of ["status", "headline"]) assert.ok(`${kind}.${step}` in EN, `${kind}.${step}`);
});

const STATIC = new URL("../", import.meta.url);
const sources = readdirSync(STATIC, { recursive: true })
  .filter((name) => /\.(js|html)$/.test(name) && !name.endsWith(".test.js") && !name.includes("words"))
  .map((name) => readFileSync(new URL(name, STATIC), "utf8"));

test("every key the pages name exists", () => {
  const named = sources.flatMap((source) => [
    ...[...source.matchAll(/\bt\("([a-z_]+\.[a-z0-9_]+)"/g)].map(([, key]) => key),
    ...[...source.matchAll(/data-t(?:-label|-placeholder)?="([^"]+)"/g)].map(([, key]) => key),
  ]);
  assert.ok(named.length > 20);
  assert.deepEqual(named.filter((key) => !(key in EN)), []);
});

test("no key is left over", () => {
  const text = sources.join("\n");
  const made = ["desk.", "ride.", "status.", "headline.", "role.", "connection.", "error.", "presence.", "dispatch.", "title.", "api.in_", "shop.", "fault.", "webhooks.", "delivery.", "outcome.",
    "pay.", "payment.", "refund.", "checkout.", "proof.", "review.", "follow.", "kitchen.", "why.", "carrier.", "column.", "standing.", "day.", "ledger.", "scope."];   // by `${}`
  const unused = Object.keys(EN).filter((key) => !text.includes(`"${key}"`) && !made.some((start) => key.startsWith(start)));
  assert.deepEqual(unused, []);
});

test("words take their values", () => {
  assert.equal(t("orders.number", { n: 17 }), "Order 17");
  assert.equal(t("orders.number", { n: 17 }, "zh"), "订单 17");
});

test("the visitor's language: chosen before, else the browser's, else English", () => {
  assert.equal(preferredLanguage("zh", ["en-US"]), "zh");
  assert.equal(preferredLanguage("", ["fi-FI", "zh-Hans-CN", "en"]), "zh");
  assert.equal(preferredLanguage("xx", ["fi"]), "en");
});
