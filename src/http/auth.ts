// Credentials behind an interface: a fixed token today, OAuth with a shared renewal for later services.

/** Proves that we may call. `refresh` says whether new credentials were obtained. */
export interface AuthProvider {
  headers(): Promise<Record<string, string>> | Record<string, string>;
  refresh?(): Promise<boolean>;
}

/** One renewal at a time, shared by all callers that were refused with the same credentials. */
export function createAuthenticator(auth: AuthProvider | undefined) {
  let generation = 0;
  let renewing: Promise<boolean> | undefined;

  return {
    /** The current headers; `generation` counts renewals, so that a late 401 to old headers renews nothing. */
    async current(): Promise<{ readonly headers: Record<string, string>; readonly generation: number }> {
      const seen = generation;
      return { headers: auth ? await auth.headers() : {}, generation: seen };
    },
    /** Resolves to whether newer credentials than those of `seenGeneration` are available now. */
    async renew(seenGeneration: number): Promise<boolean> {
      if (seenGeneration !== generation) return true;
      if (auth?.refresh === undefined) return false;
      renewing ??= auth
        .refresh()
        .then((renewed) => {
          if (renewed) generation += 1;
          return renewed;
        })
        .finally(() => {
          renewing = undefined;
        });
      return renewing;
    },
  };
}

/** Header values as secrets, also without their scheme word. */
export function secretsIn(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers)
    .filter(([name]) => /authorization|token|secret|key|cookie/i.test(name))
    .map(([, value]) => value.replace(/^(bearer|basic)\s+/i, ""));
}
