/** Findings about a connector: each level in one word, and what all services say alike. Pure. */
import type { Finding } from "./connection";
import type { Failed } from "./failure";

/** Something that must be entered before anything can be sent. */
export const setupRequired = (text: string): Finding => ({ level: "setupRequired", text });
export const error = (text: string): Finding => ({ level: "error", text });
export const warning = (text: string): Finding => ({ level: "warning", text });
/** Nothing is wrong. */
export const hint = (text: string): Finding => ({ level: "ok", text });

/** The finding where it applies, and otherwise nothing. */
export const when = (applies: boolean, finding: Finding): readonly Finding[] => (applies ? [finding] : []);

/** A sentence without its full stop: our own words follow. */
export const clause = (message: string): string => message.replace(/\.$/, "");

/**
 * The service gave no answer that could be judged, which may pass.
 *
 * @param where what a person can look at if it does not pass, as the end of a sentence
 */
export function unanswered(
  title: string,
  { message }: Failed,
  where = `ask ${title}'s support or look at the network`,
) {
  return warning(
    `${title} could not be asked: ${clause(message)}. What waits is sent once it answers; if this continues, ${where}.`,
  );
}

/**
 * How often records ended in a certain way in the last day: values are only in Hull, so what the service thinks of them
 * shows when they are sent.
 *
 * @param outcomes `type/outcome/code` → count
 * @param isMeant whether an outcome counts @param what follows "3 times in the last 24 hours", as a sentence
 */
export function lately(
  outcomes: Readonly<Record<string, number>>,
  isMeant: (outcome: string) => boolean,
  what: string,
  level: Finding["level"] = "warning",
): readonly Finding[] {
  const count = Object.entries(outcomes).reduce((sum, [name, each]) => (isMeant(name) ? sum + each : sum), 0);
  const times = count === 1 ? "Once" : `${count} times`;
  return when(count > 0, { level, text: `${times} in the last 24 hours ${what}` });
}
