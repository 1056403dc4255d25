/**
 * `GET /openapi.json`: this server's API, described for programs; `GET /docs`: the same as a page for people. Both are
 * public and contain no secret. The page calls only this server, and its policy allows nothing else.
 */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { Router, type Request, type Response } from "express";
import { escapeText } from "../../console/html";
import { mountOf } from "../../../src/services";
import { projectFolder } from "../../project-folder";
import { otherMethods } from "../../middleware/errors";
import { describeApi, type DescribedService } from "../../openapi/document";

/** A new version of the connector should show up soon. */
const MAX_AGE_MS = 300_000;

const PAGE = "index.html";

/** Swagger UI uses images inside its style sheet, and needs nothing else beyond our own files. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export function docsRoutes<S>(service: DescribedService<S>): Router {
  const router = Router();
  /** Read once: a stream for each request would keep a file open for as long as a slow client reads. */
  const read = new Map<string, { readonly content: Buffer; readonly etag: string }>();

  function send(response: Response, file: string, folder: string): void {
    let known = read.get(file);
    if (known === undefined) {
      const content = file === PAGE ? page() : readFileSync(join(folder, file));
      known = { content, etag: `"${hash("sha1", content, "base64url")}"` };
      read.set(file, known);
    }
    response.set({ etag: known.etag, "cache-control": `public, max-age=${MAX_AGE_MS / 1_000}` });
    response.type(extname(file)).send(known.content);
  }

  /** The page, with the service in its title and addresses. */
  function page(): Buffer {
    const text = readFileSync(join(own, PAGE), "utf8").replaceAll("{{mount}}", mountOf(service.name));
    return Buffer.from(text.replace("{{service}}", escapeText(service.face.title)));
  }

  const own = join(projectFolder("pages"), "docs");
  const library = dirname(require.resolve("swagger-ui-dist/package.json"));
  /** No other file of either folder is served. */
  const folders: ReadonlyMap<string, string> = new Map([
    ["page.css", own],
    ["page.js", own],
    ["swagger-ui.css", library],
    ["swagger-ui-bundle.js", library],
    ["favicon-32x32.png", library],
  ]);
  let description: string | undefined;

  router.get("/openapi.json", (_request, response) => {
    description ??= JSON.stringify(describeApi(service));
    response.set({
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
      "cache-control": `public, max-age=${MAX_AGE_MS / 1_000}`,
    });
    response.type("json").send(description);
  });

  router.get("/docs", (_request, response) => {
    response.set("content-security-policy", POLICY);
    send(response, PAGE, own);
  });

  router.get("/docs/:file", ({ params: { file } }: Request<{ file: string }>, response, next) => {
    const folder = folders.get(file);
    if (folder === undefined) next();
    else send(response, file, folder);
  });

  router.all(["/openapi.json", "/docs"], otherMethods("GET, HEAD"));
  return router;
}
