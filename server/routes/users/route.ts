/**
 * `/api/internal/users`: Planhat's team members, read and written with the stored token of the connector that logs in.
 * Answers are Planhat's own records.
 */
import { Router, type Request } from "express";
import { z } from "zod";
import type { Tenant } from "../../../src/engine/tenants";
import type { Connected, Users } from "../../../src/services/planhat/users/users";
import { refuse } from "../../http-error";
import type { Bodies } from "../../bodies";
import type { Authenticate } from "../../middleware/authentication";
import { otherMethods } from "../../middleware/errors";
import { MAX_BODY_BYTES, readChanges, readNewUser, readsAnew, readUserId, type BodyReader } from "./input";
import { answerTo } from "./trouble";

export interface UserRouteOptions<S> {
  readonly users: Users<S>;
  readonly authenticate: Authenticate<S>;
  readonly bodies: Bodies;
}

/** Planhat's own record: it is passed on unchanged. */
export const teamMember = z.looseObject({
  _id: z.string(),
  email: z.string().nullish(),
  firstName: z.string().nullish(),
  lastName: z.string().nullish(),
});

export const teamMembers = z.array(teamMember);

const ALL = "/api/internal/users";
const ONE = "/api/internal/users/:userId";

/**
 * `GET …/users?org=…`: the list, at most ten minutes old; with `cacheclear=1` read now. `POST …/users` creates.
 *
 * `GET …/users/:userId` and `PUT …/users/:userId` read and change one.
 */
export function userRoutes<S>({ users, authenticate, bodies }: UserRouteOptions<S>): Router {
  const router = Router();

  const bodyOf =
    ({ key }: Connected<S>): BodyReader =>
    (request) =>
      bodies.read(request, key, MAX_BODY_BYTES, "send only the fields that change");

  router.get(ALL, async (request, response) => {
    const asker = connected(await authenticate(request));
    const rows = await asked(users.list(asker, readsAnew(request)));
    response.set("cache-control", "no-store").json(rows);
  });

  router.post(ALL, async (request, response) => {
    const asker = connected(await authenticate(request));
    const fields = await readNewUser(request, bodyOf(asker));
    response.set("cache-control", "no-store").json(await asked(users.create(asker, fields)));
  });

  router.get(ONE, async (request: Request<{ userId: string }>, response) => {
    const asker = connected(await authenticate(request));
    const id = readUserId(request);
    response.set("cache-control", "no-store").json(await asked(users.get(asker, id)));
  });

  router.put(ONE, async (request: Request<{ userId: string }>, response) => {
    const asker = connected(await authenticate(request));
    const id = readUserId(request);
    const fields = await readChanges(request, bodyOf(asker), id);
    response.set("cache-control", "no-store").json(await asked(users.update(asker, id, fields)));
  });

  router.all(ALL, otherMethods("GET, HEAD, POST"));
  router.all(ONE, otherMethods("GET, HEAD, PUT"));
  return router;
}

/** @throws HttpError 409 for a connector that cannot reach Planhat yet */
function connected<S>({ key, settings, target, problems }: Tenant<S>): Connected<S> {
  if (settings === undefined) {
    const message = `The connector's settings cannot be understood; save them again in Hull. ${problems.join(" ")}`;
    throw refuse(409, "invalid_settings", message.trim());
  }
  if (target === undefined) {
    throw refuse(409, "missing_token", "The connector has no Personal Access Token; enter it in its settings in Hull.");
  }
  return { key, settings, target };
}

/** @throws HttpError where Planhat cannot serve it */
async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw answerTo(error);
  }
}
