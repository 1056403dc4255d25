/** A Planhat that ignores some filters, as it does with every parameter that it does not know. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface BlindProxy {
  readonly url: string;
  /** Where calls go; set it once the real one listens. */
  target: string;
  close(): Promise<void>;
}

/** @param ignored query parameters that are lost on the way to a list */
export async function openBlindProxy(ignored: readonly string[]): Promise<BlindProxy> {
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const url = new URL(request.url ?? "/", proxy.target);
      for (const name of ignored) url.searchParams.delete(name);
      const answer = await fetch(url, {
        method: request.method ?? "GET",
        headers: {
          authorization: request.headers.authorization ?? "",
          "content-type": request.headers["content-type"] ?? "application/json",
        },
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      });
      const body = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" });
      response.end(body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: BlindProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: "",
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}
