import { createFieldChoice } from "../../../src/engine/status/field-options";
import type { Tenant } from "../../../src/engine/tenants";
import type { Connection, FieldChoice } from "../../../src/services/connection";
import { createFakeService, fakeConnection, type FakeSettings } from "./fake-service";

const STANDARD = [{ value: "name", label: "Name" }];
const TENANT: Tenant<FakeSettings> = {
  key: "org/c1",
  credentials: { organization: "org", id: "c1", secret: "s" },
  problems: [],
};

const confirmed = () => Promise.resolve(TENANT);

const choose = (connection: Connection | undefined, waitMs = 60_000) =>
  createFieldChoice<FakeSettings>({ service: createFakeService(), tenants: { connection: () => connection }, waitMs });
const answering = (choice: Promise<FieldChoice | undefined>): Connection =>
  fakeConnection({ fieldOptions: () => choice });

test("a list that does not exist is not asked for, and nobody's credentials are looked at", async () => {
  const asked = jest.fn();
  expect(await choose(undefined)("deals", "outgoing", asked)).toBeUndefined();
  expect(asked).not.toHaveBeenCalled();
});

test("who is not confirmed gets what everybody gets", async () => {
  const connection = fakeConnection();
  const nobody = () => Promise.resolve(undefined);
  expect(await choose(connection)("companies", "outgoing", nobody)).toEqual({ options: STANDARD });
});

test("a tenant without a token gets what everybody gets", async () => {
  expect(await choose(undefined)("companies", "outgoing", confirmed)).toEqual({ options: STANDARD });
});

test("a tenant gets what its connection says", async () => {
  const choice = { options: [...STANDARD, { value: "custom.Risk", label: "Risk (custom)" }] };
  const chosen = choose(answering(Promise.resolve(choice)))("companies", "outgoing", confirmed);
  expect(await chosen).toEqual(choice);
});

test("a service that takes too long leaves what everybody gets, and a word about it", async () => {
  const chosen = choose(answering(new Promise(() => undefined)), 1)("companies", "outgoing", confirmed);
  expect(await chosen).toEqual({
    options: STANDARD,
    problem: expect.stringMatching(/not answered in time/) as unknown,
  });
});
