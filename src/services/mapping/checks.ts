/** What a message must fulfil before it is mapped: for the plan, and for people who ask why. Pure. */
import type { Reason } from "../../outcome/outcome";
import type { Check } from "../model";

/** @param reason the reasons of the service, from `createReasons` */
export function createChecks<C extends string>(reason: (code: C, detail?: string) => Reason) {
  /** @param detail what is specific to the message, such as names of fields */
  const check = (name: string, fulfilled: boolean, code: C, detail?: string): Check => ({
    name,
    verdict: fulfilled ? "passed" : "failed",
    reason: reason(code, detail),
  });
  return {
    check,
    /** Chosen in the settings: exports and batches pass it. */
    filter: (name: string, fulfilled: boolean, code: C, isExport: boolean): Check =>
      isExport && !fulfilled ? { ...check(name, fulfilled, code), verdict: "bypassed" } : check(name, fulfilled, code),
  };
}

/** Why a message must not be sent; empty if nothing is against it. */
export function reasonsAgainst(checks: readonly Check[]): readonly Reason[] {
  return checks.filter(({ verdict }) => verdict === "failed").map(({ reason }) => reason);
}
