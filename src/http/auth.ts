// Credentials behind an interface: a fixed token, or one that a token source renews.

/** Proves that we may call. */
export interface AuthProvider {
  /** Asked before each request. @throws RemoteError or UnexpectedAnswer when they cannot be had */
  headers(): Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
  /** These headers were answered with 401. Says whether `headers` may have better ones now. */
  renew?(refused: Readonly<Record<string, string>>): boolean;
}

/** Header values as secrets, also without their scheme word. */
export function secretsIn(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers)
    .filter(([name]) => /authorization|token|secret|key|cookie/i.test(name))
    .map(([, value]) => value.replace(/^(bearer|basic)\s+/i, ""));
}
