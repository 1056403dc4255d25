import fc from "fast-check";
import { parseAccountMessage, parseUserMessage } from "../../../src/hull/protocol/messages";
import { parseConfiguration, parseConnector, parseNotification } from "../../../src/hull/protocol/notification";
import { parseJson } from "../../../src/json";

const envelope = {
  notification_id: "n-1",
  configuration: { id: "c-1", organization: "acme.hullapp.io", secret: "connector-secret" },
  channel: "user:update",
  connector: { id: "c-1", private_settings: { api_prefix: "api" }, updated_at: "2024-01-01T00:00:00Z", future: 1 },
  segments: [{ id: "s-1", name: "Users" }],
  accounts_segments: [{ id: "a-1", name: "Accounts" }],
  messages: [{ user: { id: "u-1" } }, "not a message"],
};

function problems(body: unknown): string[] {
  const parsed = parseNotification(body);
  return parsed.ok ? [] : parsed.problems.map((problem) => `${problem.path} ${problem.message}`);
}

describe("a notification", () => {
  it("is read with its messages left for later", () => {
    const parsed = parseNotification(envelope);
    expect(parsed).toMatchObject({
      ok: true,
      notification: {
        notification_id: "n-1",
        is_export: false,
        connector: { private_settings: { api_prefix: "api" }, future: 1 },
        messages: [{ user: { id: "u-1" } }, "not a message"],
      },
    });
  });

  it("may name its segments either way, or not at all", () => {
    const { segments, accounts_segments, ...rest } = envelope;
    expect(parseNotification({ ...rest, users_segments: segments, account_segments: accounts_segments })).toMatchObject(
      {
        notification: { segments: [{ id: "s-1" }], accounts_segments: [{ id: "a-1" }] },
      },
    );
    expect(parseNotification({ ...rest, messages: {} })).toMatchObject({
      notification: { segments: [], accounts_segments: [], messages: [] },
    });
  });

  it("takes ids of any shape as strings", () => {
    const configuration = { ...envelope.configuration, id: 1234 };
    expect(parseNotification({ ...envelope, configuration })).toMatchObject({
      notification: { configuration: { id: "1234" } },
    });
  });

  it("names the same connector by its configuration alone, however many digits its id has", () => {
    const configuration = '{"id":9007199254740993,"organization":"acme.hullapp.io","secret":"s"}';
    const whole = parseNotification({ ...envelope, configuration: parseJson(configuration) });
    expect(whole.ok && whole.notification.configuration.id).toBe("9007199254740993");
    expect(parseConfiguration(configuration)?.id).toBe("9007199254740993");
    expect(problems({ ...envelope, notification_id: 1e21 })).toEqual([
      "notification_id is a number whose digits are not certain; a string would keep them",
    ]);
  });

  it("names every field that is missing or wrong, and what to do", () => {
    expect(problems({ ...envelope, channel: undefined, configuration: { id: "c", organization: "o" } })).toEqual([
      "channel is missing",
      "configuration.secret is missing",
    ]);
    expect(problems({ ...envelope, messages: "x", connector: null })).toEqual([
      expect.stringContaining("connector "),
      "messages expected an array",
    ]);
    for (const body of [undefined, null, 3, "x", []])
      expect(problems(body)).toEqual([expect.stringMatching(/^\(body\) /)]);
    const parsed = parseNotification({});
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.remedy)).not.toContain("");
  });

  it("never throws, whatever was posted", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        parseNotification(a);
        parseNotification({ ...envelope, messages: a, connector: b, segments: b });
        parseUserMessage({ user: a, account: b, segments: a, changes: b, events: a });
        parseAccountMessage({ account: a, changes: { account: b, segments: a } });
      }),
    );
  });
});

describe("a user message", () => {
  it("needs nothing but a user with an id", () => {
    expect(parseUserMessage({ user: { id: 7 } })).toEqual({
      ok: true,
      message: {
        user: { id: "7" },
        account: undefined,
        segments: [],
        account_segments: [],
        events: [],
        changes: undefined,
      },
    });
  });

  it("tolerates {} and null where a list or nothing is meant", () => {
    const blank = { user: { id: "u" }, account: {}, segments: {}, account_segments: null, events: {}, changes: {} };
    expect(parseUserMessage(blank)).toMatchObject({
      ok: true,
      message: {
        account: undefined,
        segments: [],
        account_segments: [],
        events: [],
        changes: { is_new: false, user: {}, account: {}, segments: { entered: [], left: [] } },
      },
    });
  });

  it("keeps attributes of every kind, also junk and inherited names", () => {
    const user = JSON.parse('{"id":"u","traits_planhat/id":"p","0":"c","traits_n":0,"__proto__":{"x":1}}') as object;
    const parsed = parseUserMessage({ user, extra: { kept: true } });
    expect(parsed).toMatchObject({
      message: { user: { id: "u", "traits_planhat/id": "p", "0": "c", traits_n: 0 }, extra: { kept: true } },
    });
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it("reads segments entered and left under both names, and skips a segment without id", () => {
    const changes = { segments: { enter: [{ id: "s-1" }, { name: "?" }] }, account_segments: { left: [{ id: 2 }] } };
    expect(parseUserMessage({ user: { id: "u" }, changes })).toMatchObject({
      message: {
        changes: {
          segments: { entered: [{ id: "s-1" }], left: [] },
          account_segments: { entered: [], left: [{ id: "2" }] },
        },
      },
    });
  });

  it("reads events with their context", () => {
    const events = [{ event: "Signed up", event_id: 12, created_at: "2018-03-30 14:38:02 UTC", properties: { n: 0 } }];
    expect(parseUserMessage({ user: { id: "u" }, events })).toMatchObject({
      message: { events: [{ event: "Signed up", event_id: "12", properties: { n: 0 }, context: {} }] },
    });
  });

  it("says what is wrong", () => {
    expect(parseUserMessage({ user: { email: 3, id: "" }, events: [1] })).toMatchObject({
      ok: false,
      problems: [{ path: "user.id" }, { path: "events[0]" }],
    });
    expect(parseUserMessage({ account: { id: "a" } })).toMatchObject({
      ok: false,
      problems: [{ path: "user", message: "is missing" }],
    });
  });
});

describe("an account message", () => {
  it("needs an account with an id", () => {
    expect(parseAccountMessage({ account: { id: "a", "planhat/id": "p" }, changes: { is_new: true } })).toMatchObject({
      ok: true,
      message: { account: { "planhat/id": "p" }, changes: { is_new: true } },
    });
    expect(parseAccountMessage({ account: {} })).toMatchObject({ ok: false, problems: [{ path: "account.id" }] });
  });
});

it("a connector is read from the answer of GET app", () => {
  expect(parseConnector({ id: 5, private_settings: null })).toMatchObject({ id: "5", private_settings: {} });
  expect(parseConnector("<html>")).toBeUndefined();
});
