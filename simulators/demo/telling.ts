/** What Hull tells in a demo, and whether the service holds in the end what it should: the same for every service. */
import type { Stage } from "./stage";

/**
 * Changes attributes in Hull and sends the messages that follow from it.
 *
 * @param all the users or accounts of the demo
 * @param positions in that list, of those that change
 * @returns how many messages were taken
 */
export function tell(
  stage: Pick<Stage, "hull" | "send">,
  entity: "user" | "account",
  all: readonly { readonly id: string }[],
  positions: readonly number[],
  change: (index: number) => Readonly<Record<string, unknown>>,
): Promise<number> {
  const { hull } = stage;
  const ofUsers = entity === "user";
  const profiles = ofUsers ? hull.profiles.users : hull.profiles.accounts;
  const messages = positions.flatMap((index) => {
    const profile = profiles.get(all[index]?.id ?? "");
    if (profile === undefined) return [];
    const changed = change(index);
    const pairs = Object.entries(changed).map(
      ([name, value]) => [name, [profile.attributes[name] ?? null, value] as const] as const,
    );
    hull.profiles.merge(profile, changed);
    const changes = { [entity]: Object.fromEntries(pairs) };
    return [{ ...(ofUsers ? hull.userMessage(profile, { changes }) : hull.accountMessage(profile, { changes })) }];
  });
  return stage.send({ channel: `${entity}:update`, messages });
}

export function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** One line of text per record, with all that counts. */
export function lineOf(...parts: readonly unknown[]): string {
  return JSON.stringify(parts.map((part) => part ?? null));
}

/** What is missing in a service and what is too much there, one line each. A record that is there twice is too much. */
export function differences(expected: ReadonlySet<string>, held: readonly string[]): readonly string[] {
  const missing = [...expected].filter((line) => !held.includes(line));
  const surplus = held.filter((line, index) => !expected.has(line) || held.indexOf(line) !== index);
  return [...missing.map((each) => `missing ${each}`), ...surplus.map((each) => `surplus ${each}`)];
}
