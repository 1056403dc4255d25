/** Tells people when a connector, or the server, needs them: what is wrong now, compared with what they were told. */
import { hash, randomUUID } from "node:crypto";
import groupBy from "lodash/groupBy";
import { inParallel } from "../../in-parallel";
import { RemoteError } from "../../http/errors";
import type { SendWebhook, WebhookReceiver } from "../../http/webhooks/send";
import type { AlertMessage, AlertRow } from "../../storage/port/rows";
import type { Condition } from "./conditions";
import { attempted, alertPace, isDue, isGivenUp, nextRow, notTaken, taken, type AlertPlace } from "./told";

/** Subject of what is about the server. */
export const SERVER = "server";

const TEST = "alert.test";

/** Where it is kept what receivers were told. */
export interface AlertBook {
  rows(): Promise<readonly AlertRow[]>;
  put(row: AlertRow): Promise<void>;
  drop(row: AlertPlace): Promise<void>;
}

/** A book that ends with the process. */
export function createAlertMemory(): AlertBook {
  const rows = new Map<string, AlertRow>();
  const nameOf = ({ subject, kind, receiver }: AlertPlace): string => JSON.stringify([subject, kind, receiver]);
  return {
    rows: () => Promise.resolve([...rows.values()]),
    put: (row) => Promise.resolve(void rows.set(nameOf(row), row)),
    drop: (row) => Promise.resolve(void rows.delete(nameOf(row))),
  };
}

export interface AlertReceiver extends WebhookReceiver {
  /** Whose it is. */
  readonly of: "server" | "connector";
}

/** What a message says about the subject, beside its condition. */
export interface AlertedConnector {
  readonly organization: string;
  readonly connector: string;
  /** How people call it. */
  readonly service: string;
  /** Link to its console. */
  readonly console?: string | undefined;
}

/** One connector, or the server, as it is now. */
export interface AlertLook {
  /** Key of the tenant, or `SERVER`. */
  readonly subject: string;
  readonly connector?: AlertedConnector | undefined;
  readonly conditions: readonly Condition[];
  readonly receivers: readonly AlertReceiver[];
}

/** One try to send a message, or its end. */
export interface AlertEvent {
  readonly kind: string;
  readonly state: AlertMessage["state"];
  readonly to: AlertReceiver["of"];
  /** Host of the receiver, with its port. */
  readonly host: string;
  readonly subject: string;
  /** `failed`: it is tried again; `given_up`: not any more. */
  readonly result: "sent" | "failed" | "given_up";
  /** Tries so far. */
  readonly attempts: number;
  /** Why it failed, without the address. */
  readonly reason?: string;
}

export interface AlertsOptions {
  readonly send: SendWebhook;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onEvent: (event: AlertEvent) => void;
}

/** Receivers that are written to at a time. */
const AT_ONCE = 8;
/** Messages to one receiver in one look, and for how long; the others wait for the next one, so that a slow receiver holds up nobody. */
const MOST_IN_A_ROW = 50;
const MOST_MS = 10_000;

export interface Alerts {
  /**
   * Sends what is due. A receiver that does not take a message is left alone until the next time.
   *
   * @param looks everything that there is: rows of a subject that is not among them stay as they are
   * @throws whatever the book throws
   */
  tell(book: AlertBook, looks: readonly AlertLook[]): Promise<void>;
  /** Sends a message that says that it is a test. @throws RemoteError */
  test(receiver: WebhookReceiver, connector?: AlertedConnector): Promise<void>;
  /** Cuts off what is under way. */
  close(): void;
}

export function createAlerts({ send, now, random, onEvent }: AlertsOptions): Alerts {
  const life = new AbortController();
  const pace = alertPace(random);
  const newId = (): string => `msg_${randomUUID().replaceAll("-", "")}`;

  /** One row for each receiver of each condition, as it is to be from now on. */
  async function update(book: AlertBook, known: readonly AlertRow[], look: AlertLook): Promise<readonly Due[]> {
    const { subject, conditions, connector } = look;
    const due: Due[] = [];
    const kept = new Set<AlertRow>();
    for (const receiver of look.receivers) {
      const name = fingerprintOf(receiver.url);
      const own = known.filter((row) => row.receiver === name);
      const kinds = new Set([...own, ...conditions].map(({ kind }) => kind));
      for (const kind of kinds) {
        const before = own.find((row) => row.kind === kind);
        const condition = conditions.find((each) => each.kind === kind);
        const nowMs = now();
        if (before !== undefined) kept.add(before);
        if (before?.message !== undefined && isGivenUp(before, nowMs))
          say(before, before.message, receiver, "given_up");
        const place = { subject, kind, receiver: name };
        const after = nextRow(before, condition, place, { nowMs, newId });
        if (after === undefined) {
          if (before !== undefined) await book.drop(before);
          continue;
        }
        if (after !== before) await book.put(after);
        if (after.message !== undefined && isDue(after.message, nowMs))
          due.push({ row: after, message: after.message, receiver, connector });
      }
    }
    // Nobody is told there any more.
    for (const row of known) if (!kept.has(row)) await book.drop(row);
    return due;
  }

  /** @returns whether the receiver has taken it */
  async function tryOnce(book: AlertBook, { row, message, receiver, connector }: Due): Promise<boolean> {
    const tried = attempted(row, message, pace, now());
    await book.put(tried);
    const sent = { ...message, attempts: message.attempts + 1 };
    try {
      const body = bodyOf({ type: row.kind, ...row, atMs: message.atMs, state: message.state, connector });
      await send(receiver, { id: message.id, body }, life.signal);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      await book.put(notTaken(row, tried, error, now()));
      if (!life.signal.aborted) say(row, sent, receiver, "failed", error.message);
      return false;
    }
    const after = taken(tried, now());
    await (after === undefined ? book.drop(row) : book.put(after));
    say(row, sent, receiver, "sent");
    return true;
  }

  function say(
    { kind, subject }: AlertRow,
    { state, attempts }: AlertMessage,
    { of: to, url }: AlertReceiver,
    result: AlertEvent["result"],
    reason?: string,
  ): void {
    onEvent({ kind, state, to, host: new URL(url).host, subject, result, attempts, reason });
  }

  return {
    tell: async (book, looks) => {
      const rows = groupBy(await book.rows(), "subject");
      const due: Due[] = [];
      for (const look of looks) due.push(...(await update(book, rows[look.subject] ?? [], look)));
      const byReceiver = Object.values(groupBy(due, ({ row }) => row.receiver));
      await inParallel(byReceiver, AT_ONCE, async (messages) => {
        const beganMs = performance.now();
        for (const each of messages.slice(0, MOST_IN_A_ROW)) {
          if (life.signal.aborted || performance.now() - beganMs > MOST_MS) break;
          if (!(await tryOnce(book, each))) break;
        }
      });
    },
    test: async (receiver, connector) => {
      const nowMs = now();
      const text = "Somebody asked for this message to see whether alerts arrive. Nothing is wrong.";
      const about = { type: TEST, title: "Test of alerts", text, state: "resolved", connector } as const;
      await send(receiver, { id: newId(), body: bodyOf({ ...about, atMs: nowMs, sinceMs: nowMs }) }, life.signal);
    },
    close: () => life.abort(),
  };
}

interface Due {
  readonly row: AlertRow;
  readonly message: AlertMessage;
  readonly receiver: AlertReceiver;
  readonly connector: AlertedConnector | undefined;
}

/** Stands for an address in rows: whoever reads them does not learn it. */
const fingerprintOf = (url: string): string => hash("sha256", `alerts ${url}`, "base64url").slice(0, 22);

/** The same for the same message, whenever it is sent. */
function bodyOf({
  type,
  atMs,
  state,
  connector,
  title,
  text,
  sinceMs,
}: Pick<AlertRow, "title" | "text" | "sinceMs"> & {
  readonly type: string;
  readonly atMs: number;
  readonly state: AlertMessage["state"];
  readonly connector: AlertedConnector | undefined;
}): string {
  const said = state === "resolved" && type !== TEST ? `This is over. It was: ${text}` : text;
  const data = { state, ...connector, title, text: said, since: new Date(sinceMs).toISOString() };
  return JSON.stringify({ type, timestamp: new Date(atMs).toISOString(), data });
}
