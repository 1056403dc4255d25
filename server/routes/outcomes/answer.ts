/** What became of records as the API shows it, in Hull's spelling: names in snake_case, instants in ISO 8601. */
import groupBy from "lodash/groupBy";
import { z } from "zod";
import { profileLink } from "../../../src/hull/profile-link";
import { outcomeCode } from "../../../src/outcome/outcome";
import type { Service } from "../../../src/services/service";
import { entityOf, typeOf } from "../../../src/services/types";
import type { HistoryLine, Store } from "../../../src/storage/port/store";
import type { Tenant } from "../../../src/engine/tenants";
import { remedyOf } from "../../admin/remedies";
import { instantAnswer, isoOf } from "../../openapi/instants";
import { safely, type Meaning } from "../explain/known";

const sentAnswer = z.record(z.string(), z.string().nullable()).nullable().meta({
  description:
    "Fields that were sent to {{service}}, each with its value as JSON, cut after 60 characters; null: a secret, or one of many.",
});

export const lineAnswer = z.object({
  at: instantAnswer,
  type: z.string(),
  hull_id: z.string().meta({ description: "Empty for somebody who was erased." }),
  outcome: z.string().nullable().meta({ description: "null: fields were sent, and the message had not ended yet." }),
  code: z.string().nullable().meta({ description: "The reason in one word." }),
  text: z.string().nullable().meta({ description: "The reason in words, cut after 300 characters." }),
  remedy: z.string().nullable().meta({ description: "What a person can do; null: nothing need be done." }),
  message_id: z.string().nullable().meta({ description: "null for what changed nothing." }),
  run: z.string().nullable().meta({ description: "The run that the message belongs to." }),
  derived: z.boolean().meta({ description: "No message asked for it: it was created for its children." }),
  messages: z.int().meta({ description: "How many messages ended alike: more than 1 only after an outage of Hull." }),
  sent: sentAnswer,
});

export const outcomeRecordAnswer = lineAnswer.extend({
  name: z.string().meta({ description: "E-mail address, external id, domain or Hull id." }),
  remote_id: z.string().nullable().meta({ description: "The id in {{service}}." }),
  links: z.object({
    hull: z.string().nullable().meta({ description: "The profile in Hull." }),
    service: z.string().nullable().meta({ description: "The record in {{service}}." }),
  }),
});

export const outcomePage = z.object({
  outcomes: z.array(outcomeRecordAnswer),
  next: z.string().nullable().meta({
    description: "`after` of the next page; null when there is none. A page may be empty and another one follow.",
  }),
});

type LineAnswer = z.output<typeof lineAnswer>;
export type OutcomeRecordAnswer = z.output<typeof outcomeRecordAnswer>;

/** What of a service says what its outcomes mean, and where its records are. */
export type SaidBy<S> = Meaning & Pick<Service<S>, "types" | "recordLink">;

export function showLine(line: HistoryLine, service: Meaning): LineAnswer {
  const { type, hullId, atMs, ending, sent } = line;
  const common = { at: isoOf(atMs), type, hull_id: hullId };
  const shown =
    sent === undefined
      ? null
      : Object.fromEntries(Object.entries(sent).map(([field, value]) => [field, value ?? null]));
  if (ending === undefined) {
    const nothing = { outcome: null, code: null, text: null, remedy: null, message_id: null, run: null };
    return { ...common, ...nothing, derived: false, messages: 1, sent: shown };
  }
  const { outcome, code, text, messageId, run, derived, times } = ending;
  return {
    ...common,
    outcome,
    code,
    text: safely(text === "" ? outcomeCode(code, service.outcomes).text : text),
    remedy: remedyOf(ending, service.outcomes, service.face.remedies) ?? null,
    message_id: messageId ?? null,
    run: run ?? null,
    derived: derived === true,
    messages: times ?? 1,
    sent: shown,
  };
}

/** Lines with the names of their records, and where people look at them. */
export async function showRecords<S>(
  store: Pick<Store, "view">,
  { key, remote, settings, credentials }: Tenant<S>,
  service: SaidBy<S>,
  lines: readonly HistoryLine[],
): Promise<OutcomeRecordAnswer[]> {
  const known = new Map<string, { readonly name?: string | undefined; readonly remoteId?: string | undefined }>();
  for (const [type, own] of remote === undefined ? [] : Object.entries(groupBy(lines, "type"))) {
    const ids = [...new Set(own.map(({ hullId }) => hullId))];
    const views = await store.view({ remote: remote ?? "", tenant: key }, type, ids);
    for (const [index, hullId] of ids.entries()) {
      const { claims = {}, remoteId } = views[index]?.record ?? {};
      known.set(`${type} ${hullId}`, { name: claims["email"] ?? claims["external_id"] ?? claims["domain"], remoteId });
    }
  }
  return lines.map((line) => {
    const { type, hullId } = line;
    const { name = hullId, remoteId } = known.get(`${type} ${hullId}`) ?? {};
    const entity = entityOf(service, type);
    // Other records have ids that are not those of a profile.
    const isProfile = typeOf(service, entity) === type && hullId !== "";
    return {
      ...showLine(line, service),
      name,
      remote_id: remoteId ?? null,
      links: {
        hull: (isProfile ? profileLink(credentials.organization, entity, hullId) : undefined) ?? null,
        service:
          (settings && remoteId !== undefined ? service.recordLink?.(type, remoteId, settings) : undefined) ?? null,
      },
    };
  });
}
