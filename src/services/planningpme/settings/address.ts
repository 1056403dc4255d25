/** The parts of addresses that settings name: each stays within its place, whatever somebody types. */
import { text } from "../../mapping/cells";

const DEFAULT_HOST = "api.planningpme.com";

/** A name with a dot whose last part is no number: no address, no port, and no name of the local network. */
const HOST = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** One part of a path. What would have to be encoded to mean itself is left to whoever builds the address. */
const PART = /^(?!\.{1,2}$)[^/\\?#%\p{Cc}]{1,100}$/u;

/** `api.planningpme.com` unless the settings name another host. */
export const apiHost = text("enter the name of the host again.")
  .transform((host = DEFAULT_HOST) => host.toLowerCase())
  .refine((host) => HOST.test(host), {
    error: `must be the name of a host alone, without https://, port or path; enter for example ${DEFAULT_HOST} again.`,
  });

/** The name of a company as it stands in addresses, in lower case. */
export const brandName = text("enter the brand again.")
  .transform((brand) => brand?.toLowerCase())
  .refine((brand) => brand === undefined || (PART.test(brand) && !/\s/.test(brand)), {
    error: "must be one part of an address, without slashes and blanks; enter the brand again, for example mycompany.",
  });

/** Whether it can be the name of a template: one part of a path, in any script and with blanks. */
export const isTemplateName = (name: string): boolean => PART.test(name);

/** @param remedy what to do about one that cannot be a name */
export function templateName(remedy: string) {
  return text(remedy).refine((name) => name === undefined || isTemplateName(name), {
    error: `must be the name of a template, without slashes and signs such as ? and %; ${remedy}`,
  });
}
