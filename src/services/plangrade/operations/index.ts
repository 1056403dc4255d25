/**
 * `/api/internal/…` of plangrade: users, companies and participants, as plangrade documents them. Every operation reads
 * both forms of an answer, and answers in the documented one.
 */
import type { Operation } from "../../operations";
import type { PlangradeSettings } from "../settings/settings";
import { createCalls, type OperationOptions } from "./calls";
import { companyOperations } from "./companies";
import { participantOperations } from "./participants";
import { userOperations } from "./users";

export type { OperationOptions } from "./calls";

export function plangradeOperations(options: OperationOptions): readonly Operation<PlangradeSettings>[] {
  const calls = createCalls(options);
  return [...userOperations(calls), ...companyOperations(calls), ...participantOperations(calls)];
}
