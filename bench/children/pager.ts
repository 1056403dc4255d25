/** The yardstick of the fetch, in a process of its own: reads every page of endusers, parses it, and discards it. */
export interface Paging {
  readonly planhatUrl: string;
  readonly token: string;
  readonly limit: number;
}

async function read({
  planhatUrl,
  token,
  limit,
}: Paging): Promise<{ readonly rows: number; readonly elapsedMs: number }> {
  const began = performance.now();
  let rows = 0;
  for (let offset = 0; ; offset += limit) {
    const query = `limit=${limit}&offset=${offset}&sort=_id`;
    const answer = await fetch(`${planhatUrl}/api/endusers?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const page = (await answer.json()) as readonly unknown[];
    rows += page.length;
    if (page.length < limit) return { rows, elapsedMs: performance.now() - began };
  }
}

process.on("message", (paging: Paging) => {
  void read(paging).then((result) => process.send?.(result));
});
process.once("disconnect", () => process.exit());
process.send?.({});
