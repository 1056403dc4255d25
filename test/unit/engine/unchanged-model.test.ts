/**
 * The same random history twice: one run recognises messages that say the same, the other plans and compares each.
 * Answers, log lines and every stored row must be the same after every step.
 */
import fc from "fast-check";
import { deadLetterId } from "../../../src/storage/port/dead-letters";
import {
  openPairedRun,
  rows,
  typeOf,
  type ConnectorId,
  type How,
  type HullId,
  type MessageParts,
  type PairedRun,
} from "./paired-run";

/** Histories that are tried. */
const RUNS = 10;

const VARIANTS = {
  usual: {},
  clearing: { clear_on_null: true },
  otherName: { contact_attributes_outbound: rows({ email: "email", external_id: "name" }) },
  otherToken: { personal_acccess_token: "token-2" },
  elsewhere: { tenant_id: "t2" },
  nobody: { contact_synchronized_segments: [] },
  events: { contact_events: ["ALL"] },
  licenses: { account_licenses_attribute: "licenses", account_licenses_attributes_outbound: [] },
} as const;

/** What Hull knows of a record; one thing of it changes at a time. */
interface State {
  readonly name: unknown;
  readonly place: unknown;
  readonly shown: boolean;
  readonly inside: boolean;
  readonly clicks: number;
}

const AT_FIRST: State = { name: "A", place: "X", shown: true, inside: true, clicks: 0 };

interface Where {
  readonly hullId: HullId;
  readonly connector: ConnectorId;
}

type Step =
  | (Where & { readonly kind: "change"; readonly change: Partial<State> })
  | (Where & {
      readonly kind: "repeat";
      readonly odd?: "late" | "export" | "cleared" | "message" | "flow" | "unlink";
    })
  | (Where & { readonly kind: "settle"; readonly how: How })
  | (Where & { readonly kind: "attempt" | "erase" | "replay" | "person" | "resend" | "loseLink" })
  | { readonly kind: "inStep" | "tick" | "generation" }
  | { readonly kind: "save"; readonly connector: ConnectorId; readonly variant: keyof typeof VARIANTS }
  | { readonly kind: "confirm"; readonly connector: ConnectorId; readonly verdict: "same" | "other" }
  | { readonly kind: "told"; readonly connector: ConnectorId };

const often = <T>(weight: number, usual: T, ...rare: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...rare) });

const where = {
  hullId: often<HullId>(4, "u1", "a1", "u2"),
  connector: often<ConnectorId>(4, "c1", "c2"),
};

/** Few values each, so that an earlier state comes back. An object is no text: the mapping warns and leaves it out. */
const change: fc.Arbitrary<Partial<State>> = fc.oneof(
  fc.record({ name: fc.constantFrom<unknown>("A", "B") }),
  fc.record({ place: fc.constantFrom<unknown>("X", "Y", null, undefined, "", { no: "text" }) }),
  fc.record({ shown: fc.boolean() }),
  fc.record({ inside: often(2, true, false) }),
  fc.record({ clicks: fc.nat(9) }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 7, arbitrary: fc.record({ ...where, kind: fc.constant("change" as const), change }) },
  { weight: 9, arbitrary: fc.record({ ...where, kind: fc.constant("repeat" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      ...where,
      kind: fc.constant("repeat" as const),
      odd: fc.constantFrom("late", "export", "cleared", "message", "flow", "unlink"),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("inStep" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...where,
      kind: fc.constant("settle" as const),
      how: fc.constantFrom<How>("tell", "tell", "quiet", "reject", "wait", "unlink"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...where,
      kind: fc.constantFrom("attempt", "attempt", "erase", "replay", "person", "resend", "resend", "loseLink"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("tick", "tick", "generation") }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("save" as const),
      connector: where.connector,
      variant: fc.oneof(
        { weight: 2, arbitrary: fc.constant("usual" as const) },
        { weight: 3, arbitrary: fc.constantFrom("clearing", "otherName", "otherToken", "elsewhere") },
        { weight: 1, arbitrary: fc.constantFrom("nobody", "events", "licenses") },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("confirm" as const),
      connector: where.connector,
      verdict: fc.constantFrom("same", "other"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("told" as const), connector: where.connector }) },
);

/** One of the two runs, with what Hull knows there. */
interface Side {
  readonly run: PairedRun;
  readonly states: Map<HullId, State>;
}

async function openSide(recognises: boolean): Promise<Side> {
  return { run: await openPairedRun(recognises), states: new Map() };
}

function send({ run, states }: Side, { hullId, connector }: Where, more: MessageParts = {}): Promise<unknown> {
  const { name, place, shown, inside, clicks } = states.get(hullId) ?? AT_FIRST;
  const key = hullId === "a1" ? "city" : "traits_position";
  const hidden = shown ? {} : { "planhat/id": null };
  return run.send(hullId, {
    connector,
    segments: inside ? ["everybody"] : [],
    ...more,
    more: { name, clicks, ...(place === undefined ? {} : { [key]: place }), ...hidden, ...more.more },
  });
}

function repeat(side: Side, { odd, ...at }: Extract<Step, { kind: "repeat" }>): Promise<unknown> {
  const { run } = side;
  switch (odd ?? "nothing") {
    case "nothing":
      return send(side, at);
    case "late":
      return send(side, at, { ageMs: 60_000 });
    case "export":
      return send(side, at, { isExport: true });
    case "cleared": {
      const [entity, key] = at.hullId === "a1" ? ["account", "city"] : ["user", "traits_position"];
      return send(side, at, { changes: { [entity]: { [key]: ["before", null] } }, more: { [key]: null } });
    }
    // And now what happens after the look at the message and before it is taken in.
    case "message":
      run.meanwhile(() => send(side, at, { ageMs: 1, more: { name: "M" } }));
      return send(side, at);
    case "flow":
      run.meanwhile(() => run.flow());
      return send(side, at);
    case "unlink":
      run.meanwhile(() => run.loseLink(at.hullId, at.connector));
      return send(side, at);
  }
}

/** @returns what the step answered, to be compared */
async function take(side: Side, current: Step): Promise<unknown> {
  const { run, states } = side;
  const { store, clock } = run;
  switch (current.kind) {
    case "change":
      states.set(current.hullId, { ...(states.get(current.hullId) ?? AT_FIRST), ...current.change });
      return send(side, current);
    case "repeat":
      return repeat(side, current);
    case "inStep": {
      const answers: unknown[] = [];
      await run.flow();
      for (const hullId of ["u1", "a1", "u1", "a1"] as const)
        answers.push(await send(side, { hullId, connector: "c1" }));
      return answers;
    }
    case "resend": {
      const sent = run.last(current.hullId);
      return sent === undefined ? undefined : run.sendAgain(sent);
    }
    case "settle":
      return run.settle(current.how, current.hullId, current.connector);
    case "attempt":
      return run.attempt(current.hullId, current.connector);
    case "erase": {
      const what = { types: [typeOf(current.hullId)], children: [] };
      return store.forgetEntity(`org/${current.connector}`, what, current.hullId);
    }
    case "replay": {
      const [refused] = await store.deadLettersOf(await run.lane(current.connector));
      return refused === undefined ? undefined : store.replayDeadLetter(deadLetterId(refused));
    }
    case "person":
      return run.personSets(current.hullId, "B");
    case "loseLink":
      return run.loseLink(current.hullId, current.connector);
    case "tick":
      clock.nowMs += 900_000;
      return undefined;
    case "generation":
      return store.newGeneration((await run.lane()).remote);
    case "told":
      return run.told(current.connector);
    case "save":
      return run.save(current.connector, VARIANTS[current.variant]);
    case "confirm":
      return run.confirm(current.connector, current.verdict);
  }
}

const linesOf = ({ run }: Side, from: number): unknown =>
  run.logs.slice(from).map(({ level, event, context, data, ended }) => ({ level, event, context, data, ended }));

/** @returns how many messages were recognised */
async function check(steps: readonly Step[]): Promise<number> {
  const quick = await openSide(true);
  const slow = await openSide(false);
  try {
    for (const [index, current] of steps.entries()) {
      const lines = [quick.run.logs.length, slow.run.logs.length] as const;
      const answers = [await take(quick, current), await take(slow, current)];
      expect([index, answers[0]]).toEqual([index, answers[1]]);
      expect(linesOf(quick, lines[0])).toEqual(linesOf(slow, lines[1]));
      const [rows, expected] = [await quick.run.dump(), await slow.run.dump()];
      // Mostly they are equal to the letter, which is told much faster.
      if (JSON.stringify(rows) !== JSON.stringify(expected)) expect(rows).toEqual(expected);
    }
    expect(slow.run.recognised()).toBe(0);
    return quick.run.recognised();
  } finally {
    await quick.run.close();
    await slow.run.close();
  }
}

describe("whatever happens in whatever order", () => {
  it("a recognised message ends as it would have ended otherwise, and leaves the same rows", async () => {
    let recognised = 0;
    const begun: Step[] = [{ kind: "change", hullId: "u1", connector: "c1", change: {} }, { kind: "inStep" }];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40, size: "max" }), async (steps) => {
        recognised += await check([...begun, ...begun, ...steps]);
      }),
      { numRuns: RUNS },
    );
    // Otherwise nothing was tried.
    expect(recognised).toBeGreaterThan(4 * RUNS);
  });
});
