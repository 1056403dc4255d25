import { isObject, type Reply } from "../loopback/call";
import { controlFaultsAndBooks } from "../loopback/control";
import type { Arrival } from "../loopback/server";
import { controlSwitches } from "../loopback/switches";
import type { PlangradeSimulator } from "./face";
import { switchValues } from "./switches";

/**
 * Control calls of the plangrade simulator: books, faults, reset, switches, `snapshot?user_id=`, `POST expire-tokens`,
 * and `POST redirect-uris` with `{redirect_uri}` for the first application.
 */
export function controlPlangrade(simulator: PlangradeSimulator, arrival: Arrival): Reply | undefined {
  switch (`${arrival.method} ${arrival.path}`) {
    case "GET /__sim/snapshot": {
      const userId = arrival.query.get("user_id");
      return { status: 200, body: simulator.snapshot(userId === null ? undefined : Number(userId)) };
    }
    case "POST /__sim/expire-tokens":
      simulator.expireTokens();
      return { status: 200, body: { ok: true } };
    case "POST /__sim/redirect-uris": {
      const redirectUri = isObject(arrival.body) ? arrival.body["redirect_uri"] : undefined;
      if (typeof redirectUri !== "string" || !URL.canParse(redirectUri)) {
        return { status: 400, body: { error: "redirect_uri is no address." } };
      }
      simulator.addRedirectUri(redirectUri);
      return { status: 200, body: { ok: true } };
    }
    default:
      return controlSwitches(simulator, switchValues, arrival) ?? controlFaultsAndBooks(simulator, arrival);
  }
}
