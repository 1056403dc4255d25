/** Addresses of the console. Every part is encoded, so that it stays a part. */

export const BASE = "/console";

/** Where a service is served, and how people call it; without a title, all services of this server. */
export interface Site {
  /** `` or `/name`. */
  readonly mount: string;
  readonly title?: string;
}

export type Query = Readonly<Record<string, string | undefined>>;

/** The console of an organization. @param anchor a part of the page */
export function consoleLink(
  { mount }: Pick<Site, "mount">,
  organization: string,
  query: Query = {},
  anchor?: string,
): string {
  return `${address(mount + BASE, organization, query)}${anchor === undefined ? "" : `#${anchor}`}`;
}

/** The records behind a number. @param query what is asked of them */
export function outcomesLink({ mount }: Pick<Site, "mount">, organization: string, query: Query): string {
  return address(`${mount}${BASE}/outcomes`, organization, query);
}

/** One dead letter, or an action on it. */
export function deadLetterLink(
  { mount }: Pick<Site, "mount">,
  organization: string,
  id: string,
  action?: "replay" | "drop",
): string {
  const path = `${mount}${BASE}/letters/${encodeURIComponent(id)}${action === undefined ? "" : `/${action}`}`;
  return address(path, organization);
}

/** Dead letters that are chosen by a query: the list of them, or what sends all of them again. */
export function deadLettersLink(
  { mount }: Pick<Site, "mount">,
  organization: string,
  query: Query = {},
  action?: "replay",
): string {
  return address(`${mount}${BASE}/letters${action === undefined ? "" : `/${action}`}`, organization, query);
}

/** The list of runs. */
export function runsLink({ mount }: Pick<Site, "mount">, organization: string, query: Query = {}): string {
  return address(`${mount}${BASE}/runs`, organization, query);
}

/** One run, or an action on it. */
export function runLink(
  { mount }: Pick<Site, "mount">,
  organization: string,
  id: string,
  query: Query = {},
  action?: "stop",
): string {
  const path = `${mount}${BASE}/runs/${encodeURIComponent(id)}${action === undefined ? "" : `/${action}`}`;
  return address(path, organization, query);
}

/** What begins a fetch, for real or as a dry run. @param what its records, as in `/fetch/<what>` */
export function fetchLink({ mount }: Pick<Site, "mount">, organization: string, what: string, isDry: boolean): string {
  return address(`${mount}${BASE}/fetch/${what}${isDry ? "/dry-run" : ""}`, organization);
}

/** Where the browser forgets its log-in. */
export function logoutLink({ mount }: Pick<Site, "mount">, organization: string): string {
  return address(`${mount}${BASE}/logout`, organization);
}

function address(path: string, organization: string, query: Query = {}): string {
  const parameters = new URLSearchParams({ org: organization });
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, value);
  return `${path}?${parameters.toString()}`;
}
