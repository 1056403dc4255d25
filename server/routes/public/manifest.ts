/**
 * What Hull's dashboard and people read before installing: the manifest, the guide and the logo. All of it is
 * public and the same for everybody, so any page may load it.
 */
import express, { Router, type Request, type RequestHandler, type Response } from "express";
import type { Face } from "../../../src/services/face";
import { RETRY_LATER } from "../../flow-control";
import { projectFolder } from "../../project-folder";
import { HttpError } from "../../http-error";

const READER = "https://dashboard.hullapp.io/readme?url=https://";
/** A new version of the connector should show up in the dashboard soon. */
const MANIFEST_SECONDS = 300;
const ASSET_SECONDS = 3600;

/** Names, IPv4 and bracketed IPv6 addresses, with or without a port: nothing that could continue an address. */
const HOST = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** @param mount where the service is served */
export function manifestRoutes({ manifest, assets }: Pick<Face, "manifest" | "assets">, mount: string): Router {
  const router = Router();

  router.get("/manifest.json", (_request, response) => {
    open(response);
    response.set("cache-control", `public, max-age=${MANIFEST_SECONDS}`).json(manifest);
  });

  router.get("/readme", (request, response) => {
    const host = hostOf(request);
    if (host === undefined || !HOST.test(host)) {
      throw new HttpError(400, "invalid_host", "The Host header names no host; use the public address.", RETRY_LATER);
    }
    // The answer depends on a header, but caches in between do not look at it.
    response.set("cache-control", "no-store").redirect(`${READER}${host}${mount}`);
  });

  const files = assetFiles(assets);
  // The manifest names readme and logo without a folder, so Hull asks for them beside it.
  router.use("/assets", files);
  router.use(files);
  return router;
}

/** @param assets the folder of the project with a service's guide and logo */
export function assetFiles(assets: Face["assets"]): RequestHandler {
  return express.static(projectFolder(assets), {
    index: false,
    redirect: false,
    maxAge: ASSET_SECONDS * 1000,
    setHeaders: open,
  });
}

/** The host as the caller wrote it; behind trusted proxies, as the outermost one was asked. */
function hostOf(request: Request): string | undefined {
  return request.host;
}

/** Shown inside the dashboard, which is another site. */
function open(response: Response): void {
  response.set({
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
  });
}
