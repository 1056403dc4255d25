/** The one reader of web addresses from outside. */

/**
 * Never asked by `URL.canParse` beforehand: on Node 24 that says yes to some long hosts that `new URL` then refuses, so a
 * stranger's address would become a fault of ours.
 *
 * @param base what a relative address is relative to
 * @returns undefined for what is no address
 */
export function readUrl(text: string, base?: URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
