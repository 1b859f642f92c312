import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox } from "./outbox.js";
import { inMemory } from "./outbox_store.js";

const failure = (code, status = 0) => Object.assign(new Error(code), { code, status });
const report = (name, given = {}) => ({ order_id: "o", name, body: {}, key: `key-${name}`, occurred_at: "2026-11-23T12:00:00Z", ...given });
const noClock = { setTimeout: () => 1, clearTimeout: () => {} };

/** An outbox whose server answers as `answers` says, by the report's name. */
async function anOutbox(answers = {}, store = inMemory(), account = "me") {
  const heard = [];
  const outbox = new Outbox({
    store, clock: noClock,
    send: async ({ name, key }) => {
      if (answers[name]) throw answers[name];
      heard.push([name, key]);
    },
  });
  await outbox.begin(account);
  return { outbox, heard, store, answers };
}

test("reports are sent in the order in which they were made", async () => {
  const { outbox, heard } = await anOutbox();
  await Promise.all(["take", "set_off", "pick_up"].map((name) => outbox.add(report(name))));
  await outbox.flush();
  assert.deepEqual(heard.map(([name]) => name), ["take", "set_off", "pick_up"]);
  assert.equal(outbox.size, 0);
});

test("without network they wait, nothing overtakes, and a key stays the same", async () => {
  const { outbox, heard, answers } = await anOutbox({ take: failure("network") });
  await outbox.add(report("take"));
  await outbox.add(report("pick_up"));
  assert.deepEqual(heard, []);
  assert.deepEqual(outbox.waitingFor("o").map(({ name }) => name), ["take", "pick_up"]);
  delete answers.take;
  await outbox.flush();
  assert.deepEqual(heard, [["take", "key-take"], ["pick_up", "key-pick_up"]]);
});

test("what the phone kept is found again after it died, by its owner only", async () => {
  const { outbox, store } = await anOutbox({ take: failure("network") });
  await outbox.add(report("take"));
  const other = await anOutbox({}, store, "somebody else");
  assert.equal(other.outbox.size, 0);
  const { heard } = await anOutbox({}, store);
  await new Promise((resolve) => { setTimeout(resolve); });
  assert.deepEqual(heard.map(([name]) => name), ["take"]);
  assert.deepEqual(await store.all(), []);
});

test("a refused report is shown, and does not stop those after it", async () => {
  const { outbox, heard } = await anOutbox({ pick_up: failure("wrong_code", 409) });
  await outbox.add(report("pick_up"));
  await outbox.add(report("leave_pickup"));
  assert.deepEqual(outbox.refused.map(({ report: { name }, error }) => [name, error.code]), [["pick_up", "wrong_code"]]);
  assert.deepEqual(heard.map(([name]) => name), ["leave_pickup"]);
  outbox.forgetRefused();
  assert.deepEqual(outbox.refused, []);
});

test("a failing server and an ended session let them wait", async () => {
  for (const error of [failure("http_502", 502), failure("signed_out", 401), failure("too_many_requests", 429)]) {
    const { outbox } = await anOutbox({ take: error });
    await outbox.add(report("take"));
    assert.equal(outbox.size, 1);
    assert.deepEqual(outbox.refused, []);
  }
});
