/** `/explain` with an engine that does not come to an end. */
import { Writable } from "node:stream";
import express from "express";
import request from "supertest";
import { createBodies } from "../../../server/bodies";
import { createLogger } from "../../../server/log";
import { errorAnswers } from "../../../server/middleware/errors";
import { explainRoutes } from "../../../server/routes/explain/route";
import type { Explanation } from "../../../src/engine/explain/explain";
import { planhatFace } from "../../../src/services/planhat/face";
import { OUTCOMES } from "../../../src/services/planhat/reasons";
import type { Tenant } from "../../../src/engine/tenants";

const TENANT: Tenant<unknown> = {
  key: "acme.hullapp.io/c1",
  credentials: { organization: "acme.hullapp.io", id: "c1", secret: "secret" },
  settings: {},
  problems: [],
};

test("an answer that does not come in time is 503, and what it waited for may still fail", async () => {
  let fail: (error: Error) => void = () => undefined;
  const never = (): Promise<Explanation> => new Promise((_, reject) => (fail = reject));
  const app = express();
  app.use(
    explainRoutes({
      explain: { notification: never, entity: never, idle: () => Promise.resolve() },
      service: { face: planhatFace, outcomes: OUTCOMES },
      serviceTitle: "Planhat",
      authenticate: () => Promise.resolve(TENANT),
      bodies: createBodies(),
      answerWithinMs: 1,
    }),
  );
  app.use(errorAnswers(createLogger("silent", new Writable({ write: (_chunk, _encoding, done) => done() }))));
  const bodies = [{ email: "ann@example.com" }, { channel: "user:update", messages: [{}] }];
  for (const body of bodies) {
    const answer = await request(app).post("/explain").send(body);
    fail(new Error("Nobody waits for this any more."));
    expect([answer.status, answer.body]).toMatchObject([
      503,
      { error: { code: "too_slow", message: "Planhat did not answer in time; try again." } },
    ]);
  }
});
