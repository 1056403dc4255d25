import { targetOf } from "../../../src/services/plansource/settings/target";
import { settingsOf } from "./open-api";

describe("the target", () => {
  const CREDENTIALS = { client_id: "client-1", client_secret: "secret-1", logged_in_user: "hr.admin" };
  const target = (stored: Readonly<Record<string, unknown>> = {}, apiUrl?: string, key = "key") =>
    targetOf(settingsOf({ ...CREDENTIALS, ...stored }), apiUrl, key);

  it.each(Object.keys(CREDENTIALS))("is not there without %s", (name) => {
    expect(target()).toBeDefined();
    expect(target({ [name]: " " })).toBeUndefined();
  });

  it("is another one in each environment", () => {
    expect(target()).toMatchObject({
      baseUrl: "https://partner-dev-api.plansource.com",
      account: "client-1",
      quotaKey: "https://partner-dev-api.plansource.com#client-1",
    });
    expect(target({ environment: "production" })).toMatchObject({
      baseUrl: "https://api.plansource.com",
      account: "client-1",
      quotaKey: "https://api.plansource.com#client-1",
    });
  });

  it("is the stand-in where there is one, without slashes at the end", () => {
    expect(target({}, "http://127.0.0.1:4000//")?.baseUrl).toBe("http://127.0.0.1:4000");
  });

  it("shows changed credentials and nothing of them, and does not change by itself", () => {
    const prints = [
      target(),
      target({ client_id: "client-2" }),
      target({ client_secret: "secret-2" }),
      target({ logged_in_user: "somebody" }),
      target({ environment: "production" }),
      target({}, undefined, "other key"),
    ].map((each) => each?.fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
    expect(target({ date_format: "dash" })).toEqual(target());
    expect(JSON.stringify(target())).not.toMatch(/secret-1|hr\.admin/);
  });
});
