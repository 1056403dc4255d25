/** Starts all simulators for use from other processes: demo, manual trials, benches. Ctrl-C ends them. */
import { createHullSimulator } from "./hull";
import { createPlangradeSimulator, DEFAULT_APPLICATION } from "./plangrade";
import { createPlanhatSimulator } from "./planhat";
import { createPlanningPmeSimulator, DEFAULT_CREDENTIALS, orderedTemplates, stockTemplates } from "./planningpme";
import { createPlanSourceSimulator, DEFAULT_API_USER } from "./plansource";

const portOf = (name: string, fallback: number): number => {
  const value = Number(process.env[name] ?? fallback);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new RangeError(`${name} is no port.`);
  return value;
};

async function main(): Promise<void> {
  const token = process.env["PLANHAT_TOKEN"] ?? "planhat-token";
  const connector = {
    id: process.env["HULL_CONNECTOR_ID"] ?? "5f0000000000000000000001",
    secret: process.env["HULL_CONNECTOR_SECRET"] ?? "simulated-secret",
  };
  const planhat = createPlanhatSimulator({ token, control: true });
  const plansource = createPlanSourceSimulator({ control: true });
  const planningpme = createPlanningPmeSimulator({
    templates: [...stockTemplates, ...orderedTemplates],
    control: true,
  });
  const redirectUris = [process.env["PLANGRADE_REDIRECT_URI"] ?? "http://127.0.0.1:8082/plangrade/authorize/callback"];
  const application = { ...DEFAULT_APPLICATION, redirectUris };
  const plangrade = createPlangradeSimulator({ application, control: true });
  const hull = createHullSimulator({ control: true });
  await planhat.listen(portOf("PLANHAT_PORT", 4_010));
  await plansource.listen(portOf("PLANSOURCE_PORT", 4_030));
  await planningpme.listen(portOf("PLANNINGPME_PORT", 4_040));
  await plangrade.listen(portOf("PLANGRADE_PORT", 4_050));
  await hull.listen(portOf("HULL_PORT", 4_020));
  hull.addConnector({ ...connector, privateSettings: { personal_acccess_token: token, api_prefix: "api" } });

  const about = {
    planhat: { url: planhat.url, token, tenantId: planhat.tenant().tenantId },
    plansource: { url: plansource.url, ...DEFAULT_API_USER },
    planningpme: { url: planningpme.url, ...DEFAULT_CREDENTIALS },
    plangrade: { url: plangrade.url, ...application },
    hull: { organization: hull.host, firehose: hull.firehoseUrl, signingKey: hull.signingKeyUrl, ...connector },
  };
  process.stdout.write(`${JSON.stringify(about)}\n`);

  const stop = (): void => {
    const all = [planhat, plansource, planningpme, plangrade, hull];
    void Promise.all(all.map((each) => each.close()));
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
