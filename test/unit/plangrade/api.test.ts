/** plangrade's API over HTTP: what is sent, and what is understood of the answers. */
import { RemoteError } from "../../../src/http/errors";
import { createPlangradeClient } from "../../../src/services/plangrade/api/client";
import { wordsOf } from "../../../src/services/plangrade/api/envelope";
import { problemOf } from "../../../src/services/plangrade/api/failure";
import { createRest, type Rest } from "../../../src/services/plangrade/api/rest";
import { json, startLoopback, type Answer, type Loopback } from "../http/loopback";
import { settingsOf } from "./messages";

let server: Loopback;
let close: () => void;

afterEach(async () => {
  close();
  await server.close();
});

async function open(answer: Answer, stored: Readonly<Record<string, unknown>> = {}): Promise<Rest> {
  server = await startLoopback(answer);
  const client = createPlangradeClient({
    settings: settingsOf(stored),
    target: { baseUrl: server.url, fingerprint: "f", quotaKey: "q" },
    auth: { headers: () => ({ authorization: "Bearer token-of-today" }) },
    http: { retryBaseMs: 0, sleep: () => Promise.resolve() },
  });
  close = () => client.close();
  return createRest(client);
}

async function failure(work: Promise<unknown>): Promise<RemoteError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RemoteError) return error;
  throw new Error("A RemoteError was expected.");
}

describe("a request", () => {
  it("carries the token, asks for JSON and has a form as its body", async () => {
    const rest = await open((_request, response) => json(response, 201, { id: 4 }));
    expect(await rest.companies.create({ name: "A & B", ein: "012345678" })).toBe("4");
    expect(server.seen).toMatchObject([
      {
        method: "POST",
        url: "/api/v1/companies",
        headers: {
          authorization: "Bearer token-of-today",
          accept: "application/json",
          "content-type": "application/x-www-form-urlencoded",
        },
        body: "name=A+%26+B&ein=012345678",
      },
    ]);
  });

  it("has JSON as its body where the settings want it", async () => {
    const rest = await open((_request, response) => json(response, 200, { id: 4, name: "A" }), { body_format: "json" });
    await rest.companies.update("4", { name: "A", ein: "012345678" });
    expect(server.seen).toMatchObject([
      { headers: { "content-type": "application/json" }, body: '{"name":"A","ein":"012345678"}' },
    ]);
  });

  it("for a new user has no token, and proves the application unless that is left out", async () => {
    const rest = await open((_request, response) => json(response, 201, { id: 4 }));
    const ann = { name: "Ann", email: "ann@acme.example" };
    await rest.users.create(ann, true);
    await rest.users.create(ann, false);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
    const [proved, bare] = server.seen.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
    expect(proved).toEqual({ ...ann, client_id: "app-key", client_secret: "app-secret" });
    expect(bare).toEqual(ann);
  });
});

describe("an answer", () => {
  const company = { id: 4, name: "Acme", ein: "123456789" };
  it.each([
    ["wrapped", { company }, { companies: [company, null] }],
    ["bare", company, [company, "?"]],
    ["wrapped one by one", { company }, [{ company }]],
  ])("is understood %s", async (_form, one, many) => {
    const rest = await open(({ url }, response) => json(response, 200, url.endsWith("/4") ? one : many));
    expect(await rest.companies.read("4")).toEqual(company);
    expect(await rest.companies.list()).toEqual([company]);
  });

  it.each([{}, { id: null }, { id: 0 }, { id: "four" }, { id: 4.5 }, { participant: {} }])(
    "that lists a record with no id that serves (%j) proves nobody's absence",
    async (nameless) => {
      const participants = [
        { id: 5, email: "ben@acme.example" },
        { email: "ann@acme.example", ...nameless },
      ];
      const rest = await open((_request, response) => json(response, 200, participants));
      await expect(rest.participants.list("4")).rejects.toThrow("showed a participant without an id");
      expect(await rest.activities("4")).toHaveLength(1);
    },
  );

  it.each([
    ["/api/v1/companies/12", "12"],
    ["https://plangrade.example/api/v1/companies/12.json?x=1", "12"],
    ["/api/v1/participants/12", undefined],
    ["/api/v1/companies/", undefined],
  ])("without a body names the new record in Location, if anywhere (%s)", async (location, id) => {
    const rest = await open((_request, response) => response.writeHead(201, { location }).end());
    expect(await rest.companies.create(company)).toBe(id);
  });

  it("of another shape is no record, no list, and no other record", async () => {
    const rest = await open((_request, response) => json(response, 200, { company: { id: 5 } }));
    await expect(rest.companies.read("4")).rejects.toThrow("another company");
    await expect(rest.companies.list()).rejects.toThrow("a list");
    await expect(rest.participants.read("4")).rejects.toThrow("a participant");
  });

  it.each([
    [{ errors: ["Zip is invalid", "Dob is missing"] }, "Zip is invalid; Dob is missing"],
    [{ errors: { zip: ["is invalid"] } }, "zip is invalid"],
    [["Zip is invalid"], "Zip is invalid"],
    [{ error: "Zip is invalid." }, "Zip is invalid"],
  ])("with a list of errors is a refusal, whatever its status", async (answer, words) => {
    for (const status of [200, 422]) {
      const rest = await open((_request, response) => json(response, status, answer));
      const error = await failure(rest.participants.create({ zip: "x" }));
      expect([error.kind, error.status, wordsOf(error)]).toEqual(["validation", 422, words]);
      if (status === 200) {
        close();
        await server.close();
      }
    }
  });

  it("that refuses the token may say so in its header alone", async () => {
    const challenge =
      'Bearer realm="Doorkeeper", error="invalid_token", error_description="The access token is invalid"';
    const headers = { "content-type": "text/html", "www-authenticate": challenge };
    const rest = await open((_request, response) => response.writeHead(401, headers).end(" "));
    const error = await failure(rest.companies.list());
    expect(wordsOf(error)).toBe("The access token is invalid");
    expect(problemOf(error)).toMatchObject({ scope: "lane", kind: "auth" });
    expect(problemOf(error).message).toContain("plangrade says: The access token is invalid.");
  });

  it.each(["<html><h1>Sorry</h1></html>", ""])("may be a page or empty, and says nothing then", async (body) => {
    const rest = await open((_request, response) => response.writeHead(400, { "content-type": "text/html" }).end(body));
    const error = await failure(rest.companies.list());
    expect([error.kind, wordsOf(error)]).toEqual(["validation", "No reason was given"]);
  });

  it("to an update that is a page is not believed", async () => {
    const rest = await open((_request, response) => response.end("<html>Log in</html>"));
    await expect(rest.companies.update("4", {})).rejects.toThrow("JSON");
  });
});

describe("the last four digits", () => {
  it.each(["form", "json"])("are shown in no error that repeats them (%s)", async (body_format) => {
    const text = "Ssn 0123 is taken, see 987-65-4321 and 900123";
    const rest = await open((_request, response) => json(response, 422, { errors: [text] }), { body_format });
    const error = await failure(rest.participants.create({ ssn: "0123" }));
    expect(wordsOf(error)).toBe("Ssn [redacted] is taken, see [redacted] and 900123");
  });
});

describe("the archive call", () => {
  it.each([
    ["a server error", ((_request, response) => json(response, 503, {})) satisfies Answer, "maybe"],
    [
      "a lost answer",
      ((request, response) => void response.socket?.destroy(new Error(request.url))) satisfies Answer,
      "maybe",
    ],
    ["too many calls", ((_request, response) => json(response, 429, {})) satisfies Answer, "no"],
    [
      "a redirect",
      ((_request, response) => response.writeHead(302, { location: "/" }).end()) satisfies Answer,
      "maybe",
    ],
  ])("is made once, in spite of %s", async (_what, answer, applied) => {
    const rest = await open(answer);
    const error = await failure(rest.participants.archive("7"));
    expect(error.applied).toBe(applied);
    expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /api/v1/participants/archive?participant_id=7",
    ]);
  });
});
