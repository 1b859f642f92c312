// The OpenAPI description as the page shows it: operations, forms, commands for the shell.  Pure; no document is touched.

const METHODS = ["get", "post", "put", "patch", "delete"];

/** All operations by tag, in the order of the description: [{name, description, operations}]. */
export function tagsOf(description) {
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => method in methods).map((method) => operationOf(description, path, method, methods[method])));
  return description.tags
    .map(({ name, description: words = "" }) => ({ name, words, operations: operations.filter((one) => one.tag === name) }))
    .filter((tag) => tag.operations.length > 0);
}

function operationOf(description, path, method, told) {
  const answers = Object.entries(told.responses).map(([status, given]) => {
    const { schema: answer } = resolve(description, given);
    return { status, words: answer.description, types: typesOf(answer.content), headers: Object.entries(answer.headers ?? {}) };
  });
  const operation = {
    id: told.operationId, method: method.toUpperCase(), path, tag: told.tags[0], summary: told.summary,
    words: told.description ?? "", parameters: told.parameters ?? [], isPublic: (told.security ?? []).length === 0,
    schemes: (told.security ?? []).flatMap((one) => Object.keys(one)),
    body: told.requestBody ? { isRequired: told.requestBody.required === true, types: typesOf(told.requestBody.content) } : null,
    answers: answers.filter(({ status }) => Number(status) < 400),
    problems: answers.filter(({ status }) => Number(status) >= 400),
  };
  const codes = operation.problems.flatMap((problem) => codesOf(problem));
  operation.haystack = [method, path, told.summary, operation.words, operation.tag, operation.id, ...codes].join(" ").toLowerCase();
  return operation;
}

function typesOf(content = {}) {
  return Object.entries(content).map(([type, { schema = {}, example, examples = {} }]) => ({ type, schema, example, examples }));
}

/** The words a refused request may get at this status. */
export function codesOf(problem) {
  return problem.types.flatMap(({ examples }) => Object.keys(examples));
}

/** Whether every word of `query` stands somewhere in the operation. */
export function matches(operation, query) {
  return query.toLowerCase().split(/\s+/).every((word) => operation.haystack.includes(word));
}

/** What a `$ref` stands for, and its name if it has one. */
export function resolve(description, schema) {
  let name = "";
  let found = schema;
  while (found?.$ref) {
    const steps = found.$ref.slice(2).split("/");
    name = steps.at(-1);
    found = steps.reduce((place, step) => place?.[step], description);
  }
  return { name, schema: found ?? {} };
}

/** The type in a few words: "uuid", "array of Line", "integer 1–200", "Kitchen or null". */
export function typeWords(description, given) {
  const { name, schema } = resolve(description, given);
  if (schema.anyOf) return schema.anyOf.map((one) => typeWords(description, one)).join(" or ");
  if (schema.allOf) return schema.allOf.map((one) => typeWords(description, one)).join(" and ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.type === "array") return `array of ${typeWords(description, schema.items ?? {})}`;
  if (schema.enum) return name || schema.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (name) return name;
  if (schema.type === "object" && schema.additionalProperties?.type) return `object of ${schema.additionalProperties.type}`;
  return [schema.format ?? schema.contentEncoding ?? schema.type ?? "anything", boundsOf(schema)].filter(Boolean).join(" ");
}

function boundsOf({ minimum, maximum, minLength, maxLength }) {
  const low = minimum ?? minLength;
  const high = maximum ?? maxLength;
  if (low === undefined && high === undefined) return "";
  if (high === undefined) return `≥ ${low}`;
  return low === undefined ? `≤ ${high}` : `${low}–${high}`;
}

/** The forms inside a schema that have members or a list of values: what a reader may want to unfold. */
export function formsIn(description, given) {
  const { name, schema } = resolve(description, given);
  if (schema.anyOf || schema.allOf) return (schema.anyOf ?? schema.allOf).flatMap((one) => formsIn(description, one));
  if (schema.type === "array") return formsIn(description, schema.items ?? {});
  return schema.properties || (schema.enum && name) ? [{ name, schema }] : [];
}

/** An object's members: [{name, schema, isRequired, words}]. */
export function membersOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, member]) => ({
    name, schema: member, isRequired: required.has(name), words: member.description ?? "", fallback: member.default,
  }));
}

/** The path with its {places} filled. */
export function filledPath(path, values) {
  return path.replace(/\{(\w+)\}/g, (place, name) => (values[name] ? encodeURIComponent(values[name]) : place));
}

/** A query string of the values that are there, commas left readable. */
export function queryOf(values) {
  const given = Object.entries(values).filter(([, value]) => value !== "");
  return given.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",")}`).join("&");
}

/** The request as a command for a shell.  The token is never in it: $TOKEN is the reader's own. */
export function curlOf({ method, url, headers = {}, body = null }) {
  const lines = [`curl ${method === "GET" ? "" : `-X ${method} `}${quoted(url)}`];
  for (const [name, value] of Object.entries(headers)) {
    lines.push(`-H ${value.includes("$") ? `"${name}: ${value}"` : quoted(`${name}: ${value}`)}`);
  }
  if (body !== null) lines.push(`-d ${quoted(body)}`);
  return lines.join(" \\\n  ");
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Paragraphs of [{kind, text}]: the little Markdown that our words use, `code` and **strong**. */
export function paragraphs(words) {
  return words.split(/\n\s*\n/).filter((one) => one.trim()).map((paragraph) =>
    paragraph.trim().replace(/\s+/g, " ").split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((piece) => {
      if (piece.startsWith("`")) return { kind: "code", text: piece.slice(1, -1) };
      if (piece.startsWith("**")) return { kind: "strong", text: piece.slice(2, -2) };
      return { kind: "text", text: piece };
    }));
}
