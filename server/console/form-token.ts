/**
 * Tokens of forms. A browser sends its remembered log-in with whatever any page posts here. A token in the form shows
 * that the form is ours, was made recently, and was made for this connector and this action.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Credentials } from "../../src/engine/tenants";

/** The connector that a form was made for. */
export type FormOwner = Pick<Credentials, "organization" | "id">;

export type FormTokens = ReturnType<typeof createFormTokens>;

/** A form is valid for one period and the rest of the one in which it was made: 12 to 24 hours. */
const PERIOD_MS = 12 * 3_600_000;

/**
 * @param key secret, and used for nothing else
 * @param now milliseconds since 1970
 */
export function createFormTokens(key: string, now: () => number) {
  const period = (): number => Math.floor(now() / PERIOD_MS);
  const tokenOf = ({ organization, id }: FormOwner, action: string, when: number): Buffer =>
    createHmac("sha256", key)
      .update(JSON.stringify([organization, id, action, when]))
      .digest();

  return {
    /** @param action what the form does, and to what: `drop 3f2a9c0b71de` */
    make: (owner: FormOwner, action: string): string => tokenOf(owner, action, period()).toString("base64url"),
    fits: (owner: FormOwner, action: string, token: string): boolean => {
      const given = Buffer.from(token, "base64url");
      return [period(), period() - 1]
        .map((when) => tokenOf(owner, action, when))
        .some((expected) => given.length === expected.length && timingSafeEqual(given, expected));
    },
  };
}
