/** `GET /manifest.json`: what Hull's dashboard reads when the connector is installed. */
import { Router } from "express";
import manifest from "../../manifest.json";

export function manifestRoutes(): Router {
  const router = Router();
  router.get("/manifest.json", (_request, response) => {
    response.json(manifest);
  });
  return router;
}
