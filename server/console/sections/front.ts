/** Pages without a connector: the form that asks for the organization, and errors in words. */
import type { HttpError } from "../../http-error";
import { html } from "../html";
import { BASE, type Site } from "../links";
import { page } from "../page";

export function welcomePage(site: Site): string {
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
            required
            autocomplete="organization"
            autocapitalize="none"
            spellcheck="false"
            placeholder="acme.hullapp.io"
            aria-describedby="organization-hint"
          />
          <button type="submit">Go on</button>
        </div>
        <p class="hint" id="organization-hint">
          Its host name, such as acme.hullapp.io. The browser then asks for the connector's id (user) and secret
          (password); both are in the connector's settings in Hull.
        </p>
      </form>`,
  });
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
