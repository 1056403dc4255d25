/**
 * `REDIS_URL`: where Redis is.
 *
 * - `redis://[[user]:password@]host[:port][/database]`, and `rediss://…` over TLS;
 * - `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/name[/database]`, the hosts being those of Sentinel,
 *   which knows by that name who the master is; `rediss+sentinel://…` speaks TLS with both. Sentinel's own user and
 *   password are given as `?sentinel_username=…&sentinel_password=…`.
 *
 * The second form is that of several Python packages: https://docs.prefect.io/integrations/prefect-redis/api-ref/prefect_redis-connection
 */
import type { RedisOptions } from "ioredis";
import { RedisError, type RedisAddress } from "./connection";

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

const FORMS =
  "It must be redis://user:password@host:port/database, rediss://… for TLS, or " +
  "redis+sentinel://user:password@host:port,host:port/name/database for Sentinel; " +
  "characters such as @, / and % in a password are written as %40, %2F and %25.";

/** Never with the address itself, which holds a password. */
const refused = (what: string): RedisError => new RedisError(`REDIS_URL ${what}. ${FORMS}`);

/** @throws RedisError a sentence for people, without the password */
export function readRedisUrl(url: string): RedisAddress {
  const { scheme, user, password, hosts, path, query } = partsOf(url);
  const isTls = scheme.startsWith("rediss");
  const isSentinel = scheme.endsWith("+sentinel");
  if (!["redis", "rediss", "redis+sentinel", "rediss+sentinel"].includes(scheme)) {
    throw refused("does not begin with redis://, rediss:// or redis+sentinel://");
  }
  const servers = hosts.map((text) => serverOf(text, isSentinel ? SENTINEL_PORT : REDIS_PORT));
  const [first, ...more] = servers;
  if (first === undefined || (!isSentinel && more.length > 0)) throw refused("must name one host");
  const [group, ...rest] = isSentinel ? path : ["", ...path];
  if (group === undefined || (isSentinel && group === ""))
    throw refused("does not name the master that the Sentinels watch");
  const [database = "", ...tooMuch] = rest;
  if (tooMuch.length > 0 || !isDatabase(database)) throw refused("names a database that is not a number");
  const own: RedisOptions = { db: Number(database), ...credentials(user, password) };
  const numbered = Number(database) > 0 ? `/${Number(database)}` : "";
  const name = servers.map(({ host, port }) => `${host}:${port}`).join(", ");
  if (!isSentinel)
    return {
      name: `${name}${numbered}`,
      options: { ...own, ...first, ...(isTls && { tls: { servername: first.host } }) },
    };
  const sentinelPassword = query.get("sentinel_password");
  const sentinelUsername = query.get("sentinel_username");
  return {
    name: `${group}${numbered} of the Sentinels ${name}`,
    options: {
      ...own,
      sentinels: servers,
      name: group,
      ...(sentinelPassword !== null && { sentinelPassword }),
      ...(sentinelUsername !== null && { sentinelUsername }),
      ...(isTls && { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true }),
    },
  };
}

function partsOf(url: string) {
  const [scheme = "", ...others] = url.trim().split("://");
  const [before = "", search = ""] = split(others.join("://"), "?", "first");
  const [authority = "", path = ""] = split(before, "/", "first");
  const [userInfo, hosts] = authority.includes("@") ? split(authority, "@", "last") : ["", authority];
  const [user = "", password = ""] = split(userInfo ?? "", ":", "first");
  return {
    scheme: scheme.toLowerCase(),
    user: decoded(user),
    password: decoded(password),
    hosts: (hosts ?? "").split(","),
    path: path === "" ? [] : path.split("/").map(decoded),
    query: new URLSearchParams(search),
  };
}

function split(text: string, by: string, which: "first" | "last"): readonly string[] {
  const at = which === "first" ? text.indexOf(by) : text.lastIndexOf(by);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused("has a % that does not encode a character");
  }
}

function serverOf(text: string, defaultPort: number): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(":");
  const hasPort = at > text.lastIndexOf("]");
  // An address of IPv6 stands in brackets, which are not its own.
  const host = (hasPort ? text.slice(0, at) : text).replace("[", "").replace("]", "");
  const port = hasPort ? Number(text.slice(at + 1)) : defaultPort;
  if (host === "" || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw refused("has no host, or a wrong port");
  return { host, port };
}

const isDatabase = (text: string): boolean => /^\d{0,9}$/.test(text);

const credentials = (username: string, password: string): RedisOptions => ({
  ...(username !== "" && { username }),
  ...(password !== "" && { password }),
});
