import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection } from "./socket.js";

/** A socket that does what the test says, and a clock that the test turns. */
class World {
  constructor() {
    this.sockets = [];
    this.states = [];
    this.asked = [];                // how the token was asked for
    this.timers = new Map();
    this.now = 0;
    let id = 0;
    this.clock = {
      setTimeout: (act, ms) => { id += 1; this.timers.set(id, { act, at: this.now + ms }); return id; },
      clearTimeout: (timer) => this.timers.delete(timer),
    };
    this.connection = new Connection({
      url: "wss://songda.test/ws",
      token: (how) => { this.asked.push(how); return "t-1"; },
      random: () => 1,
      clock: this.clock,
      onState: (state) => this.states.push(state),
      open: () => {
        const socket = { sent: [], closed: false, send: (text) => socket.sent.push(JSON.parse(text)), close: () => { socket.closed = true; } };
        this.sockets.push(socket);
        return socket;
      },
    });
  }

  get socket() { return this.sockets.at(-1); }

  async pass(ms) {
    this.now += ms;
    for (const [id, { act, at }] of [...this.timers]) {
      if (at <= this.now && this.timers.delete(id)) act();
    }
    await settled();
  }

  async say(frame) {
    this.socket.onmessage({ data: JSON.stringify(frame) });
    await settled();
  }

  reply(to, ok, more = {}) {
    return this.say({ topic: to.topic, event: "reply", ref: to.ref, payload: { ok }, ...more });
  }

  async signedIn() {
    this.connection.start();
    await this.comeIn();
  }

  async comeIn() {
    this.socket.onopen();
    await settled();
    await this.reply(this.socket.sent[0], { account_id: "a" });
  }
}

const settled = () => new Promise((resolve) => { setImmediate(resolve); });
const listener = () => {
  const heard = [];
  return {
    heard,
    onSnapshot: (snapshot) => heard.push(["snapshot", snapshot]),
    onChange: (change) => heard.push(["change", change]),
    onEvent: (event, payload) => heard.push([event, payload]),
    onRefused: (error) => heard.push(["refused", error.code]),
  };
};

test("the first frame authenticates and the token is in no URL", async () => {
  const world = new World();
  await world.signedIn();
  assert.deepEqual(world.socket.sent[0],
    { topic: "session", event: "authenticate", payload: { token: "t-1" }, ref: "1" });
  assert.deepEqual(world.states, ["connecting", "live"]);
});

test("a topic gets its snapshot, then its changes", async () => {
  const world = new World();
  const order = listener();
  world.connection.join("order:1", order);
  await world.signedIn();
  const join = world.socket.sent[1];
  assert.deepEqual([join.topic, join.event, join.payload], ["order:1", "join", {}]);
  await world.reply(join, { snapshot: { order: 1 } }, { cursor: "c-1" });
  await world.say({ topic: "order:1", event: "changed", payload: { version: 2 }, cursor: "c-2" });
  await world.say({ topic: "order:1", event: "position", payload: { lat: 1 } });
  assert.deepEqual(order.heard, [["snapshot", { order: 1 }], ["change", { version: 2 }], ["position", { lat: 1 }]]);
});

test("after a break it goes on from the last cursor", async () => {
  const world = new World();
  const order = listener();
  world.connection.join("order:1", order);
  await world.signedIn();
  await world.reply(world.socket.sent[1], { snapshot: {} }, { cursor: "c-1" });
  await world.say({ topic: "order:1", event: "changed", payload: { version: 2 }, cursor: "c-2" });
  world.socket.onclose({ code: 1006, reason: "" });
  assert.equal(world.connection.state, "waiting");
  await world.pass(500);
  await world.comeIn();
  const join = world.socket.sent[1];
  assert.deepEqual(join.payload, { since: "c-2" });
  await world.reply(join, { changes: 1 });
  await world.say({ topic: "order:1", event: "changed", payload: { version: 3 }, cursor: "c-3" });
  assert.deepEqual(order.heard.at(-1), ["change", { version: 3 }]);
  assert.equal(order.heard.filter(([kind]) => kind === "snapshot").length, 1);
});

test("a resync brings a new snapshot", async () => {
  const world = new World();
  const order = listener();
  world.connection.join("order:1", order);
  await world.signedIn();
  await world.reply(world.socket.sent[1], { snapshot: { v: 1 } }, { cursor: "c-1" });
  world.socket.onclose({ code: 4000, reason: '{"retry_in_ms":100}' });
  await world.pass(200);
  await world.comeIn();
  await world.reply(world.socket.sent[1], { resync: true, snapshot: { v: 9 } }, { cursor: "c-9" });
  assert.deepEqual(order.heard.at(-1), ["snapshot", { v: 9 }]);
});

test("a topic that the server cannot read now is asked for again, with the same cursor", async () => {
  const world = new World();
  const order = listener();
  world.connection.join("order:1", order);
  await world.signedIn();
  await world.reply(world.socket.sent[1], { snapshot: {} }, { cursor: "c-1" });
  world.socket.onclose({ code: 1006, reason: "" });
  await world.pass(500);
  await world.comeIn();
  for (const waitMs of [500, 1_000]) {
    const { ref } = world.socket.sent.at(-1);
    await world.say({ topic: "order:1", event: "reply", ref, payload: { error: { code: "unavailable", message: "" } } });
    await world.pass(waitMs);
  }
  const join = world.socket.sent.at(-1);
  assert.deepEqual([world.socket.sent.length, join.event, join.payload], [4, "join", { since: "c-1" }]);
  await world.reply(join, { changes: 0 });
  assert.equal(order.heard.filter(([kind]) => kind === "refused").length, 0);
});

test("each vain try waits longer; signing in resets it", async () => {
  const world = new World();
  world.connection.start();
  world.socket.onclose({ code: 1006, reason: "" });
  await world.pass(499);
  assert.equal(world.sockets.length, 1);
  await world.pass(1);
  assert.equal(world.sockets.length, 2);
  world.socket.onclose({ code: 1006, reason: "" });
  await world.pass(999);
  assert.equal(world.sockets.length, 2);
  await world.pass(1);
  assert.equal(world.sockets.length, 3);
  await world.comeIn();
  world.socket.onclose({ code: 1006, reason: "" });
  await world.pass(500);
  assert.equal(world.sockets.length, 4);
});

test("after an expired token we come back with another, once", async () => {
  const world = new World();
  await world.signedIn();
  world.socket.onclose({ code: 4001, reason: "" });
  assert.equal(world.sockets.length, 2);
  assert.deepEqual(world.asked.at(-1), { renew: false });
  world.socket.onopen();
  await settled();
  assert.deepEqual(world.asked.at(-1), { renew: true });
  await world.say({ topic: "session", event: "reply", ref: world.socket.sent[0].ref,
    payload: { error: { code: "signed_out", message: "no" } } });
  assert.equal(world.connection.state, "signed_out");
  await world.pass(600_000);
  assert.equal(world.sockets.length, 2);
});

test("a visit shows another token before the one it began with ends", async () => {
  const world = new World();
  world.connection.start();
  world.socket.onopen();
  await settled();
  await world.reply(world.socket.sent[0], { good_for_s: 900 });
  await world.pass(854_000);
  await world.say({ topic: "session", event: "nothing" });
  const count = () => world.socket.sent.filter((frame) => frame.event === "authenticate").length;
  assert.equal(count(), 1);
  await world.pass(1_000);
  assert.equal(count(), 2);
  assert.equal(world.sockets.length, 1);
});

test("a suspended account does not come back", async () => {
  const world = new World();
  world.connection.start();
  world.socket.onopen();
  await settled();
  await world.say({ topic: "session", event: "reply", ref: world.socket.sent[0].ref,
    payload: { error: { code: "suspended", message: "no" } } });
  assert.equal(world.connection.state, "stopped");
  await world.pass(600_000);
  assert.equal(world.sockets.length, 1);
});

test("a protocol nobody speaks any more stops us", async () => {
  const world = new World();
  await world.signedIn();
  world.socket.onclose({ code: 4504, reason: "" });
  assert.equal(world.connection.state, "stopped");
  await world.pass(600_000);
  assert.equal(world.sockets.length, 1);
});

test("a refused topic says so", async () => {
  const world = new World();
  const order = listener();
  world.connection.join("order:2", order);
  await world.signedIn();
  await world.say({ topic: "order:2", event: "reply", ref: world.socket.sent[1].ref,
    payload: { error: { code: "not_allowed", message: "no" } } });
  assert.deepEqual(order.heard, [["refused", "not_allowed"]]);
});

test("a dead network is noticed by silence", async () => {
  const world = new World();
  await world.signedIn();
  await world.pass(40_000);
  assert.equal(world.socket.sent.at(-1).event, "heartbeat");
  await world.pass(10_000);
  assert.equal(world.connection.state, "waiting");
});

test("any answer to the question shows life", async () => {
  const world = new World();
  await world.signedIn();
  await world.pass(40_000);
  const ping = world.socket.sent.at(-1);
  await world.say({ topic: "session", event: "reply", ref: ping.ref, payload: { error: { code: "unknown_event" } } });
  await world.pass(10_000);
  assert.equal(world.connection.state, "live");
});

test("looking again replaces the view, and a late answer to the old one is not taken", async () => {
  const world = new World();
  await world.signedIn();
  const rows = [];
  world.connection.look(["a"], { onCouriers: () => rows.push("old") });
  const first = world.socket.sent.at(-1);
  world.connection.look(["b"], { onCouriers: (couriers) => rows.push(couriers) });
  const second = world.socket.sent.at(-1);
  await world.reply(first, { couriers: [] });
  await world.reply(second, { couriers: [["c-1"]] });
  assert.deepEqual(rows, [[["c-1"]]]);
  assert.deepEqual(second.payload, { cells: ["b"] });
});

test("leaving is told, and nothing of the topic is heard any more", async () => {
  const world = new World();
  const order = listener();
  const leave = world.connection.join("order:1", order);
  await world.signedIn();
  leave();
  assert.equal(world.socket.sent.at(-1).event, "leave");
  await world.say({ topic: "order:1", event: "changed", payload: {} });
  assert.deepEqual(order.heard, []);
});

test("being woken skips the wait", async () => {
  const world = new World();
  world.connection.start();
  world.socket.onclose({ code: 1006, reason: "" });
  world.connection.wake();
  assert.equal(world.sockets.length, 2);
  await world.pass(60_000);
  assert.equal(world.sockets.length, 2);
});
