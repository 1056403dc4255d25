/** What a person is told when the simulators have started. */
import type { ConnectorVariables, Playground } from "./start";

/** The command that starts a connector which goes with the simulators, in lines for a shell. */
export function startLines(variables: ConnectorVariables, usual: ConnectorVariables): readonly string[] {
  const other = Object.entries(variables).filter(([name, value]) => usual[name] !== value);
  return [...other.map(([name, value]) => `${name}='${value}' \\`), "npm run start:simulated"];
}

/** @param usual what `.env.simulators` says */
export function welcome(playground: Playground, usual: ConnectorVariables): readonly string[] {
  const { hull, services, connectorUrl } = playground;
  const all = [{ title: "Hull", url: hull.url }, ...services];
  return [
    "Simulated, until Ctrl-C:",
    ...all.map(({ title, url }) => `  ${title.padEnd(12)} ${url}/__sim/`),
    "",
    "Start a connector between them, in another terminal:",
    ...startLines(playground.variables, usual).map((line) => `  ${line}`),
    "",
    "Then let Hull send somebody:",
    "  npm run send -- ann@acme.example --name Ann",
    "",
    `Its consoles, for the organization ${hull.host}:`,
    ...services.flatMap(({ title, name, connector }) => [
      `  ${title.padEnd(12)} ${connectorUrl}/${name}/console?org=${hull.host}`,
      `  ${"".padEnd(12)} user ${connector.id}`,
      `  ${"".padEnd(12)} password ${connector.secret}`,
    ]),
    "",
    "plangrade takes nothing before somebody lets the connector in, in a browser:",
    `  ${connectorUrl}/plangrade/authorize?org=${hull.host}`,
    "",
    "What they can be told: docs/simulators.md",
  ];
}
