/** Small forms of our own pages, each with a token for its connector and its action. */
import express, { type Request, type RequestHandler, type Response } from "express";
import omitBy from "lodash/omitBy";
import { z } from "zod";
import type { Tenant } from "../../src/engine/tenants";
import { refuse } from "../http-error";
import type { Authenticate } from "../middleware/authentication";
import { createFormTokens, type FormOwner } from "./form-token";
import { html, type Content, type Html } from "./html";

const MAX_FORM_BYTES = 4_096;

/** Reads a small form; one that cannot be read has no fields. */
export function formReader(): (request: Request, response: Response) => Promise<unknown> {
  const parse: RequestHandler = express.urlencoded({ extended: false, limit: MAX_FORM_BYTES });
  return (request, response) =>
    new Promise((resolve) => {
      void parse(request, response, (error?: unknown) => resolve(error === undefined ? request.body : undefined));
    });
}

/** A query without the fields of a form that nobody filled in. */
export function filledIn(query: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return omitBy(query, (value) => value === "");
}

export const actionForm = z.object({
  token: z.string().meta({ description: "From the form; valid for one action on one thing, and some hours." }),
});

export interface FormOptions<S> {
  /** Key for the tokens of forms; a secret, used for nothing else. */
  readonly formKey: string;
  readonly authenticate: Authenticate<S>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface FormParts {
  /** What it does, and to what: `drop 3f2a9c0b71de`. */
  readonly action: string;
  /** The address that it is posted to. */
  readonly to: string;
  readonly button: Content;
}

export interface Forms<S> {
  show(owner: FormOwner, form: FormParts): Html;
  /**
   * Whose a posted form is.
   *
   * @throws HttpError when it is not our form, or not this person's; nothing was done then
   */
  open(request: Request, response: Response, action: string): Promise<Tenant<S>>;
}

export function createForms<S>({ formKey, authenticate, now }: FormOptions<S>): Forms<S> {
  const tokens = createFormTokens(formKey, now);
  const read = formReader();
  return {
    show: (owner, { action, to, button }) =>
      html`<form method="post" action="${to}">
        <input type="hidden" name="token" value="${tokens.make(owner, action)}" />
        ${button}
      </form>`,
    open: async (request, response, action) => {
      const tenant = await authenticate(request);
      const form = actionForm.safeParse(await read(request, response));
      if (form.success && tokens.fits(tenant.credentials, action, form.data.token)) return tenant;
      throw refuse(403, "foreign_form", "Nothing was done: the form is too old or was not made here. Reload the page.");
    },
  };
}
