/** What the Authorization header holds, and whether it is a token of whoever runs the server. */
import { createHash, timingSafeEqual } from "node:crypto";

/** The token of `Authorization: Bearer …`; undefined without one. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(\S+)$/i.exec(header ?? "")?.[1];
}

/** User and password of `Authorization: Basic …`; undefined without them. */
export function basicOf(header: string | undefined): { readonly user: string; readonly password: string } | undefined {
  const [, encoded = ""] = /^basic +([\w+/=-]+) *$/i.exec(header ?? "") ?? [];
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Takes the same time for every wrong token: hashes are compared, so that not even the length shows. */
export function isToken(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
