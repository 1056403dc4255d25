/** The registry: the one list of services. */
import type { ServiceDefinition } from "./definition";
import { plangrade } from "./plangrade";
import { planhat } from "./planhat";
import { planningpme } from "./planningpme";
import { plansource } from "./plansource";

export const SERVICES: readonly ServiceDefinition[] = [planhat, plansource, planningpme, plangrade];

/** Served at the root as well, where installations have known it from the beginning. */
export const ROOT_SERVICE = planhat.name;

/** The path at which a service is mounted; empty for the one at the root. */
export function mountOf(service: string): string {
  return service === ROOT_SERVICE ? "" : `/${service}`;
}

/** The service of a tenant's key; undefined when it is not served here. */
export function definitionOf(
  tenantKey: string,
  services: readonly ServiceDefinition[] = SERVICES,
): ServiceDefinition | undefined {
  return services.find(({ name }) => tenantKey.startsWith(`${name}/`));
}

/** The key of the tenant that a person names; without a service it is one of the root's. */
export function tenantNamed(name: string, services?: readonly ServiceDefinition[]): string {
  return definitionOf(name, services) === undefined ? `${ROOT_SERVICE}/${name}` : name;
}
