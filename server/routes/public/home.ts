/**
 * `GET /` and `GET /<service>/`: where somebody arrives who has nothing but the address of this server. It says what is
 * served and leads there. It is public and the same for everybody: no connector, no organization, no secret is on it.
 */
import { Router } from "express";
import { html, type Html } from "../../console/html";
import { BASE } from "../../console/links";
import { page, show } from "../../console/page";
import { otherMethods } from "../../middleware/errors";
import { mountOf, ROOT_SERVICE } from "../../../src/services";
import type { Face } from "../../../src/services/face";

/** A new version, or a further service, should show up soon. */
const MAX_AGE_SECONDS = 300;

/** What the page says of a service. */
export interface Presented {
  readonly name: string;
  readonly face: Pick<Face, "title" | "manifest">;
}

/** `/` of one service. */
export function serviceHome(service: Presented): Router {
  return homeRoutes(servicePage(service));
}

/** `/` of the server. @param services in the order of the page; the first lends its style sheet and its logo */
export function serverHome(services: readonly Presented[]): Router {
  return homeRoutes(serverPage(services));
}

function homeRoutes(document: string): Router {
  const router = Router();
  router.get("/", (_request, response) => {
    show(response, 200, document, { "cache-control": `public, max-age=${MAX_AGE_SECONDS}` });
  });
  router.all("/", otherMethods("GET, HEAD"));
  return router;
}

function serverPage(services: readonly Presented[]): string {
  return page({
    site: { mount: mountOf(services[0]?.name ?? ROOT_SERVICE) },
    title: "Start",
    home: "/",
    footer: false,
    body: [
      html`<h1>Hull connectors</h1>
        <p>
          This server keeps <a href="https://www.hull.io">Hull</a> and
          ${services.length === 1 ? "the service" : "the services"} below in step: what changes on one side arrives on
          the other, once.
        </p>`,
      services.map((service) => servicePart(service, html`<a href="/${service.name}/">${service.face.title}</a>`)),
      serverPart(),
    ],
  });
}

function servicePage(service: Presented): string {
  const { title } = service.face;
  const mount = mountOf(service.name);
  return page({
    site: { mount, title },
    title: "Start",
    home: `/${service.name}/`,
    footer: html`<a href="/">Everything that this server serves</a>`,
    body: [html`<h1>Hull ${title} connector</h1>`, servicePart(service, "Where to go"), serverPart()],
  });
}

function servicePart({ name, face: { manifest } }: Presented, heading: Html | string): Html {
  const mount = mountOf(name);
  return html`<section aria-labelledby="${name}">
    <h2 id="${name}">${heading}</h2>
    <p>${manifest.description}</p>
    <dl class="links">
      ${link(`${mount}${BASE}`, "Console", "How your connector is doing: status, what waits, what was refused and why. With its id and secret.")}
      ${link(`${mount}/readme`, "Guide", "What it does and how it is set up, in Hull's dashboard.", also(`${mount}/readme.md`, "as text"))}
      ${link(`${mount}/docs`, "API", "For programs: every route, to read and to try.", also(`${mount}/openapi.json`, "as OpenAPI"))}
      ${link(`${mount}/manifest.json`, "Manifest", "Its address is what Hull asks for when the connector is installed.")}
    </dl>
    <p class="hint">Version ${manifest.version}</p>
  </section>`;
}

const serverPart = (): Html =>
  html`<section aria-labelledby="server">
    <h2 id="server">Status of the server</h2>
    <dl class="links">
      ${link("/health", "Health", "Whether the server runs.")} ${link("/ready", "Ready", "Whether it can do its work.")}
    </dl>
    <p class="hint">The status of a connector is on its console, and in Hull's dashboard.</p>
  </section>`;

function link(address: string, name: string, words: string, more?: Html): Html {
  return html`<div>
    <dt><a href="${address}">${name}</a></dt>
    <dd>${words}${more}</dd>
  </div>`;
}

function also(address: string, name: string): Html {
  return html` <span>(<a href="${address}">${name}</a>)</span>`;
}
