/** Asking a house as Hull and its dashboard do: by address, with the credentials in the query. */
import { CONNECTOR, type House } from "../harness";

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** @param changes of the usual credentials; undefined takes one out */
export async function ask(
  house: House,
  path: string,
  changes: Readonly<Record<string, string | undefined>> = {},
  init: RequestInit = {},
): Promise<Asked> {
  const query = new URLSearchParams();
  const given: Readonly<Record<string, string | undefined>> = {
    organization: house.hull.host,
    ship: CONNECTOR.id,
    secret: CONNECTOR.secret,
    ...changes,
  };
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value);
  const response = await fetch(`${house.baseUrl}${path}?${query.toString()}`, init);
  const text = await response.text();
  const body: unknown = text === "" ? {} : JSON.parse(text);
  return { status: response.status, headers: response.headers, text, body: Object(body) as Asked["body"] };
}

/** Saves settings as the dashboard does: Hull tells the connector. */
export async function saveSettings(house: House, settings: Readonly<Record<string, unknown>>): Promise<void> {
  house.hull.saveSettings(CONNECTOR.id, settings);
  await tellOfSettings(house);
}

/** Has Hull say that the settings were saved. */
export async function tellOfSettings(house: House): Promise<void> {
  const told = { connectorId: CONNECTOR.id, channel: "ship:update", messages: [], signed: false } as const;
  expect((await house.hull.sendOne(house.url, told)).status).toBe(200);
}
