/** The person who lets the connector in: follows the link of its status, accepts at plangrade, and comes back. */
import type { PlangradeSimulator } from "../../plangrade";
import { LOGGED_IN } from "../asking";
import { CONNECTOR, type Stage } from "../stage";

/** @throws Error when the status shows no link, or the way does not end well */
export async function authorize({ hull, url }: Stage<PlangradeSimulator>): Promise<void> {
  const begun = await fetch(await linkInStatus(hull.host, url), { headers: LOGGED_IN, redirect: "manual" });
  const page = new URL(begun.headers.get("location") ?? "");
  const accepted = await accept(page);
  const [cookie = ""] = (begun.headers.get("set-cookie") ?? "").split(";");
  const done = await fetch(accepted.headers.get("location") ?? "", { headers: { cookie } });
  if (!done.ok) throw new Error(`Nobody could authorize the connector; the last page was ${done.status}.`);
}

async function linkInStatus(organization: string, url: string): Promise<URL> {
  const query = new URLSearchParams({ organization, ship: CONNECTOR.id, secret: CONNECTOR.secret });
  const answer = await fetch(`${url}/status?${query.toString()}`);
  const { messages } = (await answer.json()) as { readonly messages: readonly string[] };
  const [, link] = /Open (\S+) in a browser/.exec(messages.join("\n")) ?? [];
  if (link === undefined) throw new Error(`The status shows no link: ${messages.join(" ")}`);
  return new URL(link, url);
}

/** Sends the form of plangrade's page as it is, for the first user whom it offers. */
async function accept(page: URL): Promise<Response> {
  const form = await (await fetch(page)).text();
  const hidden = [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]+)">/g)];
  const [, user = ""] = /<option value="(\d+)">/.exec(form) ?? [];
  const body = new URLSearchParams({ user, decision: "accept" });
  for (const [, name = "", value = ""] of hidden) body.set(name, value);
  return fetch(new URL(page.pathname, page), { method: "POST", body, redirect: "manual" });
}
