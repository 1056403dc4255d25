/** What the tests of bad input share: a good notification to spoil, and what must be true after every answer. */
import { buildAccountMessage, buildUserMessage } from "../../simulators/hull";
import { CONNECTOR, TOKEN, type Bag, type Fixture } from "../fixture/fixture";
import { post, type Answer, type PostOptions } from "../fixture/post";
import { bag, list } from "../fixture/states";
import { describedRefusals } from "./described";

export interface Notification extends Bag {
  readonly notification_id: string;
  readonly channel: string;
  readonly configuration: Bag;
  readonly connector: Bag;
  readonly messages: readonly unknown[];
}

let issued = 0;

/** A person of a new company that nobody has mentioned yet. */
export function goodUser(): ReturnType<typeof buildUserMessage> {
  issued += 1;
  const number = String(issued).padStart(4, "0");
  const at = { indexed_at: "2026-01-01T00:00:00Z" };
  return buildUserMessage(
    {
      id: `5f00000000000000000a${number}`,
      external_id: `good-${number}`,
      email: `good-${number}@example.com`,
      name: `Good ${number}`,
      ...at,
    },
    {
      account: {
        id: `5f00000000000000000b${number}`,
        external_id: `company-${number}`,
        name: `Company ${number}`,
        ...at,
      },
    },
  );
}

export function goodAccount(): ReturnType<typeof buildAccountMessage> {
  return buildAccountMessage(goodUser().account);
}

/** What Hull would send; every call has ids of its own. */
export function goodNotification(
  fixture: Fixture,
  messages: readonly unknown[] = [goodUser()],
  id = CONNECTOR.id,
): Notification {
  issued += 1;
  const connector = fixture.hull.connector(id);
  return {
    notification_id: `00000000-0000-4000-8000-${String(issued).padStart(12, "0")}`,
    configuration: { id, organization: fixture.hull.host, secret: connector.secret },
    channel: "user:update",
    connector: structuredClone(connector),
    segments: [],
    accounts_segments: [],
    messages,
    is_export: false,
  };
}

/** A copy with one field replaced, or removed when the value is `undefined`. */
export function withField<T extends Bag>(object: T, path: string, value: unknown): T {
  const [first = "", ...rest] = path.split(".");
  if (rest.length > 0) return { ...object, [first]: withField(bag(object[first]), rest.join("."), value) };
  const { [first]: _, ...others } = object;
  return (value === undefined ? others : { ...others, [first]: value }) as T;
}

/** Numbers the requests, so that where a proxy is trusted each comes from an address of its own. */
let requests = 0;

const DESCRIBED = describedRefusals("post", "/smart-notifier");

/** Posts to the notifier and checks what must be true whatever was sent. */
export async function tell(
  fixture: Fixture,
  body: unknown,
  options: PostOptions & { path?: string } = {},
): Promise<Answer> {
  requests += 1;
  const headers = { "x-forwarded-for": `192.0.2.${requests % 250}`, ...options.headers };
  const answer = await post(`${fixture.baseUrl}${options.path ?? "/smart-notifier"}`, body, { ...options, headers });
  expect(answer.contentType).toMatch(/^application\/json/);
  expect(bag(answer.body["flow_control"])).toEqual({
    type: answer.status === 200 ? "next" : "retry",
    size: expect.any(Number) as number,
    in: expect.any(Number) as number,
    in_time: expect.any(Number) as number,
  });
  if (answer.status !== 200 && options.path === undefined && options.method === undefined) {
    expect(DESCRIBED).toContain(`${answer.status} ${String(errorIn(answer).code)}`);
  }
  expectNoSecret(fixture, answer.text);
  return answer;
}

/** The error's code and, in one text, everything that it says. */
export function errorIn(answer: Answer): { readonly code: unknown; readonly words: string } {
  const error = bag(answer.body["error"]);
  const details = list(error["details"]).map(bag);
  const words = [error["message"], ...details.flatMap(({ path, message, remedy }) => [path, message, remedy])];
  return { code: error["code"], words: words.join(" ") };
}

/** Lines of each house's log that were looked at; they are many, and looked at after every request. */
const looked = new WeakMap<Fixture, number>();

/** Neither the text nor anything logged since the last look holds a secret. */
export function expectNoSecret(fixture: Fixture, text: string): void {
  const lines = fixture.logs.slice(looked.get(fixture)).map((line) => JSON.stringify(line));
  looked.set(fixture, fixture.logs.length);
  for (const secret of [CONNECTOR.secret, TOKEN]) {
    expect(text).not.toContain(secret);
    expect(lines.filter((line) => line.includes(secret))).toEqual([]);
  }
}

/** The process is alive, and the next good notification arrives in Planhat. */
export async function expectAllIsWell(fixture: Fixture): Promise<void> {
  const message = goodUser();
  const answer = await tell(fixture, goodNotification(fixture, [message]));
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('"next"')]);
  await fixture.settled();
  const arrived = [...fixture.planhat.tenant().endusers.values()].filter(
    ({ email }) => email === message.user["email"],
  );
  expect(arrived).toHaveLength(1);
}
