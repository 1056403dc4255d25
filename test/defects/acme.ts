/** The stage on which the defects of the earlier connector are looked for: Ann of Acme, and what was asked of Planhat. */
import { buildAccountMessage, buildUserMessage } from "../../simulators/hull";
import { openFixture, type Bag, type Fixture } from "../fixture/fixture";

const START = Date.UTC(2026, 0, 1);

/** The instant of a message, minutes after the first one. */
export const minute = (minutes: number): string => new Date(START + minutes * 60_000).toISOString();

export const ACME: Bag = {
  id: "5d2602890f6b110873016101",
  external_id: "acme",
  name: "Acme",
  domain: "acme.example",
  indexed_at: minute(0),
};

export const ANN: Bag = {
  id: "5d25f6ce0f6b1168e1015801",
  external_id: "ann",
  email: "ann+test@acme.example",
  name: "Ann Miller",
  indexed_at: minute(0),
};

type Parts = Parameters<typeof buildUserMessage>[1];

export const userMessage = (more: Bag = {}, account: Bag = ACME, parts: Parts = {}): unknown =>
  buildUserMessage({ ...ANN, ...more }, { account, ...parts });

export const accountMessage = (more: Bag = {}, parts: Parts = {}): unknown =>
  buildAccountMessage({ ...ACME, ...more }, parts);

export type Stage = Fixture;

export const openStage = openFixture;

/** The reasons that were logged about records. */
export function reasons(stage: Fixture): readonly string[] {
  return stage.logs
    .filter(({ message }) => message.startsWith("outgoing."))
    .map(({ data }) => String(data?.["reason"]));
}
