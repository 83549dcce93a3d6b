// Writes src/schema.ts, the types of the API, from its OpenAPI document, which `curfew openapi` prints:
//
//   curfew openapi | node scripts/generate.mjs > src/schema.ts
//
// It knows no more of JSON Schema than Curfew's document uses, and stops at anything else.

import { readFileSync } from "node:fs";

const { components, paths, webhooks } = JSON.parse(readFileSync(0, "utf8"));
const schemas = components.schemas;
const methods = ["get", "post", "put", "patch", "delete"];

/** names returns every schema that a part of the document refers to, and what those refer to. */
function names(part, found = new Set()) {
  if (typeof part?.$ref === "string") {
    const name = part.$ref.split("/").pop();
    if (!found.has(name)) {
      found.add(name);
      names(schemas[name], found);
    }
  }
  if (part && typeof part === "object") {
    Object.values(part).forEach((inner) => names(inner, found));
  }
  return found;
}

const operations = Object.entries(paths).flatMap(([path, item]) =>
  methods.filter((method) => item[method]).map((method) => ({ path, method: method.toUpperCase(), ...item[method] })),
);

// Callers write what is sent, and may write undefined for what they leave out, also under exactOptionalPropertyTypes.
const sent = names(operations.map((operation) => operation.requestBody));

const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));
const literal = (value) => JSON.stringify(value);
const comment = (text, indent) => (text ? `${indent}/** ${text.replaceAll("*/", "*\\/")} */\n` : "");
const several = (types) => [...new Set(types)].join(" | ");
const element = (type) => (/[ |]/.test(type) && !type.startsWith("{") ? `(${type})` : type);

/** open lets an editor offer the words of a list that may hold others. */
function open(options) {
  const words = options.filter((one) => one.enum || one.$ref);
  const text = options.some((one) => one.type === "string" && !one.enum && !one.format);
  return words.length > 0 && text ? several([...words.map((one) => typeOf(one)), "(string & {})"]) : null;
}

function typeOf(schema, optional = "", indent = "") {
  if (schema.$ref) {
    return schema.$ref.split("/").pop();
  }
  if (schema.enum) {
    return several(schema.enum.map(literal));
  }
  const options = schema.oneOf ?? schema.anyOf;
  if (options) {
    return open(options) ?? several(options.map((one) => typeOf(one, optional, indent)));
  }
  if (Array.isArray(schema.type)) {
    return several(schema.type.map((type) => typeOf({ ...schema, type }, optional, indent)));
  }
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return `${element(typeOf(schema.items, optional, indent))}[]`;
    case "object":
      return objectOf(schema, optional, indent);
    case undefined:
      return "unknown";
  }
  throw new Error(`no type for ${JSON.stringify(schema)}`);
}

function objectOf(schema, optional, indent) {
  const required = new Set(schema.required);
  const fields = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const type = typeOf(property, optional, `${indent}  `);
    const field = required.has(name) ? `${key(name)}: ${type}` : `${key(name)}?: ${type}${optional}`;
    return `${comment(property.description, `${indent}  `)}${indent}  ${field};\n`;
  });
  const rest = schema.additionalProperties;
  if (fields.length === 0) {
    return rest && typeof rest === "object" ? `Record<string, ${typeOf(rest)}>` : rest === false ? "Record<string, never>" : "Record<string, unknown>";
  }
  return `{\n${fields.join("")}${indent}}`;
}

function declaration(name) {
  const schema = schemas[name];
  const type = typeOf(schema, sent.has(name) ? " | undefined" : "");
  const head = comment(schema.description, "");
  return type.startsWith("{") ? `${head}export interface ${name} ${type}\n` : `${head}export type ${name} = ${type};\n`;
}

const json = (content) => content?.["application/json"]?.schema;

/** resultOf returns the type of what an operation answers if all is well. */
function resultOf(operation) {
  const types = Object.entries(operation.responses)
    .filter(([, response]) => response.content && !response.content["application/problem+json"])
    .map(([, { content }]) => (json(content) ? typeOf(json(content)) : typeOf(Object.values(content)[0].schema)))
    .filter((type) => type !== "ApprovalPending"); // it is thrown
  return several(types) || "undefined";
}

function inputOf(operation) {
  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === "query");
  const fields = [];
  if (operation.path.includes("{id}")) {
    fields.push("id: string");
  }
  if (query.length > 0) {
    const inner = query.map((q) => {
      const schema = q.schema.type?.includes?.("array") ? { ...q.schema, type: "array" } : q.schema;
      return `${comment(q.description, "      ")}      ${key(q.name)}${q.required ? "" : "?"}: ${typeOf(schema)}${q.required ? "" : " | undefined"};\n`;
    });
    fields.push(query.some((q) => q.required) ? `query: {\n${inner.join("")}    }` : `query?: {\n${inner.join("")}    } | undefined`);
  }
  const body = json(operation.requestBody?.content);
  if (body) {
    fields.push(operation.requestBody.required ? `body: ${typeOf(body)}` : `body?: ${typeOf(body)} | undefined`);
  }
  return fields.length === 0 ? "Record<string, never>" : `{ ${fields.join("; ")} }`;
}

// Programs do not call what providers and shops sign, and read a stream by other means.
const called = operations.filter((operation) => operation.security?.length !== 0 && operation.operationId !== "stream");

const received = several(Object.values(webhooks).map(({ post }) => typeOf(json(post.requestBody.content))));
delete schemas.WebhookMessage;

process.stdout.write(`// Written by scripts/generate.mjs from what \`curfew openapi\` prints. Do not edit.

${Object.keys(schemas).sort().map(declaration).join("\n")}
/** What endpoints of webhooks receive. */
export type WebhookMessage = ${received};

/** What each operation takes and answers. */
export interface Operations {
${called
  .map((operation) => `${comment(operation.summary, "  ")}  ${operation.operationId}: { input: ${inputOf(operation)}; result: ${resultOf(operation)} };\n`)
  .join("")}}

/** Where each operation is. */
export const routes = {
${operations.map((operation) => `  ${operation.operationId}: "${operation.method} ${operation.path}",\n`).join("")}} as const;
`);
