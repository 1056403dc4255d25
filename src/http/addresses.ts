// Which addresses are nobody's business from outside. Used against server-side request forgery, DNS rebinding included.
import dns from "node:dns";
import { BlockList, isIP, isIPv4, isIPv6, type LookupFunction } from "node:net";

/** The error code of a connection that was refused by the guarded lookup. */
export const PRIVATE_ADDRESS_CODE = "ERR_PRIVATE_ADDRESS";

/** Private, loopback, link-local, carrier, documentation, benchmark, multicast and reserved ranges (IANA registries). */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  ["::", 127],
  ["100::", 64],
  ["2001:db8::", 32],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, "ipv6");
}

/**
 * Tells whether an IP address (without brackets) is not publicly routable. IPv4 addresses wrapped in IPv6 (mapped,
 * compatible, NAT64, 6to4) count as what they wrap. What is no address at all counts as private.
 */
export function isPrivateAddress(ip: string): boolean {
  const [address = ""] = ip.split("%", 1);
  if (isIPv4(address)) return PRIVATE.check(address, "ipv4");
  if (!isIPv6(address)) return true;
  const wrapped = wrappedIPv4(groupsOf(address));
  return PRIVATE.check(address, "ipv6") || (wrapped !== undefined && PRIVATE.check(wrapped, "ipv4"));
}

/** The eight 16-bit groups of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const tail = /(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  const pure = tail ? `${address.slice(0, tail.index)}${pair(tail[1], tail[2])}:${pair(tail[3], tail[4])}` : address;
  const [left = "", right] = pure.split("::");
  const read = (part: string): number[] => (part === "" ? [] : part.split(":").map((group) => parseInt(group, 16)));
  const head = read(left);
  if (right === undefined) return head;
  const end = read(right);
  return [...head, ...Array<number>(8 - head.length - end.length).fill(0), ...end];
}

function pair(high = "0", low = "0"): string {
  return (Number(high) * 256 + Number(low)).toString(16);
}

function wrappedIPv4(groups: readonly number[]): string | undefined {
  const [a, b, c] = groups;
  const dotted = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join(".");
  if (a === 0x2002) return dotted(b, c); // 6to4
  const zeros = (from: number, to: number): boolean => groups.slice(from, to).every((group) => group === 0);
  const nat64 = a === 0x64 && b === 0xff9b && zeros(2, 6);
  const mapped = zeros(0, 5) && (groups[5] === 0xffff || groups[5] === 0);
  const translated = zeros(0, 4) && groups[4] === 0xffff && groups[5] === 0;
  return nat64 || mapped || translated ? dotted(groups[6], groups[7]) : undefined;
}

type ResolveAll = (hostname: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

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
    const answer = (addresses: readonly { readonly address: string; readonly family: number }[]): void => {
      const family = options.family === 4 || options.family === "IPv4" ? 4 : options.family === 6 ? 6 : 0;
      const wanted = addresses.filter((found) => family === 0 || found.family === family);
      const allowed = mayBePrivate(hostname) ? wanted : wanted.filter((found) => !isPrivateAddress(found.address));
      const [first] = allowed;
      if (first === undefined) {
        const code = wanted.length === 0 ? "ENOTFOUND" : PRIVATE_ADDRESS_CODE;
        callback(Object.assign(new Error(`${hostname} has no address that may be used`), { code }), "", 0);
      } else if (options.all) {
        callback(
          null,
          allowed.map((found) => ({ ...found })),
        );
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
