/** What anybody may read: the manifest, the guide, the logo, and this description. */
import { z } from "zod";
import { FOR_ALL } from "../../openapi/common";
import { answer, inPath, type Operation, type Part, type PathItem, type Piece } from "../../openapi/part";
import { refusal, refusals } from "../../openapi/refusals";

const BAD_HOST = refusal(400, "The `Host` header names no host", "invalid_host");

const text = (type: string): Piece => ({ [type]: { schema: { type: "string" } } });
/** Bytes have no schema in 3.1. */
const bytes = (type: string): Piece => ({ [type]: {} });

const guide: PathItem = {
  get: {
    operationId: "readGuide",
    summary: "Leads to the guide in Hull's dashboard",
    security: FOR_ALL,
    responses: {
      302: {
        description: "To the guide.",
        headers: { Location: { description: "Its address.", schema: { type: "string", format: "uri" } } },
      },
      ...refusals(BAD_HOST),
    },
  },
};

const file = (operationId: string, summary: string, content: Piece, parameters: readonly Piece[] = []): Operation => ({
  operationId,
  summary,
  security: FOR_ALL,
  parameters: parameters.length === 0 ? undefined : parameters,
  responses: { 200: { description: "The file.", content }, ...refusals("NotFound") },
});

const ASSETS = ["readme.md", "logo.png", "logo.svg"];
const ASSET = inPath("file", "Its name.", { type: "string", enum: ASSETS });

export const publicPart: Part = {
  tag: { name: "Public", description: "What Hull's dashboard and people read before anything runs." },
  schemas: {
    Manifest: z.looseObject({ name: z.string(), source: z.string(), private_settings: z.array(z.unknown()) }),
    OpenApi: z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) }),
  },
  paths: {
    "/manifest.json": {
      get: {
        operationId: "readManifest",
        summary: "What Hull reads when the connector is installed",
        security: FOR_ALL,
        responses: { 200: answer("The manifest.", "Manifest") },
      },
    },
    "/": {
      get: {
        operationId: "openStart",
        summary: "A page that leads to console, guide, API and manifest",
        description:
          "At the root of the server, those of every service that is served. Until now `/` led to the guide; `/readme` still does.",
        security: FOR_ALL,
        responses: { 200: { description: "The page.", content: text("text/html") }, ...refusals("OtherMethod") },
      },
    },
    "/readme": guide,
    "/readme.md": { "x-file": true, get: file("downloadGuide", "The guide", text("text/markdown")) },
    "/logo.png": { "x-file": true, get: file("downloadLogo", "The logo", bytes("image/png")) },
    "/logo.svg": { "x-file": true, get: file("downloadVectorLogo", "The logo", text("image/svg+xml")) },
    "/assets/{file}": {
      "x-file": true,
      get: file(
        "downloadAsset",
        "The same files in their folder",
        { ...text("text/markdown"), ...bytes("image/png"), ...text("image/svg+xml") },
        [ASSET],
      ),
    },
    "/openapi.json": {
      get: {
        operationId: "readDescription",
        summary: "This description",
        security: FOR_ALL,
        responses: { 200: answer("An OpenAPI document.", "OpenApi"), ...refusals("OtherMethod") },
      },
    },
    "/docs": {
      get: {
        operationId: "browseDescription",
        summary: "This description as a page",
        security: FOR_ALL,
        responses: { 200: { description: "The page.", content: text("text/html") }, ...refusals("OtherMethod") },
      },
    },
    "/docs/{file}": {
      get: file(
        "downloadPartOfPage",
        "What the page consists of",
        { ...text("text/javascript"), ...text("text/css") },
        [inPath("file", "Its name.")],
      ),
    },
  },
};
