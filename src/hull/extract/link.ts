// Where an extract may be downloaded from. The link comes with the request, so the sender chooses it: hosts are
// allow-listed, for the link itself and for every redirect, or strangers could make us read our own network.
import { isAddress, isLoopback, isPrivateAddress } from "../../http/guards/addresses";
import type { HostAllowList, HostVerdict } from "../../http/guards/hosts";
import { ExtractError, type Fail } from "./error";
import { readUrl } from "../../web-address";

const MAX_PLACE_LENGTH = 200;

/** Host and path of a link, for people. The query has the link's signature and is left out. */
export function placeOf(link: string): string {
  const url = readUrl(link);
  if (url === undefined) return "(no address)";
  const { protocol, host, pathname } = url;
  if (protocol !== "https:" && protocol !== "http:") return `(a ${protocol.slice(0, 20)} address)`;
  return `${host}${pathname}`.slice(0, MAX_PLACE_LENGTH);
}

/**
 * Returns the link as a URL if we may visit it.
 *
 * @param from the page that redirected there; without it the link is the one of the order
 * @throws the error that `fail` makes of a refused link
 */
export function checkLink(link: string, from: URL | undefined, hosts: HostAllowList, fail: Fail): URL {
  const refuse = (why: string): never => {
    const subject = from === undefined ? "" : `it redirects to ${placeOf(link)}, which was not followed: `;
    throw fail({ kind: "forbidden_url", what: `${subject}${why}` });
  };
  const verdict: HostVerdict = link.includes("://") ? hosts.judge(link) : { allowed: false, reason: "malformed" };
  if (!verdict.allowed) {
    return verdict.reason === "malformed"
      ? refuse("this is not an address that can be downloaded; send the batch from Hull again.")
      : refuse(
          `the host is not allowed. If Hull keeps its extracts there, ask those who run this server to allow it for extracts.`,
        );
  }
  if (verdict.protocol === "http" && from?.protocol === "https:") {
    return refuse("a download over https must not continue over http.");
  }
  if (verdict.protocol === "http" && !mayBePlain(verdict)) {
    return refuse(
      `only https is accepted, unless those who run this server allow the host for extracts together with its port.`,
    );
  }
  if (from !== undefined && isInside(verdict.hostname) && !isInside(from.hostname)) {
    return refuse("a public host may not lead to a private address.");
  }
  return new URL(link);
}

/** @throws ExtractError when a batch with this link would end at once; says what to do */
export function assertLink(link: string, hosts: HostAllowList): void {
  checkLink(link, undefined, hosts, (trouble) => new ExtractError(placeOf(link), 0, trouble));
}

/**
 * A host with a port in the settings is a stand-in or in one's own network. A host without one, such as
 * `s3.amazonaws.com`, would otherwise allow plain http on port 80 as well.
 */
function mayBePlain(verdict: HostVerdict & { readonly allowed: true }): boolean {
  return verdict.explicit && (verdict.port !== 80 || isLoopback(verdict.hostname));
}

function isInside(hostname: string): boolean {
  const bare = hostname.replace(/^\[(.*)\]$/, "$1");
  return isLoopback(bare) || (isAddress(bare) && isPrivateAddress(bare));
}
