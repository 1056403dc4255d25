/**
 * What reads texts from outside takes at most twenty times as long for ten times the worst text. No other tests use
 * the clock; what these forbid takes a hundred times as long.
 */
import type { Request } from "express";
import { z } from "zod";
import { plain } from "../../server/cli/table";
import { readingsOf } from "../../server/console/sections/explain";
import { escapeText } from "../../server/console/html";
import { createJsonScan } from "../../src/http/guards/json-scan";
import { createBasicAuth } from "../../server/middleware/basic-auth";
import { organizationQuery } from "../../server/middleware/organization";
import { countParameter, flagParameter, idParameter } from "../../src/input";
import { createAuthenticator, createLogins } from "../../server/middleware/authentication";
import { createQueryCredentials, readConnectorToken } from "../../server/middleware/query-credentials";
import { newUser } from "../../src/services/planhat/operations";
import { batchRow } from "../../src/engine/runs/batch-rows";
import { canonical } from "../../src/services/compare";
import { readMessage } from "../../src/engine/intake/message";
import { reason } from "../../src/outcome/outcome";
import { isAddress, isLoopback, isPrivateAddress } from "../../src/http/guards/addresses";
import { secretsIn } from "../../src/http/auth";
import { createHostAllowList } from "../../src/http/guards/hosts";
import { createRedactor, isSecretName } from "../../src/http/guards/redact";
import { buildUrl } from "../../src/http/route";
import { namedWaitMs } from "../../src/http/server-wait";
import { createCsvFormat } from "../../src/hull/extract/csv";
import { createCutter, type Cut } from "../../src/hull/extract/cutter";
import { ExtractError } from "../../src/hull/extract/error";
import type { RowFormat } from "../../src/hull/extract/rows";
import { createJsonFormat } from "../../src/hull/extract/json";
import { placeOf } from "../../src/hull/extract/link";
import { troubleOfAnswer } from "../../src/hull/extract/trouble";
import { firehoseUrl } from "../../src/hull/firehose/firehose";
import { parseNotification } from "../../src/hull/protocol/notification";
import { parseInstant, writtenInstant } from "../../src/instant";
import { parseJson } from "../../src/json";
import { itemOf, keyIndex } from "../../src/services/planhat/write/match-errors";
import { foldAnswer } from "../../src/services/planhat/write/fold";
import { fitForHull } from "../../src/hull/firehose/attribute-values";
import { checkCustom } from "../../src/services/planhat/write/custom-values";
import { idOf } from "../../src/services/planhat/lookup/remote";
import { readSettings } from "../../src/services/planhat/settings/settings";
import { targetOf } from "../../src/services/planhat/settings/target";
import { readAlertSettings } from "../../src/services/mapping/alerts";
import { convert } from "../../src/services/mapping/values";
import { hullAttribute } from "../../src/services/planhat/object-types";
import type { FieldType } from "../../src/services/model";
import { foldedKey } from "../../src/record";
import { isDeadLetterPlace } from "../../src/storage/port/dead-letters";
import { withFull } from "../full";

/** Characters of the smaller text: what is quadratic still ends, and what is linear can be measured. */
const SIZE = withFull(1_000, 2_000);
const MOST_GROWTH = 20;
const TRIES = 3;
/** How often a bad measurement is done again, since a collection of garbage or a busy cache may be at fault. */
const ROUNDS = 5;
/** Nothing linear takes so long for these sizes. */
const HOPELESS_MS = 500;
/** A measurement repeats its work until so much time has passed. */
const MEASURED_MS = 0.3;
/** What takes less per call counts as this: caches and the clock decide about so little, and what is quadratic takes more. */
const FLOOR_MS = 0.5;

const of = (piece: string, head = "", tail = "") => ({ piece, head, tail });

/** Each repeats what an expression may try again and again, and ends as no expression wants it to. */
const WORST = [
  ...[of("1", "", "x"), of("1", ".", "x"), of("1", "1e", "x"), of("1", "2018-01-01T00:00:00.", "!"), of("1.")],
  ...[of("a"), of("a", "", "@"), of("a@"), of("a@a."), of("@"), of("a."), of("a.", "a.", "\n"), of(".", "", "x")],
  ...[of("a-"), of("a-a_"), of("a-token"), of("token:"), of("a-token:\n"), of("eyJ"), of("eyJ-"), of("eyJa."), of("-")],
  ...[of("://"), of("a://a"), of("?a"), of("&a="), of(";key="), of("?"), of("%"), of("%", "", "\n"), of("%41")],
  ...[of(" ", "bearer"), of("basic "), of("bearer a"), of(" ", "2018-03-30 14:38:02"), of(" ", "a", "a"), of(" ")],
  ...[of(" ", "email", "("), of("email "), of('email:"'), of(" ", "externalId,"), of("externalId,"), of('"'), of("'")],
  ...[
    of("\"'"),
    of("\"a'b`"),
    of('a"', "", ","),
    of("a,"),
    of("a, "),
    of(","),
    of("\n"),
    of("\r\n"),
    of(":"),
    of(":1"),
  ],
  ...[
    of("[1"),
    of(":1234567890123456"),
    of('",1234567890123456'),
    of("["),
    of("]"),
    of('{"a":'),
    of("/"),
    of("/", "", "x"),
    of("/:a"),
    of("!", "", "x"),
    of("<"),
    of("&"),
  ],
  ...[of("compan"), of("not found"), of("user"), of("aA"), of("a1"), of("é"), of("\u0000"), of("\ud800"), of("0f")],
  ...[of("\u0301\u0323", "a"), of("\u0001"), of("*."), of("0:"), of("a:"), of("=", "a"), of("+"), of("\\")],
];
const build = ({ piece, head, tail }: (typeof WORST)[number], size: number): string =>
  head + piece.repeat(Math.ceil(size / piece.length)) + tail;

const redactor = createRedactor(["p1anhat-T0ken", "a".repeat(40)]);
const hosts = createHostAllowList(["*.hullapp.io", "*.*.a.a", "127.0.0.1:*"]);
const items = [
  itemOf("endusers", { kind: "create", keys: { externalId: "e1", email: "a@a.a" }, fields: {}, namesake: false }),
];
const index = keyIndex(items);
// Known and refused by Hull, so that nothing but the reading is measured.
const door = createAuthenticator({
  logins: createLogins(),
  source: "planhat",
  credentials: {
    confirm: () => Promise.resolve({ ok: false, status: 401, reason: "wrong_credentials" }),
    forget: () => undefined,
  },
  tenants: {
    keyOf: ({ id }) => id,
    knows: () => Promise.resolve(true),
    remember: () => Promise.reject(new Error("no")),
  },
  protocol: "https",
  now: () => 0,
});
const basicAuth = createBasicAuth(door);
const queryCredentials = createQueryCredentials({ authenticator: door, tokenKey: "k", now: () => 0 });

const requestOf = (query: Readonly<Record<string, string>>, authorization = "") =>
  ({ query, method: "GET", ip: "127.0.0.1", get: () => authorization }) as unknown as Request;
const quietly = (promise: Promise<unknown>) => promise.catch(() => undefined);
const fail = (trouble: ConstructorParameters<typeof ExtractError>[2]) => new ExtractError("x", 0, trouble);
const context = (entity: "user" | "account") => ({ entity, isExport: false, receivedAtMs: 0 }) as const;

function trying(task: () => unknown): unknown {
  try {
    return task();
  } catch (error) {
    return error;
  }
}

function readFile(format: RowFormat, text: string): unknown {
  const cutter = createCutter(format.scanner, 1_000_000);
  const rows: Buffer[] = [];
  const keep = (cuts: Iterable<Cut>): void => {
    for (const cut of cuts) if (format.isRow(cut) && typeof cut !== "string") rows.push(cut);
  };
  return trying(() => {
    keep(cutter.push(Buffer.from(text)));
    keep(cutter.end());
    return format.read(rows);
  });
}

const TYPES: readonly FieldType[] = ["text", "name", "number", "boolean", "instant", "set", "any"];

type Reader = (text: string) => unknown;

const READERS: Readonly<Record<string, Reader>> = {
  ...Object.fromEntries(
    TYPES.flatMap((type): [string, Reader][] => [
      [`a value for a field of type ${type}`, (text) => convert(text, { name: "f", type }, "born_at")],
      [`a value of type ${type} to compare`, (text) => canonical(text, type)],
    ]),
  ),
  "an instant of Hull": (text) => parseInstant(text),
  "an instant to compare": writtenInstant,
  "JSON with a large number": (text) =>
    [`[12345678901234567,${text}`, `[12345678901234567,"${text}`, `["${text}",12345678901234567]`].map((json) =>
      trying(() => parseJson(json)),
    ),
  "an id of Planhat": idOf,
  "a value for Hull": fitForHull,
  // A blank, since a word by itself holds no secret but a known one.
  "a text to redact": (text) => redactor.text(` ${text}`),
  "a text to redact and cut": (text) => redactor.opening(` ${text.repeat(10)}`, text.length),
  "a value to redact": (text) => redactor.value({ [text]: ` ${text}`, list: [text, new Error(` ${text}`)] }),
  "a value to redact and cut": (text) => redactor.excerpt([{ [text]: text }, ` ${text.repeat(10)}`], 3 * text.length),
  "a name to redact by": isSecretName,
  "what is particular to a reason": (text) => reason("refused", text),
  "an error of Planhat": (text) => index.byAnything({ message: text, list: [text, { [text]: text }] }),
  "an answer of Planhat": (text) =>
    foldAnswer("endusers", items, 200, { created: 0, updated: 0, createdErrors: [text], errors: text }),
  "a refusal of Planhat": (text) => foldAnswer("companies", items, 403, text),
  "the name of a custom field": (text) => hullAttribute("endusers", `custom.${text}`),
  "a custom field and its value": (text) => {
    const field = {
      type: "endusers",
      parent: "EndUser",
      name: text,
      holds: "multipicklist",
      hidden: false,
      formula: false,
    };
    const record = { fields: { [`custom.${text.toUpperCase()}`]: text }, keys: {}, cleared: [] };
    return checkCustom("endusers", [record], [], [field]);
  },
  "the key of a record": foldedKey,
  "a host": (text) => hosts.judge(text),
  "a URL": (text) => hosts.judge(`https://${text}`),
  "a list of hosts": (text) => trying(() => createHostAllowList([text])),
  "an address": (text) => [isAddress(text), isLoopback(`[${text}]`), isPrivateAddress(text)],
  "an address to call": (text) => [buildUrl(text, "/:id", { id: text }, { q: text }), trying(() => firehoseUrl(text))],
  "the address of an extract": (text) => [placeOf(text), placeOf(`https://a.example/${text}`)],
  "where Planhat is": (text) =>
    trying(() => {
      const settings = readSettings({ personal_acccess_token: "t" });
      return settings.ok && targetOf(settings.settings, text, "k");
    }),
  "headers that name a wait": (text) => namedWaitMs(429, { "retry-after": text, "x-rate-limit-reset": text }, 0),
  "headers with secrets": (text) => secretsIn({ authorization: text }),
  "headers of an extract": (text) => troubleOfAnswer(200, { "content-type": text, "content-encoding": text }),
  "a row with segments": (text) =>
    batchRow(
      "r",
      { url: "", format: "csv", entity: "user", segmentIds: [] },
      { index: 0, row: { ok: true, value: { segment_ids: text, [`account.${text}`]: text } } },
    ),
  "a CSV file": (text) => readFile(createCsvFormat(fail), text),
  "the rows of a CSV file": (text) => readFile(createCsvFormat(fail), `id,b\n${text}`),
  "the rows of a CSV file that end with CR": (text) => readFile(createCsvFormat(fail), `id;b\r${text}`),
  "a JSON file": (text) => readFile(createJsonFormat(fail), text),
  "a list in a JSON file": (text) => readFile(createJsonFormat(fail), `[${text}`),
  "a user's message": (text) =>
    readMessage({ message_id: text, user: { id: "u", email: text, updated_at: text, [text]: text } }, context("user")),
  "an account's message": (text) =>
    readMessage(
      { account: { id: text, domain: text }, changes: { account: { [text]: [text, null] } } },
      context("account"),
    ),
  "a notification": (text) => parseNotification({ [text]: text, channel: text, notification_id: text }),
  settings: (text) =>
    readSettings({
      personal_acccess_token: text,
      api_prefix: text,
      contact_attributes_outbound: [{ hull: text, service: text }],
      contact_custom_attributes_outbound: [{ hull: text, service: text }],
      contact_attributes_inbound: [{ hull: text, service: text }],
    }),
  "settings about alerts": (text) =>
    readAlertSettings({
      alert_webhook_url: `https://${text}`,
      alert_webhook_secret: `whsec_${text}`,
      alert_dead_letters: text,
    }),
  "a log-in": (text) => quietly(basicAuth(requestOf({ org: "acme.hullapp.io" }, text))),
  "a log-in of a scheme": (text) => quietly(basicAuth(requestOf({ org: "acme.hullapp.io" }, `Basic ${text}`))),
  "credentials in a query": (text) =>
    quietly(queryCredentials(requestOf({ organization: text, ship: text, secret: text }))),
  "a token in a query": (text) => readConnectorToken(text, "k", 0),
  "parameters of a query": (text) =>
    z
      .object({ org: organizationQuery.shape.org, id: idParameter, n: countParameter(1, 9), all: flagParameter })
      .safeParse({ org: text, id: text, n: text, all: text }),
  "a team member": (text) => newUser.safeParse({ email: text, firstName: text, lastName: text }),
  "a page of letters": isDeadLetterPlace,
  "a question of the console": readingsOf,
  "a text of the console": escapeText,
  "a text for a terminal": plain,
  "a body": (text) =>
    createJsonScan({ maxDepth: Infinity, maxValues: Infinity, maxMembers: Infinity }, ["configuration"], {
      name: "messages",
      bytes: 0,
    }).push(Buffer.from(text)),
};

/** Time that this process had on a processor: what others do beside it must not count. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Milliseconds per call. */
function timeOf(task: () => unknown): number {
  const began = processorMs();
  for (let calls = 1; ; calls += 1) {
    task();
    const passed = processorMs() - began;
    if (passed >= MEASURED_MS) return passed / calls;
  }
}

/** The best of a few measurements, and fewer when one is good enough. */
function bestOf(task: () => unknown, goodEnoughMs = 0): number {
  let best = Infinity;
  for (let left = TRIES; left > 0 && best > goodEnoughMs; left -= 1) best = Math.min(best, timeOf(task));
  return best;
}

/** What is wrong with the growth, if anything. */
function growthOf(read: Reader, worst: (typeof WORST)[number]): string | undefined {
  const [small, large] = [build(worst, SIZE), build(worst, 10 * SIZE)];
  // Not too long, however little the smaller one takes.
  const enoughMs = MOST_GROWTH * FLOOR_MS;
  if (bestOf(() => read(large), enoughMs) <= enoughMs) return undefined;
  for (let round = 1; ; round += 1) {
    const smallMs = Math.max(
      FLOOR_MS,
      bestOf(() => read(small)),
    );
    const largeMs = bestOf(() => read(large), MOST_GROWTH * smallMs);
    if (largeMs <= MOST_GROWTH * smallMs) return undefined;
    if (round === ROUNDS || largeMs > HOPELESS_MS) return `${largeMs} ms after ${smallMs} ms: ${build(worst, 20)}`;
  }
}

describe.each(Object.entries(READERS))("%s", (_name, read) => {
  it("is read in a time that grows as its length does", () => {
    const grown = WORST.flatMap((worst) => growthOf(read, worst) ?? []);
    expect(grown).toEqual([]);
  });
});
