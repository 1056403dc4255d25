import { isoOf } from "../loopback/clock";
import { createRandom, seedOf } from "../loopback/random";

/** A license in an account's attribute; its keys are free, these are ours. */
export interface PopulationLicense {
  /** Unique in its account alone: every account begins with `license-0`. */
  readonly external_id: string;
  readonly product: string;
  readonly currency: string;
  readonly from_date: string;
  readonly fixed_period: boolean;
  /** Every second license is for a fixed period and has a `value` and a `to_date`, the others a monthly `mrr`. */
  readonly mrr?: number;
  readonly value?: number;
  readonly to_date?: string;
}

const products = ["Core", "Insights", "Support"] as const;
const currencies = ["USD", "EUR", "SEK"] as const;
const yearMs = 365 * 86_400_000;

/** Creates a source of licenses that begin at `at` (ms). The same seed gives the same licenses. */
export function createLicenseSource(seed: number, at: number): (count: number) => PopulationLicense[] {
  const random = createRandom(seedOf(seed, "license values"));

  return (count) =>
    Array.from({ length: count }, (_, index): PopulationLicense => {
      const fixed = index % 2 === 1;
      const price = random.integer(10, 2_000);
      return {
        external_id: `license-${index}`,
        product: random.pick(products),
        currency: random.pick(currencies),
        from_date: isoOf(at),
        fixed_period: fixed,
        ...(fixed ? { value: price * 12, to_date: isoOf(at + yearMs) } : { mrr: price }),
      };
    });
}
