/** Where nobody can listen: the sentence names HOST or PORT, its value, and what to do. */
import { createServer } from "node:http";
import { createHttpServer, listen, listenRefusal } from "../../../server/http-server";

const HERE = "127.0.0.1";
const silent = createHttpServer(() => undefined);
afterAll(() => silent.close());

test("a free port is chosen for 0, and the one in use is refused with the ways out", async () => {
  const port = await listen(silent, { host: HERE, port: 0 });
  expect(port).toBeGreaterThan(0);
  await expect(listen(createServer(), { host: HERE, port })).rejects.toThrow(
    `PORT ${port} on HOST ${HERE} is in use by another process (EADDRINUSE). ` +
      "Stop that one, set PORT to another port, or to 0 for any that is free.",
  );
});

test("an address of another machine is refused", async () => {
  // Kept for documentation, so no machine has it.
  await expect(listen(createServer(), { host: "192.0.2.7", port: 0 })).rejects.toThrow(
    "HOST 192.0.2.7 is not an address of this machine (EADDRNOTAVAIL). Set HOST to an address of this machine: " +
      "127.0.0.1 for this machine alone, 0.0.0.0 or :: for everybody.",
  );
});

test.each([
  [
    "EACCES",
    80,
    /^PORT 80 on HOST here is not open to this user \(EACCES\).*Set PORT to a higher one, such as 8082\.$/,
  ],
  ["ENOTFOUND", 0, /^HOST here is not a name that leads to an address \(ENOTFOUND\)\. Set HOST to an address of this/],
  ["EAI_AGAIN", 0, /^HOST here is not a name that leads to an address \(EAI_AGAIN\)\. Set HOST/],
  ["EAFNOSUPPORT", 0, /^HOST here is an address of a family that this machine does not have.*Set HOST/],
  ["EMFILE", 0, /^Nobody can listen on HOST here, PORT 0 \(EMFILE\)\. Set HOST or PORT to others\.$/],
])("%s becomes a sentence", (code, port, sentence) => {
  expect(listenRefusal(Object.assign(new Error("listen"), { code }), { host: "here", port })).toMatch(sentence);
});
