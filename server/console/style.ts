/** The style sheet of all pages. */
import { join } from "node:path";
import { Router } from "express";
import { projectFolder } from "../project-folder";
import { BASE } from "./links";

const MAX_AGE_MS = 300_000;

export function styleRoutes(): Router {
  const router = Router();
  router.get(`${BASE}/page.css`, (_request, response) => {
    response.sendFile("page.css", { root: join(projectFolder("pages"), "console"), maxAge: MAX_AGE_MS });
  });
  return router;
}
