/** Everything that a demo needs round the connector: a service and Hull, simulated, an installed connector, a data folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHullSimulator, type HullSimulator, type SendOptions } from "../hull";
import type { RequestCounts } from "../loopback/ledger";
import type { Hooks } from "../loopback/hooks";
import { logIn, startAlone, type Connector, type StartConnector } from "./connector";

export const CONNECTOR = { id: "5f00000000000000000000de", secret: "demo-connector-secret" };

/** What a demo asks of the simulator of its service. */
export interface PlayedSimulator {
  listen(port?: number): Promise<void>;
  close(): Promise<void>;
  readonly url: string;
  readonly on: Hooks["on"];
  readonly books: { snapshot(): { readonly calls: number; readonly requests: RequestCounts } };
}

export interface Stage<S extends PlayedSimulator = PlayedSimulator> {
  readonly simulator: S;
  readonly hull: HullSimulator;
  readonly connector: Connector;
  /** Where the service is served: `http://127.0.0.1:PORT/plansource`. */
  readonly url: string;
  readonly logFile: string;
  /** Sends messages as Hull does; answers how many were taken. @throws Error when Hull had to give some up */
  send(options: Omit<SendOptions, "connectorId">): Promise<number>;
  close(): Promise<void>;
}

export interface StageOptions<S> {
  readonly simulator: S;
  /** The path of the service; empty at the root. */
  readonly path: string;
  readonly privateSettings: Readonly<Record<string, unknown>>;
  /** What tells the server where the simulator is, once it listens. */
  environment(simulator: S): Readonly<Record<string, string>>;
}

/** @param start how the connector is started */
export async function openStage<S extends PlayedSimulator>(
  options: StageOptions<S>,
  start: StartConnector = startAlone,
): Promise<Stage<S>> {
  const { simulator, path, privateSettings } = options;
  const folder = mkdtempSync(join(tmpdir(), "hull-connector-demo-"));
  const hull = createHullSimulator({ control: true });
  const sweep = async (connector?: Connector): Promise<void> => {
    // Hull first, so that nothing more is sent.
    await hull.close();
    await connector?.stop();
    await simulator.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([simulator.listen(), hull.listen()]);
    hull.addConnector({ ...CONNECTOR, privateSettings });
    const connector = await start({
      folder,
      environment: {
        ...options.environment(simulator),
        HULL_PROTOCOL: "http",
        HULL_FIREHOSE_URL: hull.firehoseUrl,
        HULL_ALLOWED_ORGANIZATIONS: hull.host,
        HULL_SIGNATURE_KEY_HOSTS: hull.host,
        // Simulated lists show a write at once; what is fetched within that time would not be believed.
        SETTLE_MS: "0",
      },
    });
    const url = `${connector.url}${path}`;
    return {
      simulator,
      hull,
      connector,
      url,
      logFile: logIn(folder),
      async send(sent) {
        const report = await hull.send(`${url}/smart-notifier`, { ...sent, connectorId: CONNECTOR.id });
        if (report.messagesDropped === 0) return report.messagesAccepted;
        const last = JSON.stringify(report.answers.at(-1));
        throw new Error(`${report.messagesDropped} messages were not taken; the last answer was ${last}.`);
      },
      close: () => sweep(connector),
    };
  } catch (error) {
    await sweep();
    throw error;
  }
}
