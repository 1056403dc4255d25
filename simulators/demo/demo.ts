/** What a demo is: steps between a simulated Hull and one simulated service, and what must be true at the end. */
import type { StartConnector } from "./connector";
import type { Check, StepReport } from "./screen";
import type { PlayedSimulator, Stage } from "./stage";

/** How much is played: enough to see each rule at work, or the size of an installation. */
export type Volume = "small" | "full";

export interface Step<S extends PlayedSimulator> {
  readonly title: string;
  /** For the summary. */
  readonly name: string;
  /** Messages that Hull will send. */
  readonly messages: number;
  /** Sends them and resolves when the connector has taken all. */
  play(stage: Stage<S>): Promise<number>;
}

export interface Demo<S extends PlayedSimulator> {
  /** How people call the service. */
  readonly title: string;
  /** What a person should know before it begins. */
  readonly introduction: readonly string[];
  /** What the service grants to one tenant, if that is known. */
  readonly callsPerMinute?: number;
  readonly steps: readonly Step<S>[];
  /** @param start how the connector is started */
  open(start?: StartConnector): Promise<Stage<S>>;
  /** What else is shown at the end, such as an explanation. */
  tell?(stage: Stage<S>): Promise<readonly string[]>;
  /** What must be true at the end, besides one outcome for each message. */
  judge(stage: Stage<S>, reports: readonly StepReport[]): readonly Check[];
  /** Where the simulator can be looked at. */
  addresses(simulator: S): readonly string[];
}
