// Addresses that no request of ours may reach unless they are named: against server-side request forgery and DNS
// rebinding.
import dns, { type LookupAddress } from "node:dns";
import { isIP, isIPv4, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";

/** The error code of a connection that was refused by the guarded lookup. */
export const PRIVATE_ADDRESS_CODE = "ERR_PRIVATE_ADDRESS";

/** Public by its range, but Azure's host answers there to the machines that run on it (DNS, agents). */
const CLOUD_HOST_ADDRESSES = ["168.63.129.16"];

/**
 * Tells whether an IP address (without brackets) is not publicly routable, by the ranges of IANA's registries. IPv4
 * addresses wrapped in IPv6 (mapped, compatible, NAT64, 6to4) count as what they wrap. What is not an address counts
 * as private.
 */
export function isPrivateAddress(ip: string): boolean {
  const [text = ""] = ip.split("%", 1);
  // The library also reads short and octal forms, which no resolver returns.
  if (isIP(text) === 0) return true;
  const address = ipaddr.parse(text);
  const meant = address instanceof ipaddr.IPv6 ? (wrappedIPv4(address) ?? address) : address;
  return meant.range() !== "unicast" || CLOUD_HOST_ADDRESSES.includes(meant.toString());
}

function wrappedIPv4(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const bytes = address.toByteArray();
  switch (address.range()) {
    case "6to4":
      return new ipaddr.IPv4(bytes.slice(2, 6));
    case "rfc6052":
      // Beside 64:ff9b::/96 the range holds 64:ff9b:1::/48, which every network uses for itself.
      return bytes.slice(4, 12).every((byte) => byte === 0) ? new ipaddr.IPv4(bytes.slice(12)) : undefined;
    case "ipv4Mapped":
    case "rfc6145":
      return new ipaddr.IPv4(bytes.slice(12));
    default:
      // Compatible (::a.b.c.d): the library only reads it in dotted form.
      return bytes.slice(0, 12).every((byte) => byte === 0) ? new ipaddr.IPv4(bytes.slice(12)) : undefined;
  }
}

type ResolveAll = (hostname: string) => Promise<readonly LookupAddress[]>;

const resolveAll: ResolveAll = (hostname) => dns.promises.lookup(hostname, { all: true });

/**
 * A `lookup` for agents that never answers a private address for a host that was not named explicitly. The check sits
 * where the connection is made, so a name that resolves differently the second time gains nothing. (Node asks no
 * lookup for literal addresses: those are judged by the allow-list.)
 *
 * @param mayBePrivate tells whether a host was named explicitly in the settings
 */
export function createGuardedLookup(
  mayBePrivate: (hostname: string) => boolean,
  resolve: ResolveAll = resolveAll,
): LookupFunction {
  return (hostname, options, callback) => {
    const answer = (addresses: readonly LookupAddress[]): void => {
      const family = options.family === 4 || options.family === "IPv4" ? 4 : options.family === 6 ? 6 : 0;
      const wanted = addresses.filter((found) => family === 0 || found.family === family);
      const allowed = mayBePrivate(hostname) ? wanted : wanted.filter((found) => !isPrivateAddress(found.address));
      const [first] = allowed;
      if (first === undefined) {
        const code = wanted.length === 0 ? "ENOTFOUND" : PRIVATE_ADDRESS_CODE;
        callback(Object.assign(new Error(`${hostname} has no address that may be used`), { code }), "", 0);
      } else if (options.all) {
        callback(null, allowed);
      } else {
        callback(null, first.address, first.family);
      }
    };
    resolve(hostname).then(answer, (error: unknown) => {
      callback(error instanceof Error ? error : new Error(String(error)), "", 0);
    });
  };
}

/** True for an IPv4 or IPv6 literal, with or without brackets. */
export function isAddress(host: string): boolean {
  return isIP(host.replace(/^\[(.*)\]$/, "$1")) !== 0;
}

/** True for `localhost` and literal loopback addresses. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  return bare === "localhost" || bare === "::1" || (isIPv4(bare) && bare.startsWith("127."));
}
