/** Rows behind a failure at which PlanningPME stopped. Which they are, the scenarios show. */
import { buildAccountMessage } from "../../../simulators/hull";
import { account } from "../../fixture/people";
import { usePlanningPme } from "../../fixture/planningpme";
import { bag, list } from "../../fixture/states";

const open = usePlanningPme();

it("sends rows behind a failure all together in the next call, as none of them has failed", async () => {
  const environment = { RETRY_BASE_MS: "500", RETRY_CAP_MS: "2000" };
  const planner = await open({ environment, settings: { stop_on_error: true } });
  for (const failing of [2, 5, 9]) {
    planner.planningpme.brand().poison({ property: "ID", value: `acme-${failing}` }, "The name is taken");
  }
  const accounts = Array.from({ length: 10 }, (_, at) => buildAccountMessage(account(at + 1)));
  await planner.deliver(accounts, { channel: "account:update" });
  expect(planner.calls.map(({ body }) => list(bag(body)["model"]).length)).toEqual([10, 8, 5, 1]);
  expect(await planner.outcomes()).toEqual({ "customers/sent/created": 7, "customers/rejected/refused": 3 });
});
