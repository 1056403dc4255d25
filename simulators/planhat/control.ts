import type { Reply } from "../loopback/call";
import { controlFaultsAndBooks } from "../loopback/control";
import type { Arrival } from "../loopback/server";
import type { PlanhatSimulator } from "./face";
import { switchesOf } from "./switches";

/** Control calls of the Planhat simulator: books, faults, reset, `snapshot?token=` and `PUT switches`. */
export function controlPlanhat(simulator: PlanhatSimulator, arrival: Arrival): Reply | undefined {
  switch (`${arrival.method} ${arrival.path}`) {
    case "GET /__sim/snapshot":
      return { status: 200, body: simulator.snapshot(arrival.query.get("token") ?? undefined) };
    case "GET /__sim/switches":
      return { status: 200, body: simulator.switches };
    case "PUT /__sim/switches":
      return putSwitches(simulator, arrival.body);
    default:
      return controlFaultsAndBooks(simulator, arrival);
  }
}

function putSwitches(simulator: PlanhatSimulator, body: unknown): Reply {
  try {
    simulator.configure(switchesOf(body));
  } catch (error) {
    if (error instanceof RangeError) return { status: 400, body: { error: error.message } };
    throw error;
  }
  return { status: 200, body: simulator.switches };
}
