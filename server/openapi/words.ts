/** Words about the service in texts that are the same for all: a text says `{{service}}` and is filled per service. */
import type { Service } from "../../src/services/service";
import { typeOf } from "../../src/services/types";

export type SpokenService<S> = Pick<Service<S>, "face" | "types">;

/** Fills every text in a piece of JSON, names of properties too. */
export function fill<T, S>(piece: T, service: SpokenService<S>): T {
  const { title, examples } = service.face;
  // What Hull's users and accounts become, as far as the service has it.
  const types = (["user", "account"] as const).flatMap((entity) => typeOf(service, entity) ?? []);
  const words: Readonly<Record<string, string>> = {
    service: title,
    type: types[0] ?? "records",
    types: types.join(", "),
    "a type": types.join(" or "),
    "a parent": examples.parent,
    "remote id": examples.remoteId,
    "skip code": examples.skipped.code,
    "skip text": examples.skipped.text,
  };
  const filled = JSON.stringify(piece).replaceAll(/\{\{([a-z ]+)\}\}/g, (whole, name: string) => {
    const word = words[name];
    if (word === undefined) throw new Error(`There is no word for ${whole}.`);
    return JSON.stringify(word).slice(1, -1);
  });
  return JSON.parse(filled) as T;
}
