// What can go wrong on the way to an extract, in words for the person who sent the batch.
import type { IncomingHttpHeaders } from "node:http";
import { connectionFailure, textIn } from "../../http/transport";
import type { ExtractTrouble } from "./error";

const DEAD_LINK = new Set([401, 403, 404, 410]);
const PASSING = new Set([408, 425, 429]);

/** Why an answer has no extract; `undefined` when it may. */
export function troubleOfAnswer(status: number, headers: IncomingHttpHeaders): ExtractTrouble | undefined {
  if (DEAD_LINK.has(status)) {
    const what = `the link is dead (HTTP ${status}): such links expire. Send the batch from Hull again.`;
    return { kind: "http_status", what, status };
  }
  if (status !== 200) {
    const retryable = status >= 500 || PASSING.has(status);
    const remedy = retryable ? "It can be tried again." : "Send the batch from Hull again.";
    return { kind: "http_status", what: `the storage answered with HTTP ${status}. ${remedy}`, retryable, status };
  }
  if (/^\s*(text\/html|application\/xhtml)/i.test(headers["content-type"] ?? "")) {
    return { kind: "not_an_extract", what: "it is a web page. Send the batch from Hull again." };
  }
  // Others, such as the aws-chunked that S3 keeps from an upload, say nothing about the bytes.
  const packed = /\b(br|deflate|compress|zstd)\b/i.exec(headers["content-encoding"] ?? "")?.[1];
  if (packed === undefined) return undefined;
  return { kind: "not_an_extract", what: `it is packed with ${packed}; only gzip and plain files can be read.` };
}

export function standstill(idleMs: number): ExtractTrouble {
  const what = `nothing came for ${idleMs / 1_000} s. The download can be tried again.`;
  return { kind: "interrupted", what, retryable: true };
}

/** Classifies what went wrong with the connection, or with what came over it. */
export function troubleOfConnection(cause: unknown): ExtractTrouble {
  switch (connectionFailure(cause)) {
    case "private_address": {
      const what =
        "the host has a private address; only a host that those who run this server allow by its name may have one.";
      return { kind: "forbidden_url", what, cause };
    }
    case "dns":
    case "connection": {
      const what = "the host cannot be reached. It can be tried again; check that downloads from here may leave.";
      return { kind: "unreachable", what, retryable: true, cause };
    }
    case "tls":
      return { kind: "unreachable", what: "no trusted TLS connection; check the host and its certificate.", cause };
  }
  if (textIn(cause, "code") === "Z_DATA_ERROR") {
    return { kind: "not_an_extract", what: "the gzip file is damaged. Send the batch from Hull again.", cause };
  }
  // Z_BUF_ERROR is the end of a gzip file that is not complete.
  return { kind: "interrupted", what: "the download broke off. It can be tried again.", retryable: true, cause };
}
