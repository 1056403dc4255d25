/**
 * Customers read customers' words: no page, guide, setting or sentence that reaches them names a variable of the server
 * or an event of its log. What only those who run the server read may.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describeConfig } from "../../server/config";
import { SERVICES } from "../../src/services";
import { account, CONNECTOR, useFixtures, user } from "../fixture/fixture";
import { BENEFITS, usePlangrade } from "../fixture/plangrade";
import { basic, queryOf, send } from "./asking";

const ROOT = join(__dirname, "../..");
const VARIABLES = describeConfig().map(({ name }) => name);
const variable = new RegExp(`(?<![A-Z_])(?:${VARIABLES.join("|")})(?![A-Z_])`, "g");
const LOG_EVENT = /\b(?:connector|incoming|outgoing)\.[a-z_]+(?:\.[a-z_]+)*/g;

const foundIn = (text: string): readonly string[] => [
  ...(text.match(variable) ?? []),
  ...(text.match(LOG_EVENT) ?? []),
];

test("a variable and a log event would be found", () => {
  expect(VARIABLES).toEqual(expect.arrayContaining(["HULL_ALLOWED_ORGANIZATIONS", "PUBLIC_URL", "PLANGRADE_URL"]));
  expect(foundIn("see HULL_ALLOWED_ORGANIZATIONS, or (MAX_OUTBOX)")).toEqual([
    "HULL_ALLOWED_ORGANIZATIONS",
    "MAX_OUTBOX",
  ]);
  expect(foundIn("`incoming.job.warning` says why")).toEqual(["incoming.job.warning"]);
  expect(foundIn("Incoming mapping. The SECRETARY of THE_HOST connector.")).toEqual([]);
});

describe.each(SERVICES.map(({ name, face }) => ({ name, face })))("of $name", ({ face }) => {
  test("the guide", () => expect(foundIn(readFileSync(join(ROOT, face.assets, "readme.md"), "utf8"))).toEqual([]));
  test("the manifest", () => expect(foundIn(JSON.stringify(face.manifest))).toEqual([]));
  test("the words of its face", () => expect(foundIn(JSON.stringify(face))).toEqual([]));
});

/** What those who run the server read alone: what stops a start, `/admin`, `/metrics`, the tools, the log. */
const OF_OPERATORS =
  /^(?:server\/(?:config|main|wiring|secret|metrics|http-server)\.ts|server\/(?:admin|alerts|cli|openapi|routes\/health|storage|variables)\/|src\/storage\/|src\/hull\/firehose\/firehose\.ts|src\/services\/\w+\/index\.ts)/;

function filesIn(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(ROOT, path)).isDirectory()) return filesIn(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

/** The texts of a file: sentences, and names that may be put into one. */
function textsOf(file: string): readonly string[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), "utf8"), ts.ScriptTarget.ES2022, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) found.push(node.text);
    else if (ts.isTemplateExpression(node)) found.push(node.getText());
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test("no sentence in the code that customers can get names one", () => {
  const files = ["src", "server"].flatMap(filesIn).filter((file) => !OF_OPERATORS.test(file));
  const texts = files.flatMap((file) => textsOf(file).map((text) => ({ file, text })));
  expect(texts.length).toBeGreaterThan(1_000);
  const named = texts.map(({ file, text }) => {
    // A value that the code puts into a sentence has another name there.
    const said = text.replaceAll(/\$\{[^}]*\}/g, "");
    // The code names log events where it writes their lines; only a sentence says one.
    return { file, found: /\s/.test(said) ? foundIn(said) : (said.match(variable) ?? []) };
  });
  expect(named.filter(({ found }) => found.length > 0)).toEqual([]);
});

describe("as it is served", () => {
  const open = usePlangrade();
  const openPlanhat = useFixtures();

  test("every page of a connector in trouble, its status and what it explains", async () => {
    const fixture = await openPlanhat();
    fixture.planhat.poison({ type: "endusers", field: "externalId", value: "person-1" }, "Position is odd");
    fixture.seed([account(1)], [user(1)]);
    await fixture.tellUser(user(1), account(1));
    await fixture.settled();
    const { store } = fixture.connector;
    const run = { tenant: fixture.tenantKey, kind: "fetch", type: "endusers", options: {}, id: "run-1" } as const;
    await store.beginRun(run, false);
    await store.changeRun("run-1", { state: "error", endedAtMs: Date.now() });
    const [letter] = (await store.deadLetters({ limit: 1 })).deadLetters;
    expect(letter).toBeDefined();
    const log = { authorization: basic(CONNECTOR) };
    const org = { org: fixture.hull.host };
    const page = await send(fixture.baseUrl, `/console?${queryOf({ ...org, q: "person-1" })}`, { headers: log });
    const [, letterPath = ""] = /href="(\/console\/letters\/[0-9a-f]{12}[^"#]*)"/.exec(page.text) ?? [];
    const credentials = { organization: fixture.hull.host, ship: CONNECTOR.id, secret: CONNECTOR.secret };
    const answers = [
      page,
      await send(fixture.baseUrl, letterPath.replaceAll("&amp;", "&"), { headers: log }),
      ...(await Promise.all(
        ["letters", "letters/replay", "runs", "runs/run-1"].map((path) =>
          send(fixture.baseUrl, `/console/${path}?${queryOf(org)}`, { headers: log }),
        ),
      )),
      await send(fixture.baseUrl, `/status?${queryOf(credentials)}`),
      await send(fixture.baseUrl, `/explain?${queryOf(org)}`, {
        method: "POST",
        headers: { ...log, "content-type": "application/json" },
        body: JSON.stringify({ external_id: "person-1" }),
      }),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(page.text).toContain("The last fetch of endusers failed");
    for (const { text } of answers) expect(foundIn(text)).toEqual([]);
    for (const path of ["/", "/planhat/", "/console", "/console?org=x%20y", "/console?org=evil.example"]) {
      const { text } = await send(fixture.baseUrl, path, { headers: log });
      expect([path, foundIn(text)]).toEqual([path, []]);
    }
  });

  test("the pages of the authorization", async () => {
    const { fixture } = await open({ authorized: false });
    const status = await send(
      fixture.baseUrl,
      `/plangrade/status?${queryOf({ organization: fixture.hull.host, ship: BENEFITS.id, secret: BENEFITS.secret })}`,
    );
    expect(status.text).toContain("/plangrade/authorize?org=");
    for (const path of ["/plangrade/authorize?org=x%20y", "/plangrade/authorize/callback?state=wrong&code=1"]) {
      const { text, headers } = await send(fixture.baseUrl, path);
      expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect([path, foundIn(text)]).toEqual([path, []]);
    }
    expect(foundIn(status.text)).toEqual([]);
  });
});
