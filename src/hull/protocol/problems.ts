// Problems of a payload, in words for the person who reads the answer.
import get from "lodash/get";
import type { z } from "zod";

export interface Problem {
  /** Where: `configuration.secret`, `events[0].event`; `(body)` for the whole. */
  readonly path: string;
  readonly message: string;
  /** What the sender can do. */
  readonly remedy: string;
}

const REMEDIES: readonly (readonly [prefix: string, remedy: string])[] = [
  ["(body)", "Post a JSON object with content-type application/json."],
  ["configuration", "Send configuration as {id, organization, secret} of the installed connector."],
  ["connector", "Send the whole connector object, private_settings included."],
  ["messages", "Send messages as an array, one element per changed user or account."],
  ["notification_id", "Send the notification's id; it must equal the jti of the signature."],
  ["channel", "Name the channel, such as user:update or account:update."],
  ["user", "Send the user as a flat object with its Hull id."],
  ["account", "Send the account as a flat object with its Hull id."],
];

/** More of them help nobody, and a long list of bad elements would fill the memory. */
const MAX_PROBLEMS = 20;

/** Translates the first of zod's issues; `input` distinguishes a missing field from a wrong one. */
export function problemsOf(error: z.ZodError, input: unknown): Problem[] {
  return error.issues.slice(0, MAX_PROBLEMS).map((issue) => {
    const path = printPath(issue.path);
    const remedy = REMEDIES.find(([prefix]) => path === prefix || path.startsWith(`${prefix}.`))?.[1];
    return {
      path,
      message: get(input, issue.path) === undefined ? "is missing" : issue.message,
      remedy: remedy ?? `Correct the field ${path} or leave it out.`,
    };
  });
}

function printPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "(body)";
  return path
    .map((step, i) => (typeof step === "number" ? `[${step}]` : `${i === 0 ? "" : "."}${String(step)}`))
    .join("");
}
