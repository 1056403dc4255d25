/** Where the simulators and the connector that is played with are; each address can be changed by a variable. */
import { readUrl } from "../../src/web-address";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Port of each simulator: its variable and its default. */
const PORTS = {
  planhat: ["PLANHAT_PORT", 4_010],
  hull: ["HULL_PORT", 4_020],
  plansource: ["PLANSOURCE_PORT", 4_030],
  planningpme: ["PLANNINGPME_PORT", 4_040],
  plangrade: ["PLANGRADE_PORT", 4_050],
} as const;

export type Place = keyof typeof PORTS;

export const PLACES = Object.keys(PORTS) as readonly Place[];

export const variableOf = (place: Place): string => PORTS[place][0];

/** @throws Error that names the variable, what it holds and what it should hold */
export function portOf(place: Place, environment: Environment): number {
  const [variable, fallback] = PORTS[place];
  const given = environment[variable] ?? "";
  const port = given === "" ? fallback : Number(given);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(
    `${variable} is ${JSON.stringify(given)}: set a port from 0 to 65535, or leave it out for ${fallback}.`,
  );
}

/** The origin of the connector that goes with the simulators. @throws Error as above */
export function connectorUrl(environment: Environment): string {
  const given = environment["CONNECTOR_URL"] ?? "";
  const url = given === "" ? "http://127.0.0.1:8082" : given;
  const origin = originOf(url);
  if (origin !== undefined) return origin;
  throw new Error(`CONNECTOR_URL is ${JSON.stringify(given)}: set an address such as http://127.0.0.1:8082.`);
}

/** Undefined for what is no address of the web. */
export function originOf(text: string): string | undefined {
  const url = readUrl(text);
  return /^https?:$/.test(url?.protocol ?? "") ? url?.origin : undefined;
}
