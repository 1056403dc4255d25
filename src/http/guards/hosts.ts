// Which hosts we talk to. Organizations, key hosts and extract hosts come from outside, so each has an allow-list.
import { isAddress } from "./addresses";
import { readUrl } from "../../web-address";

export type Protocol = "http" | "https";

interface Target {
  /** Lower case, without port; IPv6 in brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** `explicit`: named without a wildcard in the host; only such a host may be private. */
export type HostVerdict =
  | ({ readonly allowed: true; readonly explicit: boolean } & Target)
  | { readonly allowed: false; readonly reason: "malformed" | "not_listed" };

export interface HostAllowList {
  /** @param hostOrUrl `host`, `host:port` or a whole http(s) URL. @param protocol of a bare host; default https. */
  allows(hostOrUrl: string, protocol?: Protocol): boolean;
  judge(hostOrUrl: string, protocol?: Protocol): HostVerdict;
  /** For the guarded lookup: was this host name given without a wildcard, whatever the port? */
  names(hostname: string): boolean;
}

/** A configuration mistake, found at start. */
export class HostPatternError extends Error {
  override readonly name = "HostPatternError";
  constructor(
    readonly pattern: string,
    readonly problem: string,
  ) {
    super(
      `"${pattern}" is not a host pattern: ${problem}. Examples: *.hullapp.io, files.example.com:8443, 127.0.0.1:*`,
    );
  }
}

interface HostPattern {
  readonly labels: readonly string[];
  readonly explicit: boolean;
  readonly port: number | "any" | "default";
}

const DEFAULT_PORTS: Readonly<Record<Protocol, number>> = { http: 80, https: 443 };

/**
 * @param patterns hosts, each optionally with a port. A label `*` stands for one or more whole labels, a port `*` for
 *   any port; without a port the protocol's own is meant.
 * @throws HostPatternError when a pattern cannot be read
 */
export function createHostAllowList(patterns: readonly string[]): HostAllowList {
  const parsed = patterns.map(parsePattern);

  function judge(hostOrUrl: string, protocol: Protocol = "https"): HostVerdict {
    const target = parseTarget(hostOrUrl, protocol);
    if (target === undefined) return { allowed: false, reason: "malformed" };
    const matching = parsed.filter((pattern) => matches(pattern, target));
    if (matching.length === 0) return { allowed: false, reason: "not_listed" };
    return { allowed: true, ...target, explicit: matching.some((pattern) => pattern.explicit) };
  }

  return {
    judge,
    allows: (hostOrUrl, protocol) => judge(hostOrUrl, protocol).allowed,
    names: (hostname) => parsed.some((p) => p.explicit && p.labels.join(".") === hostname.toLowerCase()),
  };
}

function parsePattern(pattern: string): HostPattern {
  const text = pattern.trim().toLowerCase();
  const [, host = "", port] = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}|\*))?$/.exec(text) ?? [];
  if (host === "") throw new HostPatternError(pattern, "expected a host with an optional :port");
  if (port !== undefined && port !== "*" && !isPort(Number(port))) throw new HostPatternError(pattern, "no such port");
  const readPort = port === undefined ? "default" : port === "*" ? "any" : Number(port);
  const bracketed = host.startsWith("[");
  const labels = bracketed ? [host] : host.split(".");
  for (const label of labels) {
    if (bracketed || label === "*" || isLabel(label)) continue;
    throw new HostPatternError(pattern, `"${label}" is not a label; * must stand for whole labels`);
  }
  const explicit = !labels.includes("*");
  if (explicit && readUrl(`https://${host}`)?.hostname !== host)
    throw new HostPatternError(pattern, "write the host in its plain form");
  return { labels, explicit, port: readPort };
}

function parseTarget(hostOrUrl: string, protocol: Protocol): Target | undefined {
  // URL parsers drop tabs and newlines and read "\" as "/": such spellings are only used to mislead.
  if (/[^\x21-\x7e]|\\/.test(hostOrUrl)) return undefined;
  const bare = !hostOrUrl.includes("://");
  if (bare && !/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.test(hostOrUrl)) return undefined;
  const url = readUrl(bare ? `${protocol}://${hostOrUrl}` : hostOrUrl);
  if (url === undefined || url.username !== "" || url.password !== "") return undefined;
  const spoken = url.protocol.slice(0, -1);
  if (spoken !== "http" && spoken !== "https") return undefined;
  const { hostname } = url;
  // 2130706433, 0x7f.1 and 127.1 all become 127.0.0.1: an honest user writes it that way.
  if (writtenHost(hostOrUrl, bare) !== hostname) return undefined;
  if (!isAddress(hostname) && !hostname.split(".").every(isLabel)) return undefined;
  const port = url.port === "" ? DEFAULT_PORTS[spoken] : Number(url.port);
  return isPort(port) ? { hostname, port, protocol: spoken } : undefined;
}

/** The host as it was written, in lower case, without its port. */
function writtenHost(hostOrUrl: string, bare: boolean): string {
  const authority = bare ? hostOrUrl : (/^[a-z]+:\/\/([^/?#]*)/i.exec(hostOrUrl)?.[1] ?? "");
  return authority.toLowerCase().replace(/:\d*$/, "");
}

function matches(pattern: HostPattern, target: Target): boolean {
  const { port } = pattern;
  if (port !== "any" && target.port !== (port === "default" ? DEFAULT_PORTS[target.protocol] : port)) return false;
  if (isAddress(target.hostname)) return pattern.explicit && pattern.labels.join(".") === target.hostname;
  return labelsMatch(pattern.labels, target.hostname.split("."));
}

/** Label by label; `reachable[i]` = the pattern labels so far can end after `i` host labels. No backtracking. */
function labelsMatch(pattern: readonly string[], host: readonly string[]): boolean {
  let reachable = [true, ...host.map(() => false)];
  for (const label of pattern) {
    const next = [false];
    for (const [i, hostLabel] of host.entries()) {
      const fromHere = reachable[i] === true;
      next.push(label === "*" ? fromHere || next[i] === true : fromHere && label === hostLabel);
    }
    reachable = next;
  }
  return reachable[host.length] === true;
}

function isLabel(label: string): boolean {
  return /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** The canonical name of a host: lower case, no default port. What is not a host stays unchanged. */
export function nameOfHost(host: string, protocol: Protocol = "https"): string {
  return parseTarget(host, protocol) === undefined ? host : (readUrl(`${protocol}://${host}`)?.host ?? host);
}
