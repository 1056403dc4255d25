import type { PlanhatSwitches } from "../../../simulators/planhat";

const errorShapes = ["text", "item", "keys", "index"] as const;
const nonupdatesForms = ["counted", "named"] as const;
const keysForms = ["full", "id-only"] as const;
const refusals = [
  { badRequestBody: "envelope", keysOrder: "input" },
  { badRequestBody: "text", keysOrder: "shuffled" },
] as const;

/** Every form that the answer to a bulk write may have, as far as the documentation leaves it open. */
export const answerForms: readonly Partial<PlanhatSwitches>[] = errorShapes.flatMap((errorShape) =>
  nonupdatesForms.flatMap((nonupdates) =>
    keysForms.flatMap((keysForm) => refusals.map((refusal) => ({ errorShape, nonupdates, keysForm, ...refusal }))),
  ),
);
