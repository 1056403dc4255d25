/**
 * `/api/internal/…` of PlanSource: subscribers, beneficiaries, and any other call. What is not described is passed on as
 * it is, and answers are PlanSource's own `data`.
 */
import { z } from "zod";
import { declare, type Operation } from "../../operations";
import { refusalsOf } from "../../interactive";
import type { PlanSourceSettings } from "../settings/settings";
import { createCalls, PLANSOURCE, type Calls, type CallsOptions } from "./calls";
import { rawOperation } from "./raw-request";
import { includeTest, SWITCH, withTests } from "./parameters";
import { subscriberOperations } from "./subscribers";

export function plansourceOperations(options: CallsOptions): readonly Operation<PlanSourceSettings>[] {
  const calls = createCalls(options);
  return [...subscriberOperations(calls), beneficiaries(calls), rawOperation(calls)];
}

const beneficiary = z.looseObject({ id: z.union([z.number(), z.string()]) });

function beneficiaries(calls: Calls): Operation<PlanSourceSettings> {
  return declare({
    id: "listBeneficiaries",
    method: "GET",
    path: "/beneficiaries",
    tag: { name: "Beneficiaries", description: "Who gets the benefits of a coverage, with the stored credentials." },
    summary: "All beneficiaries",
    query: { schema: z.object({ include_test: includeTest }), remedies: { include_test: SWITCH } },
    answer: {
      name: "Beneficiaries",
      schema: z.array(beneficiary),
      description: "PlanSource's `data`, unchanged.",
      example: [{ id: 1, first_name: "Bo", last_name: "Lee", relationship: "Spouse" }],
    },
    refusals: refusalsOf(PLANSOURCE),
    run: async (asker, { query: { include_test } }) => {
      const query = { include_test: withTests(asker, include_test) };
      return { body: await calls.rest(asker, undefined, (rest) => rest.beneficiaries(query)) };
    },
  });
}
