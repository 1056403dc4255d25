/** What `/admin` answers, in the words of the API; the tools on the machine read it back. */
import { z } from "zod";
import { FINDING_LEVELS } from "../../src/services/connection";
import { instantAnswer, isoOf, isoOrNull } from "../openapi/instants";
import {
  deadLetterAnswer,
  deadLetterDetailAnswer,
  deadLetterPage,
  showDeadLetter,
  showDeadLetterDetail,
} from "../routes/dead-letters/answer";
import type { ConnectorOverview } from "./connectors";
import type { DeadLetter, DeadLetterDetail } from "./dead-letters";

const tenant = z.string().meta({ description: "The connector: its service, organization and id." });
const remote = z.string().meta({ description: "Where its records are kept." });

export const anyDeadLetterAnswer = deadLetterAnswer.extend({ tenant });
export const anyDeadLetterDetailAnswer = deadLetterDetailAnswer.extend({ tenant, remote });
export const anyDeadLetterPage = deadLetterPage.extend({ dead_letters: z.array(anyDeadLetterAnswer) });

export function showAnyDeadLetter(deadLetter: DeadLetter): z.output<typeof anyDeadLetterAnswer> {
  return { ...showDeadLetter(deadLetter), tenant: deadLetter.tenant };
}

export function showAnyDeadLetterDetail(
  deadLetter: DeadLetterDetail,
  remedies: Readonly<Record<string, string>>,
): z.output<typeof anyDeadLetterDetailAnswer> {
  return { ...showDeadLetterDetail(deadLetter, remedies), tenant: deadLetter.tenant, remote: deadLetter.remote };
}

export function readDeadLetter(shown: z.output<typeof anyDeadLetterAnswer>): DeadLetter {
  const { id, refused_at, tenant, type, hull_id: hullId, name, outcome, code, text } = shown;
  return { id, atMs: Date.parse(refused_at), tenant, type, hullId, name, outcome, code, text };
}

export function readDeadLetterDetail(shown: z.output<typeof anyDeadLetterDetailAnswer>): DeadLetterDetail {
  const { remote, message_id: messageId, message_at, attempts, replayed, derived, claims, desired } = shown;
  const version = message_at === null ? 0 : Date.parse(message_at);
  return { ...readDeadLetter(shown), remote, messageId, version, attempts, replayed, derived, claims, desired };
}

const pause = z.object({
  scope: z.string().meta({ description: "`*` for everything, otherwise an object type." }),
  kind: z.string(),
  reason: z.string(),
  since: instantAnswer,
  until: instantAnswer,
});

export const connectorAnswer = z.object({
  tenant,
  service: z.string(),
  organization: z.string(),
  connector: z.string().meta({ description: "Its id in Hull." }),
  settings_at: instantAnswer.nullable().meta({ description: "When its settings were saved, if that is known." }),
  remote: remote.nullable().meta({ description: "Null as long as the settings never led anywhere." }),
  status: z.enum(FINDING_LEVELS).nullable().meta({
    description: "The worst that is known without asking the service; null while no server runs.",
  }),
  messages: z.array(z.string()).meta({ description: "What is to be said about it, the worst first." }),
  outbox: z.int().meta({ description: "Records that wait for delivery." }),
  hull_updates: z.int().meta({ description: "Records that Hull must still be told about." }),
  oldest_at: instantAnswer.nullable().meta({ description: "Since when the oldest of them has been waiting." }),
  dead_letters: z.int(),
  more_dead_letters: z.boolean().meta({ description: "There may be more: only the first thousand are counted." }),
  pauses: z.array(pause).meta({ description: "Those in force." }),
});

export const connectorsAnswer = z.object({ tenants: z.array(connectorAnswer) });

export const forgottenAnswer = z.object({
  tenant,
  rows: z.int().meta({ description: "How many stored rows were erased." }),
});

export function showConnector(overview: ConnectorOverview): z.output<typeof connectorAnswer> {
  const { service, organization, connectorId, settingsAtMs, health, outbox, oldestAtMs, deadLetters } = overview;
  return {
    tenant: overview.tenant,
    service,
    organization,
    connector: connectorId,
    settings_at: settingsAtMs === 0 ? null : isoOf(settingsAtMs),
    remote: overview.remote ?? null,
    status: health?.status ?? null,
    messages: health?.messages.map(({ text }) => text) ?? [],
    outbox,
    hull_updates: overview.hullUpdates,
    oldest_at: isoOrNull(oldestAtMs),
    dead_letters: deadLetters,
    more_dead_letters: overview.moreDeadLetters,
    pauses: overview.pauses.map(({ scope, kind, message, sinceMs, untilMs }) => {
      return { scope, kind, reason: message, since: isoOf(sinceMs), until: isoOf(untilMs) };
    }),
  };
}
