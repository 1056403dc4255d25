/** Pages without a connector: the form that asks for the organization, and errors in words. */
import type { HttpError } from "../../http-error";
import { html } from "../html";
import { BASE, type Site } from "../links";
import { page } from "../page";
import { MAX_TYPED_LENGTH, ORGANIZATION_REMEDY } from "../../middleware/organization";

/** What a person typed in place of an organization, and why it is none. */
export interface Mistyped {
  readonly typed: string;
  /** A sentence. */
  readonly problem: string;
}

/** @param mistyped what the box holds already; nobody typed anything without it */
export function welcomePage(site: Site, mistyped?: Mistyped): string {
  return page({
    site,
    title: "Console",
    body: html`<h1>Console</h1>
      <form class="search" method="get" action="${site.mount}${BASE}">
        <label for="organization">Your Hull organization</label>
        <div class="line">
          <input
            id="organization"
            name="org"
            value="${mistyped?.typed ?? ""}"
            maxlength="${MAX_TYPED_LENGTH}"
            required
            ${mistyped !== undefined && html`aria-invalid="true"`}
            autocomplete="organization"
            autocapitalize="none"
            spellcheck="false"
            placeholder="acme.hullapp.io"
            aria-describedby="${mistyped === undefined ? "" : "organization-problem "}organization-hint"
          />
          <button type="submit">Go on</button>
        </div>
        ${mistyped !== undefined && html`<p class="trouble" id="organization-problem" role="alert">${mistyped.problem}</p>`}
        <p class="hint" id="organization-hint">
          Its address, such as acme.hullapp.io; a pasted one is fine as well. The browser then asks for the connector's
          id (user) and secret (password); both are in the connector's settings in Hull.
        </p>
      </form>`,
  });
}

/** Undefined when the error is about something else than the organization. */
export function mistypedIn({ code, details, message }: HttpError, typed: unknown): Mistyped | undefined {
  const shown = typeof typed === "string" ? typed.slice(0, MAX_TYPED_LENGTH) : "";
  if (code === "organization_not_allowed") return { typed: shown, problem: message };
  if (code !== "invalid_organization") return undefined;
  return { typed: shown, problem: `This ${details[0]?.message ?? "is none"}. ${ORGANIZATION_REMEDY}` };
}

/** @param home where the page leads back to */
export function errorPage({ status, message, code }: HttpError, site: Site, home = site.mount + BASE): string {
  return page({
    site,
    title: "Not done",
    home,
    body: html`<h1>Not done</h1>
      <p class="trouble">${message}</p>
      <p class="hint">${status} ${code}</p>
      <p><a href="${home}">To the beginning</a></p>`,
  });
}
