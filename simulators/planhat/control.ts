import type { Reply } from "../loopback/call";
import { controlFaultsAndBooks } from "../loopback/control";
import type { Arrival } from "../loopback/server";
import { controlSwitches } from "../loopback/switches";
import type { PlanhatSimulator } from "./face";
import { switchValues } from "./switches";

/** Control calls of the Planhat simulator: books, faults, reset, `snapshot?token=` and `PUT switches`. */
export function controlPlanhat(simulator: PlanhatSimulator, arrival: Arrival): Reply | undefined {
  if (`${arrival.method} ${arrival.path}` === "GET /__sim/snapshot") {
    return { status: 200, body: simulator.snapshot(arrival.query.get("token") ?? undefined) };
  }
  return controlSwitches(simulator, switchValues, arrival) ?? controlFaultsAndBooks(simulator, arrival);
}
