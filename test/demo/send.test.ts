/** The first minutes with the connector: `npm run simulators`, a connector between them, and `npm run send`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { readConfig } from "../../server/config";
import { createHttpServer } from "../../server/http-server";
import { createLogger } from "../../server/log";
import { createConnector, type Connector } from "../../server/wiring";
import { portOf } from "../../simulators/play/places";
import { connectorVariables, startPlayground, type Playground } from "../../simulators/play/start";
import { startLines, welcome } from "../../simulators/play/words";
import { send } from "../../simulators/send/tool";
import { authorizeAt } from "../fixture/plangrade";

const ROOT = resolve(__dirname, "../..");
const ANY_PORT = Object.fromEntries(
  ["PLANHAT_PORT", "HULL_PORT", "PLANSOURCE_PORT", "PLANNINGPME_PORT", "PLANGRADE_PORT"].map((name) => [name, "0"]),
);
const STARTED_MS = Date.UTC(2026, 0, 1);

let playground: Playground;
let connector: Connector;
let server: Server;
let folder: string;
let origin: string;

beforeAll(async () => {
  playground = await startPlayground(ANY_PORT, STARTED_MS);
  folder = mkdtempSync(join(tmpdir(), "connector-play-"));
  const quick = {
    LINGER_MS: "20",
    SETTLE_MS: "20",
    RETRY_BASE_MS: "10",
    PUBLIC_URL: playground.connectorUrl,
    DATA_DIR: folder,
    LOG_LEVEL: "silent",
  };
  connector = await createConnector(readConfig({ ...playground.variables, ...quick }), createLogger("silent"));
  server = createHttpServer(connector.app, { behindProxy: false });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await playground.close();
  server.close();
  server.closeAllConnections();
  await connector.close();
  rmSync(folder, { recursive: true, force: true });
});

async function sent(args: readonly string[], hullPort = new URL(playground.hull.url).port) {
  const [printed, complained]: [string[], string[]] = [[], []];
  const code = await send(args, {
    environment: { HULL_PORT: hullPort },
    print: (text) => void printed.push(text),
    complain: (text) => void complained.push(text),
  });
  return { code, printed: printed.join("\n"), complained: complained.join("\n") };
}

const sentOk = async (...args: readonly string[]): Promise<string> => {
  const { code, printed, complained } = await sent([...args, "--to", origin]);
  expect({ code, complained }).toEqual({ code: 0, complained: "" });
  return printed;
};

test("the first person who is sent arrives in Planhat with a company, and it is said where to look", async () => {
  const printed = await sentOk("ann@acme.example", "--name", "Ann Lee", "--trait", "position=CEO");
  expect(printed).toContain("Hull sent the user ann@acme.example to the connector for Planhat.");
  expect(printed).toContain("sent (created): Created in the service.");
  expect(printed).toMatch(/Planhat holds, in endusers:\n\s+\{[^}]*"name": "Ann Lee",[^}]*"position": "CEO"/);
  expect(printed).toMatch(/Planhat holds, in companies:\n\s+\{[^}]*"externalId": "acme.example",\s+"name": "Acme"/);
  const [service] = playground.services;
  expect(printed).toContain(`${origin}/planhat/console?org=${playground.hull.host}`);
  expect(printed).toContain(`user ${service?.connector.id ?? ""}, password ${service?.connector.secret ?? ""}`);
  expect(printed).toContain(`${service?.url ?? ""}/__sim/snapshot`);

  // The same once more: nothing to do, and why.
  const again = await sentOk("ann@acme.example", "--name", "Ann Lee");
  expect(again).toContain("unchanged (in_sync): All mapped attributes are already in sync between Hull and Planhat.");
  expect(await sentOk("ann@acme.example", "--trait", 'position="Chair"')).toContain("sent (updated)");
});

test("whoever is in no chosen segment is skipped, and the filter is named", async () => {
  const printed = await sentOk("bob@bolt.example", "--segment", "Leads");
  expect(printed).toContain("skipped (outside_user_segments): User doesn't belong to any of the segments");
  expect(printed).toContain("Planhat holds no record of it.");
  expect(await sentOk("cy@bolt.example", "--account", "none")).toContain("skipped (missing_account)");
});

test("an account is sent by its domain, and the other services take theirs with sample values", async () => {
  expect(await sentOk("deli.example", "--trait", "phase=Live")).toMatch(/sent \(created\)[^]*"phase": "Live"/);
  const employee = await sentOk("eve@deli.example", "--name", "Eve Ray", "--service", "plansource");
  expect(employee).toMatch(/sent \(created\)[^]*PlanSource holds, in subscribers:[^]*"last_name": "Ray"/);
  expect(await sentOk("flo@deli.example", "--name", "Flo", "--service", "plansource")).toContain("sent (created)");
  const customer = await sentOk("deli.example", "--service", "planningpme");
  expect(customer).toMatch(/sent \(created\)[^]*PlanningPME holds, in customers:[^]*"_ID": "deli.example"/);
});

test("what a service does not take is said at once, with where to look", async () => {
  const { code, printed, complained } = await sent(["deli.example", "--service", "plansource", "--to", origin]);
  expect({ code, complained }).toEqual({
    code: 1,
    complained: "PlanSource takes no accounts: they end skipped (no_type).",
  });
  expect(printed).toContain(`${origin}/plansource/console?org=`);
  const user = await sentOk("gus@deli.example", "--name", "Gus", "--service", "planningpme");
  expect(user).toMatch(/skipped \(no_template\)[^\n]*\n {2}To do: Name a template for it in the settings/);
});

test("a connector of one service is refused where another one is served", async () => {
  const { connector: other } = playground.services.find(({ name }) => name === "plangrade") ?? {};
  const answer = await fetch(`${origin}/planhat/api/internal/runs?org=${playground.hull.host}`, {
    headers: { authorization: `Basic ${Buffer.from(`${other?.id}:${other?.secret}`).toString("base64")}` },
  });
  expect(answer.status).toBe(403);
});

test("what waits says why, and what to do about the wait", async () => {
  const command = ["fig.example", "--service", "plangrade", "--wait", "0.1", "--to", origin];
  let last = await sent(command);
  // The lane finds out in its own time that nobody has let the connector in.
  while (!last.printed.includes("paused")) last = await sent(command);
  expect(last.code).toBe(1);
  expect(last.printed).toContain("… Delivery to plangrade has been paused since");
  expect(last.complained).toContain("It had no outcome within 0.1 s, and stays with the connector.");
  expect(last.complained).toMatch(/\nWhat is known of it:\n {2}\S[^]*\nWait longer with --wait\.$/);
  expect(last.complained).toContain("Wait longer with --wait.");
});

test("once a person has let the connector in, plangrade takes companies and employees with sample values", async () => {
  const { services, hull } = playground;
  const { url = "", connector: installed } = services.find(({ name }) => name === "plangrade") ?? {};
  const { users } = (await (await fetch(`${url}/__sim/snapshot`)).json()) as { readonly users: { id: number }[] };
  const done = await authorizeAt(`${origin}/plangrade`, hull.host, users[0]?.id, false, installed);
  expect(done.status).toBe(200);
  expect(await sentOk("hub.example", "--service", "plangrade")).toContain("sent (created)");
  for (const name of ["ida", "jon"]) {
    const printed = await sentOk(`${name}@hub.example`, "--name", name, "--service", "plangrade");
    expect(printed).toMatch(/sent \(created\)[^]*plangrade holds, in participants:/);
  }
});

test.each([
  [["annacme"], "The domain cannot be read: write ann@acme.example"],
  [["ann@"], 'The e-mail address "ann@" cannot be read'],
  [[], "Name an e-mail address or a domain."],
  [["a@b.example", "c@d.example"], "One at a time"],
  [["a@b.example", "--frob"], "Unknown option '--frob'"],
  [["a@b.example", "--trait", "=1"], "write it as <key>=<value>"],
  [["a@b.example", "--to", "nowhere"], "write the connector's address"],
  [["a@b.example", "--wait", "soon"], "write seconds"],
  [["b.example", "--company", "B"], "b.example is an account itself"],
  [["a@b.example", "--service", "nope"], "There is no connector for nope; there are planhat, plansource, planningpme"],
])("%j is a wrong command, answered with the usage", async (args, words) => {
  const { code, printed, complained } = await sent(args);
  expect({ code, printed }).toEqual({ code: 2, printed: "" });
  expect(complained).toContain(words);
  expect(complained).toContain("Usage: npm run send -- <email address or domain>");
});

test("who is not there is named, with the command that starts it", async () => {
  // A port on which nobody listens any more.
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, "close");
  const nobody = await sent(["a@b.example"], String(port));
  expect(nobody.code).toBe(1);
  expect(nobody.complained).toContain(`Nobody answers at http://127.0.0.1:${port}.`);
  expect(nobody.complained).toContain("npm run simulators");
  expect((await sent(["a@b.example"], "x")).complained).toBe(
    'HULL_PORT is "x": set a port from 0 to 65535, or leave it out for 4020.',
  );
  const noConnector = await sent(["a@b.example", "--to", `http://127.0.0.1:${port}`]);
  expect(noConnector.complained).toContain(`No connector answers at http://127.0.0.1:${port}.`);
  expect(noConnector.complained).toContain("npm run start:simulated");
  // Something answers, and is no connector between these simulators; nothing was changed in Hull.
  const other = await sent(["stray@b.example", "--to", playground.hull.url]);
  expect(other.complained).toContain("does not go with these simulators; it answers 404");
  const held = await (await fetch(`${playground.hull.url}/__sim/snapshot`)).text();
  expect(held).not.toContain("stray@b.example");
});

test("simulators that were started again are new to a connector that remembers the last ones", async () => {
  const ports = Object.fromEntries([
    ["HULL_PORT", new URL(playground.hull.url).port],
    ...playground.services.map(({ name, url }) => [`${name.toUpperCase()}_PORT`, new URL(url).port]),
  ]) as Readonly<Record<string, string>>;
  await sentOk("gil.example");
  await sentOk("gil.example", "--service", "planningpme");
  await playground.close();
  playground = await startPlayground(ports, STARTED_MS + 60_000);
  expect(await sentOk("gil.example")).toContain("sent (created)");
  expect(await sentOk("gil.example", "--service", "planningpme")).toContain("sent (created)");
});

test("a port that is taken is named with its variable, and nothing stays behind", async () => {
  const taken = new URL(playground.hull.url).port;
  await expect(startPlayground({ ...ANY_PORT, PLANGRADE_PORT: taken }, STARTED_MS)).rejects.toThrow(
    `Port ${taken} on 127.0.0.1, for the simulated plangrade: something listens there already. Are the simulators ` +
      "running already? Otherwise choose another one: PLANGRADE_PORT=",
  );
  await expect(startPlayground({ ...ANY_PORT, PLANHAT_PORT: "70000" }, STARTED_MS)).rejects.toThrow(
    'PLANHAT_PORT is "70000": set a port from 0 to 65535, or leave it out for 4010.',
  );
});

test("the file of variables is that of the usual ports, and other ports are said on the start line", () => {
  const usual = connectorVariables("http://127.0.0.1:8082", (place) => `http://127.0.0.1:${portOf(place, {})}`);
  const file = parseEnv(readFileSync(join(ROOT, ".env.simulators"), "utf8")) as Record<string, string>;
  expect(file).toEqual(usual);
  expect(startLines(usual, file)).toEqual(["npm run start:simulated"]);
  expect(startLines({ ...usual, PLANGRADE_URL: "http://127.0.0.1:9" }, file)).toEqual([
    "PLANGRADE_URL='http://127.0.0.1:9' \\",
    "npm run start:simulated",
  ]);
  const words = welcome(playground, file).join("\n");
  expect(words).toContain(`HULL_FIREHOSE_URL='${playground.hull.url}/firehose' \\`);
  for (const { url, connector: installed } of playground.services) {
    expect(words).toContain(`${url}/__sim/`);
    expect(words).toContain(installed.id);
  }
});

test("a program that starts the simulators gets a line of JSON, and a signal ends them", async () => {
  const child = spawn(process.execPath, ["--import", "tsx", "simulators/main.ts"], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"], ...ANY_PORT },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const about = JSON.parse(line.toString()) as unknown;
  expect(about).toMatchObject({
    planhat: { url: expect.any(String) as string, token: "planhat-token", tenantId: expect.any(String) as string },
    plansource: { clientId: expect.any(String) as string },
    planningpme: { brand: expect.any(String) as string },
    plangrade: { redirectUris: ["http://127.0.0.1:8082/plangrade/authorize/callback", expect.any(String) as string] },
    hull: { organization: expect.any(String) as string, id: expect.any(String) as string, secret: "simulated-secret" },
  });
  expect(await ended).toEqual([0, null]);
});
