/**
 * The organization as people type or paste it: its host name, or its whole address as the browser shows it. One function
 * reads it wherever a person names one; what Hull sends is read as it stands.
 */
import { z } from "zod";
import { isId, NOT_AN_ID, parameter } from "../../src/input";

/** A pasted address may have a long path, which does not count. */
export const MAX_TYPED_LENGTH = 2_000;

/** A host, perhaps with a port, and nothing that could continue an address. */
const HOST = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/** Hull's dashboard is the same for everybody, so its address names nobody's organization. */
const DASHBOARD = "dashboard.hullapp.io";

/** What a person can do: for addresses of this server, and beside the box of the console. */
export const ORGANIZATION_REMEDY = "Use your organization's own address, such as acme.hullapp.io.";

/** The host in lower case; what is behind it is left out. What is no address comes back as it is. */
function hostIn(typed: string): string {
  const [, authority = ""] = /^(?:(?:https?:)?\/\/)?([^/?#\\]*)(?:[/?#]|$)/i.exec(typed.trim()) ?? [];
  return authority.toLowerCase();
}

/** `?org=` as a person wrote it → the host name of the organization. */
export const organizationQuery = z.object({
  org: parameter
    .max(MAX_TYPED_LENGTH, `is longer than ${MAX_TYPED_LENGTH} characters`)
    .transform((typed, context) => {
      const host = hostIn(typed);
      const problem = problemOf(host);
      if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
      return host;
    })
    .meta({
      description: "Your Hull organization: its host name, or its address as the browser shows it.",
      examples: ["acme.hullapp.io"],
    }),
});

function problemOf(host: string): string | undefined {
  if (host === DASHBOARD) return "is the address of Hull's dashboard, which all organizations share";
  if (!HOST.test(host)) return "is not the address of an organization";
  return isId(host) ? undefined : NOT_AN_ID;
}
