/**
 * `/console/logout`: makes the browser forget its log-in. With Basic authentication a server cannot end it; but a browser
 * drops a log-in that is refused under the realm for which it was given. Under another realm Chromium would keep it.
 */
import { Router } from "express";
import { BASE, consoleLink, type Site } from "./links";
import { html } from "./html";
import { page, show } from "./page";
import { CHALLENGE } from "../middleware/basic-auth";
import { otherMethods } from "../middleware/errors";
import { organizationQuery } from "../middleware/organization";

export function logoutRoutes(site: Site): Router {
  const router = Router();
  const path = `${BASE}/logout`;

  router.get(path, (request, response) => {
    const { org } = organizationQuery.safeParse(request.query).data ?? {};
    const back = org === undefined ? site.mount + BASE : consoleLink(site, org);
    const isLoggedIn = request.get("authorization") !== undefined;
    const body = html`<h1>Logged out</h1>
      <section aria-labelledby="what">
        <h2 id="what">This browser has forgotten the connector's id and secret</h2>
        <p>
          If it asked for them just now, that was how it forgets: whatever is entered there is refused. Other windows of
          this browser are logged out as well.
        </p>
        <p><a href="${back}">Log in again</a></p>
      </section>`;
    show(response, isLoggedIn ? 401 : 200, page({ site, title: "Logged out", body }), isLoggedIn ? CHALLENGE : {});
  });

  router.all(path, otherMethods("GET, HEAD"));
  return router;
}
