// JSON Web Tokens that Hull sends, with node:crypto alone. The algorithm is pinned: what a token says about its own is
// only ever compared, never obeyed. Those that we sign are made by src/http/jwt.ts.
import { verify, type KeyObject } from "node:crypto";
import { isAttributes, type Attributes } from "../protocol/shapes";

export type DecodedToken = NonNullable<ReturnType<typeof decodeToken>>;

/** Splits a compact token without believing it; `undefined` when it is none. */
export function decodeToken(token: string) {
  const parts = token.split(".");
  const [header = "", payload = "", signature = ""] = parts;
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) return undefined;
  const readHeader = readPart(header);
  const readPayload = readPart(payload);
  if (readHeader === undefined || readPayload === undefined) return undefined;
  return {
    header: readHeader,
    payload: readPayload,
    signedPart: `${header}.${payload}`,
    signature: Buffer.from(signature, "base64url"),
  };
}

export function isSignedBy(token: DecodedToken, publicKey: KeyObject): boolean {
  return verify("RSA-SHA256", Buffer.from(token.signedPart), publicKey, token.signature);
}

function readPart(part: string): Attributes | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return isAttributes(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
