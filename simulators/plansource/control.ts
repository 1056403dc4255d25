import type { Reply } from "../loopback/call";
import { controlFaultsAndBooks } from "../loopback/control";
import type { Arrival } from "../loopback/server";
import { controlSwitches } from "../loopback/switches";
import type { PlanSourceSimulator } from "./face";
import { switchValues } from "./switches";

/** Control calls of the PlanSource simulator: books, faults, reset, switches and `snapshot?client_id=`. */
export function controlPlanSource(simulator: PlanSourceSimulator, arrival: Arrival): Reply | undefined {
  if (`${arrival.method} ${arrival.path}` === "GET /__sim/snapshot") {
    return { status: 200, body: simulator.snapshot(arrival.query.get("client_id") ?? undefined) };
  }
  return controlSwitches(simulator, switchValues, arrival) ?? controlFaultsAndBooks(simulator, arrival);
}
