/** What can be told to the simulated Hull from another process. */
import { isObject, type Reply } from "../../loopback/call";
import type { Call } from "../../control/calls";
import { faultAndBookCalls } from "../../control/faults";
import type { HullSimulator } from "../face";
import type { SendOptions } from "../sender";
import { createUpdate, readUpdateOrder } from "./update";

interface SendOrder extends SendOptions {
  readonly targetUrl: string;
}

const isSendOrder = (value: unknown): value is SendOrder =>
  isObject(value) &&
  typeof value["targetUrl"] === "string" &&
  typeof value["connectorId"] === "string" &&
  typeof value["channel"] === "string" &&
  Array.isArray(value["messages"]);

const badRequest = (error: string): Reply => ({ status: 400, body: { error } });

/** Control calls of the Hull simulator: books, faults, what it holds, and what makes it send. */
export function hullCalls(simulator: HullSimulator): readonly Call[] {
  const update = createUpdate(simulator);
  const names = (list: readonly { readonly name: string }[]): readonly string[] => list.map(({ name }) => name);
  const segments = () => ({
    segments: names(simulator.segments.users),
    account_segments: names(simulator.segments.accounts),
  });
  const [connector = ""] = simulator.connectors.keys();

  return [
    {
      method: "GET",
      path: "/__sim/snapshot",
      does: "All users and accounts that this Hull holds.",
      answer: () => ({ status: 200, body: simulator.profiles.snapshot() }),
    },
    ...faultAndBookCalls(simulator),
    {
      method: "GET",
      path: "/__sim/connectors",
      does: "The installed connectors with their credentials, settings and last status; and the segments.",
      answer: () => ({ status: 200, body: { connectors: [...simulator.connectors.values()], ...segments() } }),
    },
    {
      method: "PUT",
      path: "/__sim/settings",
      does: "Changes settings of a connector, as a person in the dashboard does; those that are not named stay.",
      example: { connector, private_settings: { contact_synchronized_segments: ["ALL"] } },
      answer({ body }) {
        const { connector: id, private_settings: changed } = isObject(body) ? body : {};
        const known = simulator.connectors.get(typeof id === "string" ? id : "");
        if (known === undefined || !isObject(changed)) {
          const ids = [...simulator.connectors.keys()].join(", ");
          return badRequest(`Send the id of a connector (${ids}) as connector, and private_settings as an object.`);
        }
        return { status: 200, body: simulator.saveSettings(known.id, { ...known.private_settings, ...changed }) };
      },
    },
    {
      method: "POST",
      path: "/__sim/update",
      does: "Changes a user or an account in Hull and sends the notification that follows from it to the connector.",
      example: {
        user: { email: "ann@acme.example", attributes: { name: "Ann" } },
        account: { external_id: "acme.example", attributes: { name: "Acme" } },
        segments: segments().segments.slice(0, 1),
      },
      takes: () => ({
        connector: "id of one; left out: the first",
        target: "URL of its notifications; left out: where it is installed",
        user: "external_id, email, attributes; left out: the account itself is sent",
        account: "external_id, domain, attributes; of the user, if there is one",
        ...segments(),
      }),
      async answer({ body }) {
        const order = readUpdateOrder(body, simulator);
        return typeof order === "string" ? badRequest(order) : { status: 200, body: await update(order) };
      },
    },
    {
      method: "POST",
      path: "/__sim/send",
      does: "Sends messages to the connector as they are given here.",
      takes: () => ({
        targetUrl: "URL of its notifications",
        connectorId: "id of an installed connector",
        channel: "such as user:update",
        messages: "as Hull writes them",
      }),
      async answer({ body }) {
        if (!isSendOrder(body)) return badRequest("targetUrl, connectorId, channel and messages are needed.");
        return { status: 200, body: await simulator.send(body.targetUrl, body) };
      },
    },
  ];
}
