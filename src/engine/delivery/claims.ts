/** Which records the works of one cycle have taken. */
import { foldedKey } from "../../record";
import type { ObjectType } from "../../services/model";
import type { Work } from "./work";

/** Identities taken within one cycle: a second Hull entity for the same one is resolved after the first is settled. */
export function createClaims(type: ObjectType): { claim(work: Work): Work | undefined } {
  const identities = new Set<string>();
  const values = new Set<string>();
  return {
    claim: (work) => {
      if (work.mirror !== undefined) {
        if (identities.has(work.mirror.id)) return undefined;
        identities.add(work.mirror.id);
        return work;
      }
      const keys = type.keys.flatMap(({ name, scope }) => {
        const value = work.content.desired.keys[name];
        return value === undefined ? [] : [{ scope, mark: `${name}:${foldedKey(value)}` }];
      });
      const own = keys.map(({ scope, mark }) => (scope === "remote" ? mark : `${work.parentId ?? ""}/${mark}`));
      if (own.some((identity) => identities.has(identity))) return undefined;
      own.forEach((identity) => identities.add(identity));
      // The same e-mail or id under another parent is another person, whom a bulk write could confuse with this one.
      const namesake = work.namesake || keys.some(({ mark }) => values.has(mark));
      keys.forEach(({ mark }) => values.add(mark));
      return { ...work, namesake };
    },
  };
}
