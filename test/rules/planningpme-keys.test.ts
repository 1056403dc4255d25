/** Keys as long as they may be, and longer: the record alone is hurt. */
import { buildAccountMessage } from "../../simulators/hull";
import { account } from "../fixture/fixture";
import { usePlanningPme } from "../fixture/planningpme";

const open = usePlanningPme();
const CHANNEL = { channel: "account:update" } as const;

test.each(["a", "é", "語", "😀"])("a key of many signs such as %s stops no other record", async (sign) => {
  const fixture = await open();
  const long = account(1, { external_id: sign.repeat(500 / sign.length) });
  await fixture.deliver(
    [long, account(2)].map((each) => buildAccountMessage(each)),
    CHANNEL,
  );
  expect(await fixture.outcomes()).toEqual({ "customers/sent/created": 2 });
});

test.each(["external_id", "domain"])("a fetched key of thousands of signs stops no other row (%s)", async (claim) => {
  const exported = { template: "client-export", entity: "account", key_property: "ID", key_attribute: claim };
  const fixture = await open({ settings: { export_templates: [exported] } });
  const brand = fixture.planningpme.brand();
  brand.seed("Customer", { _ID: "語".repeat(3_000), LastName: "Long" });
  brand.seed("Customer", { _ID: "acme-2", LastName: "Acme" });
  await fixture.fetch("force=1", "accounts");
  await fixture.fixture.settled();
  expect([...fixture.fixture.hull.profiles.accounts.values()].map(({ attributes }) => attributes)).toMatchObject([
    { "planningpme/nom": "Long" },
    { "planningpme/nom": "Acme" },
  ]);
});
