import { isObject } from "../loopback/call";
import type { ModelName } from "./models";
import type { PlanhatSwitches } from "./switches";
import type { Fields } from "./collection";
import type { Tenant } from "./tenant-state";

/** Planhat's word for a model in the definition of a custom field (sheet 11.1). */
const parents: Readonly<Partial<Record<ModelName, string>>> = {
  companies: "Company",
  endusers: "EndUser",
  licenses: "License",
};

const customOf = (item: unknown): Fields => (isObject(item) && isObject(item["custom"]) ? item["custom"] : {});

/** Definitions of a model's custom fields, by name; case counts. */
function definitions(tenant: Tenant, model: ModelName): ReadonlyMap<unknown, Fields> {
  const own = [...tenant.customfields.values()].filter(({ parent }) => parent === parents[model]);
  return new Map(own.map((field) => [field["name"], field]));
}

/** What people see of a record's custom fields: an undefined name is stored anyway, but shown to nobody. */
export function shownCustom(tenant: Tenant, model: ModelName, record: Fields): Fields {
  const known = definitions(tenant, model);
  const shown = ([name]: readonly [string, unknown]) => known.has(name) && known.get(name)?.["isHidden"] !== true;
  return Object.fromEntries(Object.entries(customOf(record)).filter(shown));
}

/** Two custom names that differ in case alone, where a request with them is refused. */
export function twinsIn(items: readonly unknown[], { customTwins }: Readonly<PlanhatSwitches>): string | undefined {
  if (customTwins === "stored") return undefined;
  let seen = new Map<string, string>();
  for (const item of items) {
    if (customTwins === "record") seen = new Map();
    for (const name of Object.keys(customOf(item))) {
      const first = seen.get(name.toLowerCase());
      if (first !== undefined && first !== name) return `custom.${first},custom.${name} duplicated`;
      seen.set(name.toLowerCase(), name);
    }
  }
  return undefined;
}

/** Why a record's custom values are refused; as real Planhat is set up, they never are. */
export function refusedCustom(
  tenant: Tenant,
  model: ModelName,
  fields: Fields,
  switches: Readonly<PlanhatSwitches>,
): string | undefined {
  if (switches.unknownCustom !== "refused" && switches.listValues !== "refused") return undefined;
  const known = definitions(tenant, model);
  for (const [name, value] of Object.entries(customOf(fields))) {
    const field = known.get(name);
    if (field === undefined && switches.unknownCustom === "refused") return `custom.${name} is not defined`;
    const offered = field?.["listValues"];
    const chosen: readonly unknown[] = Array.isArray(value) ? value : [value];
    const isOffered = !Array.isArray(offered) || chosen.every((each) => each === null || offered.includes(each));
    if (switches.listValues === "refused" && !isOffered) return `custom.${name} has no such value`;
  }
  return undefined;
}
