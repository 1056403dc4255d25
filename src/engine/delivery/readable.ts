/** Write-only values are opened as late as can be, for one request. */
import type { Desired } from "../../record";
import type { Settlement } from "../../storage/port/store";
import { opened } from "../rules/write-only";
import { reason } from "../../outcome/outcome";
import type { Cycle } from "./context";
import { ended } from "./settlements";
import type { Work } from "./work";

/** Work with its write-only values opened; what cannot be opened any more ends. */
export function readableOf<S>({ options, context }: Cycle<S>, works: readonly Work[]) {
  const settlements: Settlement[] = [];
  const readable = works.flatMap((work): { readonly work: Work; readonly desired: Desired }[] => {
    const { entry, content } = work;
    const desired = opened(options.seal, entry.tenant, entry, content.desired);
    if (desired !== undefined) return [{ work, desired }];
    settlements.push(ended(work, "rejected", reason("unreadable"), context.nowMs));
    return [];
  });
  return { readable, settlements };
}
