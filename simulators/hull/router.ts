import { isObject, refuse, textReply, type Prepared, type Reply } from "../loopback/call";
import type { Arrival } from "../loopback/server";
import type { Books } from "./books";
import type { ConnectorObject, Connectors, Segment } from "./connectors";
import type { Extracts } from "./extracts";
import { takeFirehose, type FirehoseDeps } from "./firehose";

export interface RouterDeps extends FirehoseDeps {
  readonly books: Books;
  readonly connectors: Connectors;
  readonly segments: { readonly users: readonly Segment[]; readonly accounts: readonly Segment[] };
  readonly extracts: Extracts;
  readonly isDisabled: () => boolean;
  readonly publicKey: () => string;
}

type Known = { readonly connector: ConnectorObject } | { readonly refusal: Reply };

const error = (status: number, message: string): Reply => ({ status, body: { message, status } });

/** Decides what a call is: the key host, the firehose, or the REST API (sheets 3, 6 and 7). */
export function createRouter(deps: RouterDeps): (arrival: Arrival) => Prepared {
  const { connectors, books } = deps;

  const identify = ({ headers }: Arrival): Known => {
    if (deps.isDisabled()) return { refusal: error(402, "Organization disabled") };
    const connector = connectors.all.get(String(headers["hull-app-id"] ?? ""));
    if (connector === undefined) return { refusal: error(404, "Connector not found") };
    if (headers["hull-access-token"] !== connector.secret) return { refusal: error(401, "Invalid credentials") };
    return { connector };
  };

  const work = (route: string, apply: () => Reply): Prepared => ({ route, apply });

  const prepareRest = (arrival: Arrival, connector: ConnectorObject, name: string, part: string): Prepared => {
    const { method, body } = arrival;
    const ok = (value: unknown): Reply => ({ status: 200, body: value });
    if (method === "GET" && part === "") {
      if (name === "app") return work("GET /api/v1/app", () => ok(connector));
      if (name === "users_segments") return work("GET /api/v1/users_segments", () => ok(deps.segments.users));
      if (name === "accounts_segments") return work("GET /api/v1/accounts_segments", () => ok(deps.segments.accounts));
    }
    const route = `${method} /api/v1/:id${part === "" ? "" : `/${part}`}`;
    if (name !== connector.id) return refuse(route, error(connectors.all.has(name) ? 401 : 404, "Not found"));
    if (method === "GET" && part === "") return work(route, () => ok(connector));
    if (method !== "PUT") return refuse(route, error(404, "Not found"));
    if (part === "status") {
      return work(route, () => {
        books.count("statusReports");
        connectors.saveStatus(connector.id, body);
        return ok(connector.status);
      });
    }
    if (part !== "") return refuse(route, error(404, "Not found"));
    return work(route, () => {
      if (!isObject(body) || !isObject(body["private_settings"])) return error(400, "private_settings are expected");
      books.count("settingsSaved");
      connectors.saveSettings(connector.id, body["private_settings"]);
      return ok(connector);
    });
  };

  return (arrival) => {
    const { method, path, body } = arrival;
    // The key is asked for by POST with the token as body; GET is answered for convenience (sheet 3).
    if (path === "/signing-key.pem") {
      return work(`${method} /signing-key.pem`, () => ({
        ...textReply(200, deps.publicKey()),
        contentType: "text/plain",
      }));
    }
    const extract = deps.extracts.prepare(arrival);
    if (extract !== undefined) return extract;
    const isFirehose = method === "POST" && ["/", "/firehose", "/api/v1/firehose"].includes(path);
    const [prefix, version, name = "", ...parts] = path.split("/").filter((part) => part !== "");
    const isRest = prefix === "api" && version === "v1" && name !== "";
    if (!isFirehose && !isRest) return refuse(`${method} ${path}`, textReply(404, "Not Found"));

    const known = identify(arrival);
    const part = parts.join("/");
    const route = isFirehose ? "POST /firehose" : `${method} /api/v1/:id${part === "" ? "" : `/${part}`}`;
    if ("refusal" in known) return refuse(route, known.refusal);
    const { connector } = known;
    if (isFirehose) return work(route, () => takeFirehose(body, connector.id, connector.secret, deps));
    return prepareRest(arrival, connector, decodeURIComponent(name), part);
  };
}
