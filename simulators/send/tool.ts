/** `npm run send`: lets the simulated Hull send one notification, waits for its outcome, and shows where to look. */
import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import mapValues from "lodash/mapValues";
import { portOf, type Environment } from "../play/places";
import { createAsking, createHull, recordAt, wordsOf, type Connector, type Explained, type Update } from "./asking";
import { readOrder, USAGE, UsageError, type Order } from "./order";

/** Where the tool reads and writes; tests pass their own. */
export interface Terminal {
  readonly environment: Environment;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

const LOOK_EVERY_MS = 100;
/** How long nothing is said while all is well. */
const QUIET_MS = 2_000;
/** Sentences of an explanation that say why something waits, and that it does. */
const TROUBLE = /paused|The last try ended/;
const WAITING = /^It (?:has been in flight|has waited for delivery|was delivered; Hull must)/;

/** @returns the exit code: 0 it has its outcome, 1 not possible, 2 called in a wrong way */
export async function send(args: readonly string[], terminal: Terminal): Promise<0 | 1 | 2> {
  if (args.some((each) => each === "--help" || each === "-h")) {
    terminal.print(USAGE);
    return 0;
  }
  try {
    await play(readOrder(args), terminal);
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const misused = error instanceof UsageError || isMisparsed(error);
    terminal.complain(misused ? `${message}\n\n${USAGE}` : message);
    return misused ? 2 : 1;
  }
}

/** What `parseArgs` says about an option that it does not know. */
function isMisparsed(error: unknown): boolean {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" && code.startsWith("ERR_PARSE_ARGS");
}

async function play(order: Order, { environment, print }: Terminal): Promise<void> {
  const hull = createHull(`http://127.0.0.1:${portOf("hull", environment)}`);
  const organization = new URL(hull.url).host;
  const connector = await hull.connector(order.service);
  const origin = order.to ?? new URL(connector.source_url).origin;
  const asking = createAsking(origin, organization, connector);
  const { title, simulator } = connector.extra;
  // Whether it is there and lets us in, before anything is changed in Hull.
  await asking.explain("user", "nobody");

  const update = await hull.update(updateOf(order, connector, origin));
  if (update.report.messagesAccepted === 0) throw new Error(notTaken(update, origin));
  const who = order.user?.email ?? order.account?.domain ?? "";
  print(`Hull sent the ${update.entity} ${who} to the connector for ${title}.`);

  const look = whereToLook(update, connector, {
    origin,
    organization,
    explainUrl: asking.explainUrl,
    hullUrl: hull.url,
  });
  const record = await outcomeOf(update, order, asking, print).catch((error: unknown): never => {
    print(look);
    throw error;
  });
  const { known, parent } = record;
  const last = known.last_outcome;

  print(`\n  ${last?.outcome ?? ""} (${last?.code ?? ""}): ${last?.text ?? ""}`);
  if (last?.remedy != null) print(`  To do: ${last.remedy}`);

  const held = [
    { type: record.type, id: known.link?.remote_id },
    { type: parent?.type ?? "", id: parent?.known.link?.remote_id },
  ];
  for (const { type, id } of held) {
    if (id === undefined) continue;
    const found = await recordAt(simulator, type, id);
    if (found !== undefined) print(`\n${title} holds, in ${type}:\n${indented(found)}`);
  }
  if (known.link === null) print(`\n${title} holds no record of it.`);
  print(look);
}

interface Places {
  readonly origin: string;
  readonly organization: string;
  readonly explainUrl: string;
  readonly hullUrl: string;
}

function whereToLook(update: Update, { id, name, secret, extra }: Connector, places: Places): string {
  const claim = JSON.stringify({ id: update.hull_id, entity: update.entity });
  const { origin, organization, explainUrl, hullUrl } = places;
  return `
Where to look:
  console     ${origin}/${name}/console?org=${organization}
              user ${id}, password ${secret}
  explain     curl -u ${id}:${secret} -H 'content-type: application/json' \\
              -d '${claim}' '${explainUrl}'
  ${extra.title.padEnd(11)} ${extra.simulator}/__sim/snapshot  /__sim/books
  Hull        ${hullUrl}/__sim/snapshot  /__sim/books`;
}

/** With digits of its own in the place of each #: services know records by such numbers. */
function samplesOf(samples: Readonly<Record<string, unknown>>, externalId: string): Readonly<Record<string, unknown>> {
  const digits = hash("sha256", externalId).replaceAll(/\D/g, "");
  return mapValues(samples, (value) => {
    let at = 0;
    return typeof value === "string" ? value.replaceAll("#", () => digits[at++] ?? "0") : value;
  });
}

function updateOf({ user, account, segments }: Order, connector: Connector, origin: string): unknown {
  const { samples } = connector.extra;
  const chosen = segments ?? ["Customers"];
  return {
    connector: connector.id,
    target: `${origin}/${connector.name}/smart-notifier`,
    ...(user && {
      user: {
        email: user.email,
        external_id: user.externalId,
        attributes: { ...samplesOf(samples.user, user.externalId), ...user.attributes },
      },
    }),
    ...(account && {
      account: {
        domain: account.domain,
        external_id: account.externalId,
        attributes: { ...samplesOf(samples.account, account.externalId), ...account.attributes },
      },
    }),
    ...(user && { segments: chosen }),
    ...(account && { account_segments: chosen }),
  };
}

function notTaken({ report }: Update, origin: string): string {
  const last = report.answers.at(-1);
  const said = last?.error ?? wordsOf(last ?? {});
  return `The connector at ${origin} did not take the notification; its last answer was ${said}`;
}

/** Waits until the message has its outcome, and says what it waits for. */
async function outcomeOf(
  { entity, hull_id: hullId, message_id: messageId }: Update,
  { waitMs }: Order,
  asking: ReturnType<typeof createAsking>,
  print: (text: string) => void,
): Promise<Explained> {
  const startedAtMs = performance.now();
  const waitedMs = (): number => performance.now() - startedAtMs;
  const said = new Set<string>();
  for (;;) {
    const { records, text, problems } = await asking.explain(entity, hullId);

    const ended = records.find(({ known }) => known.last_outcome?.message_id === messageId);
    if (ended !== undefined) return ended;
    const refusal = problems[0];
    if (refusal !== undefined) throw new Error(refusal);
    const reasons = [...text, ...records.flatMap((record) => record.text)];
    const isTelling = (reason: string): boolean =>
      TROUBLE.test(reason) || (said.size === 0 && waitedMs() > QUIET_MS && WAITING.test(reason));
    for (const reason of reasons.filter(isTelling)) {
      // The same trouble at another time is no news.
      const trouble = reason.replaceAll(/\d{4}-\d{2}-\d{2}T[\d:]+Z/g, "");
      if (!said.has(trouble)) print(`  … ${reason}`);
      said.add(trouble);
    }
    if (waitedMs() > waitMs) {
      // The sentences end in others' words, which may lack a full stop: each has its own line.
      const lines = reasons.map((reason) => `  ${reason}`);
      const known = lines.length === 0 ? [] : ["What is known of it:", ...lines];
      const first = `It had no outcome within ${waitMs / 1_000} s, and stays with the connector.`;
      throw new Error([first, ...known, "Wait longer with --wait."].join("\n"));
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** A record in lines, without the fields in which nothing stands. */
function indented(record: Readonly<Record<string, unknown>>): string {
  const isEmpty = (value: unknown): boolean => ["[]", "{}", '""', "0", "false", "null"].includes(JSON.stringify(value));
  const shown = Object.fromEntries(Object.entries(record).filter(([, value]) => !isEmpty(value)));
  return JSON.stringify(shown, undefined, 2).replace(/^/gm, "  ");
}
