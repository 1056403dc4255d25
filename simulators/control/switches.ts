/** Switches: what is unknown of a service, and therefore can be had in every plausible form. */
import { isObject } from "../loopback/call";
import type { Call } from "./calls";

/** What each switch may be set to. */
export type SwitchValues = Readonly<Record<string, readonly (string | number)[]>>;

/** One value for each switch. */
export type Switches<Values extends SwitchValues> = { -readonly [Name in keyof Values]: Values[Name][number] };

/** Reads switches from outside. Throws RangeError on an unknown name or value. */
export function readSwitches<Values extends SwitchValues>(values: Values, input: unknown): Partial<Switches<Values>> {
  if (!isObject(input)) throw new RangeError("Send switches and their values as a JSON object.");
  const entries = Object.entries(input);
  for (const [name, value] of entries) {
    const allowed: readonly unknown[] | undefined = Object.hasOwn(values, name) ? values[name] : undefined;
    if (allowed === undefined) {
      throw new RangeError(`There is no switch ${name}; there are ${Object.keys(values).join(", ")}.`);
    }
    if (allowed.includes(value)) continue;
    const choices = allowed.map((each) => JSON.stringify(each)).join(", ");
    throw new RangeError(`The switch ${name} has no value ${JSON.stringify(value)}; it takes ${choices}.`);
  }
  return Object.fromEntries(entries) as Partial<Switches<Values>>;
}

interface Switched<Values extends SwitchValues> {
  readonly switches: Readonly<Switches<Values>>;
  configure(switches: Partial<Switches<Values>>): void;
}

/** `GET` and `PUT /__sim/switches`. */
export function switchCalls<Values extends SwitchValues>(simulator: Switched<Values>, values: Values): readonly Call[] {
  const [name = "", allowed = []] = Object.entries(values)[0] ?? [];
  return [
    {
      method: "GET",
      path: "/__sim/switches",
      does: "Shows the switches in force.",
      answer: () => ({ status: 200, body: simulator.switches }),
    },
    {
      method: "PUT",
      path: "/__sim/switches",
      does: "Changes switches, from the next call on; those that are not named stay.",
      example: { [name]: allowed.at(-1) },
      takes: () =>
        Object.fromEntries(
          Object.entries(values).map(([each, choices]) => [each, { now: simulator.switches[each], choices }]),
        ),
      answer({ body }) {
        try {
          simulator.configure(readSwitches(values, body));
        } catch (error) {
          if (error instanceof RangeError) return { status: 400, body: { error: error.message } };
          throw error;
        }
        return { status: 200, body: simulator.switches };
      },
    },
  ];
}
