/** Everything that the demo needs round the connector: both simulators, an installed connector, a data folder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHullSimulator, type HullSimulator, type SendOptions } from "../hull";
import { createPlanhatSimulator, type PlanhatSimulator } from "../planhat";
import { CALLS_PER_MINUTE } from "./baseline";
import { startConnector, type ConnectorProcess } from "./connector";

export const TOKEN = "demo-planhat-token";
export const EMPLOYEES = "Employees";
export const CONNECTOR = { id: "5f00000000000000000000de", secret: "demo-connector-secret" };

/** Every user and account with the needed keys is sent, and the mapping has one custom field. */
const SETTINGS = {
  personal_acccess_token: TOKEN,
  api_prefix: "api",
  tenant_id: "0b7e1f3a-0000-4000-8000-0000000000de",
  contact_synchronized_segments: ["ALL"],
  account_synchronized_segments: ["ALL"],
  contact_attributes_outbound: [
    { hull_field_name: "name", service_field_name: "name" },
    { hull_field_name: "email", service_field_name: "email" },
    { hull_field_name: "external_id", service_field_name: "externalId" },
    { hull_field_name: "traits_position", service_field_name: "position" },
  ],
  account_attributes_outbound: [
    { hull_field_name: "name", service_field_name: "name" },
    { hull_field_name: "phase", service_field_name: "phase" },
  ],
  account_custom_attributes_outbound: [{ hull_field_name: "employees", service_field_name: EMPLOYEES }],
  requests_per_minute: CALLS_PER_MINUTE,
};

export interface Cluster {
  readonly planhat: PlanhatSimulator;
  readonly hull: HullSimulator;
  readonly connector: ConnectorProcess;
  readonly logFile: string;
  /** Sends messages as Hull does; answers how many were taken. @throws Error when Hull had to give some up */
  send(options: Omit<SendOptions, "connectorId">): Promise<number>;
  close(): Promise<void>;
}

export async function openCluster(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "hull-planhat-demo-"));
  const planhat = createPlanhatSimulator({ token: TOKEN, quotaPerMinute: CALLS_PER_MINUTE, control: true });
  const hull = createHullSimulator({ control: true });
  const sweep = async (connector?: ConnectorProcess): Promise<void> => {
    // Hull first, so that nothing more is sent.
    await hull.close();
    await connector?.stop();
    await planhat.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([planhat.listen(), hull.listen()]);
    hull.addConnector({ ...CONNECTOR, privateSettings: SETTINGS });
    planhat.tenant().seedCustomField({ name: EMPLOYEES, type: "number", parent: "Company" });
    const logFile = join(folder, "connector.log");
    const connector = await startConnector({
      logFile,
      environment: {
        DATA_DIR: join(folder, "data"),
        PLANHAT_API_URL: `${planhat.url}/{api_prefix}`,
        HULL_PROTOCOL: "http",
        HULL_FIREHOSE_URL: hull.firehoseUrl,
        HULL_ALLOWED_ORGANIZATIONS: hull.host,
        HULL_SIGNATURE_KEY_HOSTS: hull.host,
      },
    });
    return {
      planhat,
      hull,
      connector,
      logFile,
      async send(options) {
        const report = await hull.send(`${connector.url}/smart-notifier`, { ...options, connectorId: CONNECTOR.id });
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
