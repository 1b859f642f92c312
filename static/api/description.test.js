import assert from "node:assert/strict";
import { test } from "node:test";

import { codesOf, curlOf, filledPath, formsIn, matches, membersOf, paragraphs, queryOf, resolve, tagsOf, typeWords } from "./description.js";

const DESCRIPTION = {
  tags: [{ name: "orders", description: "Orders." }, { name: "nothing" }],
  paths: {
    "/orders/{order_id}/accept": {
      post: {
        operationId: "accept", tags: ["orders"], summary: "Take it on", security: [{ bearer: [] }],
        requestBody: { required: true, content: { "application/json": { schema: { $ref: "#/components/schemas/Accept" }, example: { preparation_s: 1 } } } },
        responses: {
          200: { description: "OK", content: { "application/json": { schema: { $ref: "#/components/schemas/Order" } } } },
          409: { description: "", content: { "application/problem+json": { examples: { order_changed: { $ref: "#/x" } } } } },
        },
      },
    },
  },
  components: {
    schemas: {
      Accept: { type: "object", properties: { preparation_s: { type: "integer", minimum: 0, maximum: 9 } }, required: ["preparation_s"] },
      Order: {
        type: "object",
        properties: {
          status: { $ref: "#/components/schemas/Status" },
          accept: { anyOf: [{ $ref: "#/components/schemas/Accept" }, { type: "null" }] },
          items: { type: "array", items: { $ref: "#/components/schemas/Accept" } },
        },
      },
      Status: { enum: ["accepted", "delivered"] },
    },
  },
};
const [tag] = tagsOf(DESCRIPTION);
const [accept] = tag.operations;

test("operations stand under their tag, and a tag without any is left out", () => {
  assert.deepEqual(tagsOf(DESCRIPTION).map(({ name }) => name), ["orders"]);
  assert.deepEqual([accept.method, accept.isPublic, accept.body.isRequired], ["POST", false, true]);
  assert.deepEqual(accept.problems.flatMap(codesOf), ["order_changed"]);
});

test("a search looks for all words, in paths, summaries and error codes", () => {
  for (const query of ["accept", "TAKE post", "order_changed", ""]) assert.ok(matches(accept, query), query);
  assert.ok(!matches(accept, "accept courier"));
});

test("types are told in words", () => {
  const { schema } = resolve(DESCRIPTION, { $ref: "#/components/schemas/Order" });
  assert.deepEqual(membersOf(schema).map((one) => typeWords(DESCRIPTION, one.schema)), ["Status", "Accept or null", "array of Accept"]);
  assert.equal(typeWords(DESCRIPTION, DESCRIPTION.components.schemas.Accept.properties.preparation_s), "integer 0–9");
  assert.equal(typeWords(DESCRIPTION, {}), "anything");
  assert.deepEqual(formsIn(DESCRIPTION, schema.properties.items).map(({ name }) => name), ["Accept"]);
});

test("what is missing in a path stays to be seen", () => {
  assert.equal(filledPath("/orders/{order_id}/{word}", { order_id: "a/b" }), "/orders/a%2Fb/{word}");
  assert.equal(queryOf({ status: "a,b", limit: "", q: "ä&" }), "status=a,b&q=%C3%A4%26");
});

test("a command for the shell quotes what a shell would read", () => {
  const curl = curlOf({ method: "POST", url: "http://x/a?b=1&c=2", headers: { Authorization: "Bearer $TOKEN", A: "b" }, body: '{"a":"it\'s $5"}' });
  assert.equal(curl, `curl -X POST 'http://x/a?b=1&c=2' \\\n  -H "Authorization: Bearer $TOKEN" \\\n  -H 'A: b' \\\n  -d '{"a":"it'\\''s $5"}'`);
  assert.equal(curlOf({ method: "GET", url: "/x" }), "curl '/x'");
});

test("words have paragraphs, code and emphasis", () => {
  assert.deepEqual(paragraphs("A `b`\nc.\n\n**D**"), [
    [{ kind: "text", text: "A " }, { kind: "code", text: "b" }, { kind: "text", text: " c." }],
    [{ kind: "strong", text: "D" }],
  ]);
});
