/** Licenses as people set them up: the rows of the mapping, and a license as it stands in the account's list. */
import type { Bag } from "../scenarios/states";

export const row = (hull_field_name: string, service_field_name: string) => ({ hull_field_name, service_field_name });

/** Settings with which an account's licenses are sent. */
export const LICENSE_SETTINGS = {
  account_licenses_attribute: "licenses",
  account_licenses_attributes_outbound: [
    row("id", "externalId"),
    row("product", "product"),
    row("currency", "_currency"),
    row("start", "fromDate"),
    row("mrr", "mrr"),
  ],
};

export const license = (number: number, more: Bag = {}): Bag => ({
  id: `lic-${number}`,
  product: "Core",
  currency: "EUR",
  start: "2026-01-01",
  mrr: 100 * number,
  ...more,
});
