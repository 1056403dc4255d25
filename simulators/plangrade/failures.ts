/** What is refused, and in which form (sheet 4). */
import { html, textReply, type Reply } from "../loopback/call";
import type { PlangradeSwitches } from "./switches";

/** One line of a list of errors. */
export interface Problem {
  /** Name of a field; `base` for what concerns none. */
  readonly field: string;
  /** Begins in lower case, such as `can't be blank`. */
  readonly text: string;
}

/** A refusal that is no list of errors. */
export function failure(status: number, text: string, switches: Readonly<PlangradeSwitches>): Reply {
  return inForm(status, [{ field: "base", text }], switches);
}

/** "A list of errors", whose form nobody wrote down. */
export function invalid(problems: readonly Problem[], switches: Readonly<PlangradeSwitches>): Reply {
  return inForm(switches.invalid, problems, switches);
}

function inForm(status: number, problems: readonly Problem[], { errors }: Readonly<PlangradeSwitches>): Reply {
  const texts = problems.map(sentence);
  switch (errors) {
    case "array":
      return { status, body: texts };
    case "list":
      return { status, body: { errors: texts } };
    case "fields": {
      const byField: Record<string, string[]> = {};
      for (const { field, text } of problems) (byField[field] ??= []).push(text);
      return { status, body: { errors: byField } };
    }
    case "html":
      return page(status, texts.join("<br>"));
    case "empty":
      return { status };
  }
}

/** `Street1 can't be blank`, as Rails puts field and text together. */
function sentence({ field, text }: Problem): string {
  if (field === "base") return text;
  const words = field.replace(/_id$/, "").replaceAll("_", " ");
  return `${words.charAt(0).toUpperCase()}${words.slice(1)} ${text}`;
}

/** A page that says one thing. The text is HTML. */
export function page(status: number, text: string): Reply {
  return textReply(
    status,
    `<!DOCTYPE html><html><head><title>plangrade</title></head><body><p>${text}</p></body></html>`,
  );
}

/** The answer to everything during maintenance. */
export const maintenancePage: Reply = page(503, "We are down for maintenance. Please come back soon.");

/** Text as it may stand in a page or in an attribute with quotes. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

export type TokenTrouble = "invalid" | "expired" | "revoked";

const TROUBLE_TEXTS: Readonly<Record<TokenTrouble, string>> = {
  invalid: "The access token is invalid",
  expired: "The access token expired",
  revoked: "The access token was revoked",
};

/** The 401 of a real call of that time: a blank page, and the reason in a header (sheet 4). */
export function unauthorized(trouble: TokenTrouble): Reply {
  const reason = `error="invalid_token", error_description="${TROUBLE_TEXTS[trouble]}"`;
  return blank401(reason);
}

/** Key or secret of the application are missing or wrong. */
export function unknownApplication(): Reply {
  return blank401('error="invalid_client", error_description="Client authentication failed"');
}

function blank401(reason: string): Reply {
  // One blank, so that the type of the content is sent.
  return {
    status: 401,
    body: " ",
    contentType: html,
    headers: { "www-authenticate": `Bearer realm="Doorkeeper", ${reason}` },
  };
}
