/** What a person sees who comes back from the service's page. */
import type { Finished, Refused } from "../../../src/engine/authorization/flow";
import type { GrantedAccount } from "../../../src/services/service";
import { html, type Content } from "../../console/html";
import { consoleLink, type Site } from "../../console/links";
import { page } from "../../console/page";
import type { ErrorStatus } from "../../http-error";

const AGAIN = "Nothing was changed. Begin again with the link in the connector's status.";
const LOOK = "Nothing was changed by it. The connector's status says whether it is authorized.";

/** Status, code and sentence for each reason why what came back counts for nothing. */
export const REFUSED: Readonly<Record<Refused, readonly [ErrorStatus, string, string]>> = {
  no_state: [400, "no_state", `The address lacks its state, so it does not come from a page that we opened. ${AGAIN}`],
  invalid_state: [400, "invalid_state", `The state in the address was not made here, or it was damaged. ${AGAIN}`],
  expired_state: [400, "expired_state", `More than ten minutes have passed since it was begun. ${AGAIN}`],
  used_state: [400, "used_state", `This address has served already; each serves once. ${LOOK}`],
  other_browser: [403, "other_browser", `It was not begun in this browser, or its cookie is gone. ${AGAIN}`],
  unknown_connector: [404, "unknown_connector", `The connector is not known here any more. ${AGAIN}`],
  outdated_proposal: [
    409,
    "outdated_proposal",
    `The question was answered, or somebody has authorized the connector again. ${LOOK}`,
  ],
};

type Shown<S, K extends Finished<S>["kind"]> = Extract<Finished<S>, { readonly kind: K }>;

export function finishedPage<S>(finished: Shown<S, "granted" | "denied" | "failed">, site: Required<Site>): string {
  const owner = finished.tenant.credentials;
  const home = html`<p><a class="button" href="${consoleLink(site, owner.organization)}">To the console</a></p>`;
  switch (finished.kind) {
    case "granted":
      return frame("Authorized", [
        html`<p class="notice" role="status">
          The connector may use ${site.title} from now on${inAccount(finished.account)}. What waited for this is
          delivered now. You can close this page.
        </p>`,
        home,
      ]);
    case "denied":
      return frame("Not authorized", [
        html`<p class="trouble" role="status">
          ${site.title} says that access was not granted (${finished.error.slice(0, MOST_SHOWN)}). Nothing was changed.
        </p>`,
        home,
      ]);
    case "failed":
      return frame("Not authorized", [
        html`<p class="trouble" role="status">
            ${site.title} did not give access. Nothing was changed; begin again with the link in the connector's status.
          </p>
          <p class="hint">${finished.message}</p>`,
        home,
      ]);
  }

  function frame(title: string, body: Content): string {
    return page({ site, title, owner, body: [html`<h1>${title}</h1>`, body] });
  }
}

/** @param action where the form goes */
export function confirmPage<S>(
  { tenant, before, account, state }: Shown<S, "proposed">,
  site: Required<Site>,
  action: string,
): string {
  return page({
    site,
    title: "Another account",
    owner: tenant.credentials,
    body: html`<h1>Another account</h1>
      <p>
        So far the connector has used ${nameOf(before)} of ${site.title}. You have just granted access to
        ${nameOf(account)}. If you go on, everything is looked up there anew, and what waits is delivered there. What is
        in the former account stays as it is.
      </p>
      <form method="post" action="${action}">
        <input type="hidden" name="state" value="${state}" />
        <p><button type="submit">Use this account</button></p>
      </form>
      <p class="hint">If you close the page, nothing changes. The form serves for ten minutes, in this browser.</p>`,
  });
}

/** The service's own words are cut, since anybody can write them into the address. */
const MOST_SHOWN = 60;

const nameOf = (account: GrantedAccount | undefined): string =>
  account === undefined ? "an account without a name" : `the account ${account.name ?? account.id}`;

const inAccount = (account: GrantedAccount | undefined): string =>
  account === undefined ? "" : `, as ${account.name ?? account.id}`;
