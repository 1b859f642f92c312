import assert from "node:assert/strict";
import { test } from "node:test";

import { forgetToken, tokenOf } from "./link_token.js";

function storage() {
  const kept = new Map();
  return {
    getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), removeItem: (name) => kept.delete(name),
  };
}

test("the token is read from the address and kept for this tab", () => {
  const tab = storage();
  assert.equal(tokenOf("#aa.bb-1.c_c", tab), "aa.bb-1.c_c");
  assert.equal(tokenOf("", tab), "aa.bb-1.c_c");
  assert.equal(tokenOf("#dd.ee.ff", tab), "dd.ee.ff");
  forgetToken(tab);
  assert.equal(tokenOf("", tab), "");
});

test("what is no token is none", () => {
  for (const hash of ["", "#", "#top", "#aa.bb", "#%E0%A4%A", "#aa.bb.cc dd"]) assert.equal(tokenOf(hash, storage()), "");
});
