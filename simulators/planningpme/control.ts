import type { Reply } from "../loopback/call";
import { controlFaultsAndBooks } from "../loopback/control";
import type { Arrival } from "../loopback/server";
import { controlSwitches } from "../loopback/switches";
import type { PlanningPmeSimulator } from "./face";
import { switchValues } from "./switches";

/** Control calls of the PlanningPME simulator: books, faults, reset, switches and `snapshot?brand=`. */
export function controlPlanningPme(simulator: PlanningPmeSimulator, arrival: Arrival): Reply | undefined {
  if (`${arrival.method} ${arrival.path}` === "GET /__sim/snapshot") {
    return { status: 200, body: simulator.snapshot(arrival.query.get("brand") ?? undefined) };
  }
  return controlSwitches(simulator, switchValues, arrival) ?? controlFaultsAndBooks(simulator, arrival);
}
