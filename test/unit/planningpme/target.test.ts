import { targetOf } from "../../../src/services/planningpme/settings/target";
import { settingsOf, type Stored } from "./stored";

describe("the target", () => {
  const CREDENTIALS = { brand: "MyCompany", app_key: "key-1", auth_token: "token-1" };
  const target = (stored: Stored = {}, apiUrl?: string, key = "key") =>
    targetOf(settingsOf({ ...CREDENTIALS, ...stored }), apiUrl, key);

  it.each(Object.keys(CREDENTIALS))("is not there without %s", (name) => {
    expect(target()).toBeDefined();
    expect(target({ [name]: " " })).toBeUndefined();
  });

  it("is the brand at the host", () => {
    expect(target()).toMatchObject({ baseUrl: "https://api.planningpme.com/mycompany", account: "mycompany" });
    expect(target({ api_host: "try.planningpme.com" })?.baseUrl).toBe("https://try.planningpme.com/mycompany");
  });

  it("is the stand-in where there is one, for the brand, without slashes at the end", () => {
    const at = (url: string) => target({}, url)?.baseUrl;
    expect(at("http://127.0.0.1:4000/{brand}//")).toBe("http://127.0.0.1:4000/mycompany");
    expect(at("http://127.0.0.1:4000")).toBe("http://127.0.0.1:4000");
  });

  it("keeps a brand of signs within its part of the address", () => {
    expect(target({ brand: "a$&b" })?.baseUrl).toBe("https://api.planningpme.com/a%24%26b");
    expect(target({ brand: "société" })?.baseUrl).toBe("https://api.planningpme.com/soci%C3%A9t%C3%A9");
  });

  it("counts the calls of an app key together, at each host", () => {
    const quota = (stored: Stored) => target(stored)?.quotaKey;
    expect(quota({})).toMatch(/^https:\/\/api\.planningpme\.com#[0-9a-f]{16}$/);
    expect(quota({ brand: "other", auth_token: "token-2" })).toBe(quota({}));
    expect(quota({ app_key: "key-2" })).not.toBe(quota({}));
    expect(quota({ api_host: "try.planningpme.com" })).not.toBe(quota({}));
  });

  it("shows changed credentials and nothing of them, and does not change by itself", () => {
    const prints = [
      target(),
      target({ app_key: "key-2" }),
      target({ auth_token: "token-2" }),
      target({ token_exchange: false }),
      target({ authorization_scheme: "" }),
      target({ brand: "other" }),
      target({}, undefined, "other key"),
    ].map((each) => each?.fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
    expect(target({ stop_on_error: true })).toEqual(target());
    expect(JSON.stringify(target())).not.toMatch(/key-1|token-1/);
  });
});
