import { badRequestBodies, errorShapes, keysForms, keysOrders, nonupdatesForms } from "../../../simulators/planhat";
import type { PlanhatSwitches } from "../../../simulators/planhat";

/** Every form that the answer to a bulk write may have, as far as the documentation leaves it open. */
export const allowedCombinations: Partial<PlanhatSwitches>[] = errorShapes.flatMap((errorShape) =>
  nonupdatesForms.flatMap((nonupdates) =>
    keysForms.flatMap((keysForm) =>
      badRequestBodies.map((badRequestBody, n) => ({
        errorShape,
        nonupdates,
        keysForm,
        badRequestBody,
        keysOrder: keysOrders[n] ?? "input",
      })),
    ),
  ),
);
