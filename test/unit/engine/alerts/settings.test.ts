/** The settings of a connector about alerts, and what its status says of them. */
import { alertFindings, ownReceiver } from "../../../../src/engine/alerts/connector";
import { createHostAllowList } from "../../../../src/http/guards/hosts";
import { SERVICES } from "../../../../src/services";
import { ALERT_TITLES, readAlertSettings } from "../../../../src/services/mapping/alerts";

const SECRET = `whsec_${Buffer.alloc(32, 5).toString("base64")}`;
const ADDRESS = "https://hooks.example/in?key=s3cret";
const given = { alert_webhook_url: ADDRESS, alert_webhook_secret: SECRET };
const allowed = createHostAllowList(["*.example"]);
const says = (settings: unknown, hosts = allowed) =>
  alertFindings(readAlertSettings(settings), hosts).map(({ level, text }) => `${level}: ${text}`);

test("address and secret make a receiver, and nothing is said", () => {
  const settings = readAlertSettings(given);
  expect(settings).toMatchObject({ receiver: { url: ADDRESS, key: Buffer.alloc(32, 5) }, problems: [] });
  expect(ownReceiver(settings, allowed)?.url).toBe(ADDRESS);
  expect(says(given)).toEqual([]);
});

test.each([undefined, null, "settings", [], {}, { alert_webhook_url: " ", alert_webhook_secret: SECRET }])(
  "%j is no receiver, and no trouble",
  (settings) => {
    expect(readAlertSettings(settings)).toEqual({ problems: [] });
    expect(says(settings)).toEqual([]);
  },
);

test.each([
  ["http", "http://hooks.example/in"],
  ["no address", "hooks.example"],
  ["a log-in in it", "https://me:s3cret@hooks.example/in"],
  ["another protocol", "file:///etc/passwd"],
  ["an address without end", `https://hooks.example/${"x".repeat(2_000)}`],
])("%s is refused aloud, without repeating it", (_, alert_webhook_url) => {
  const [said, ...others] = says({ ...given, alert_webhook_url });
  expect(others).toEqual([]);
  expect(said).toMatch(/^warning: Alert webhook address is not an address that begins with https:/);
  expect(said).not.toContain("s3cret");
  expect(readAlertSettings({ ...given, alert_webhook_url }).receiver).toBeUndefined();
});

test.each([
  ["none", undefined, /^warning: Alert webhook secret is empty/],
  ["a short one", "whsec_c2hvcnQ=", /^warning: Alert webhook secret is not whsec_ followed by 24 to 64/],
  ["another one", "hunter2hunter2hunter2hunter2", /^warning: Alert webhook secret is not/],
])("of secrets, %s is refused aloud, without repeating it", (_, alert_webhook_secret, words) => {
  const said = says({ ...given, alert_webhook_secret });
  expect(said).toEqual([expect.stringMatching(words)]);
  expect(said[0]).not.toMatch(/hunter|c2hvcnQ/);
});

test.each([
  ["none is allowed", []],
  ["it is another one", ["hooks.example.org"]],
  ["the port is another one", ["hooks.example:8443"]],
])("the host must be allowed: %s", (_, hosts) => {
  const list = createHostAllowList(hosts);
  expect(ownReceiver(readAlertSettings(given), list)).toBeUndefined();
  expect(says(given, list)).toEqual([expect.stringMatching(/names a host to which this server sends no alerts/)]);
});

test.each([
  [50, { count: 50 }],
  ["50", { count: 50 }],
  [" 5% ", { share: 0.05 }],
  ["0,5 %", { share: 0.005 }],
  ["100%", { share: 1 }],
  ["0", { count: 0 }],
])("%j is a limit of dead letters", (alert_dead_letters, deadLetters) => {
  expect(readAlertSettings({ alert_dead_letters })).toEqual({ deadLetters, problems: [] });
});

test.each(["101%", "2.5", "-1", "many", "5%%", "1e9"])("%j is none, and that is said", (alert_dead_letters) => {
  expect(readAlertSettings({ alert_dead_letters }).deadLetters).toBeUndefined();
  expect(says({ alert_dead_letters })).toEqual([expect.stringMatching(/^warning: Dead letters worth an alert is not/)]);
});

type Named = Readonly<Record<string, unknown>>;

describe.each(SERVICES.map(({ name, face: { manifest } }) => ({ name, manifest })))(
  "the manifest of $name",
  ({ manifest }) => {
    const settings = (manifest as unknown as { readonly private_settings: readonly Named[] }).private_settings;
    const named = (name: string) => settings.find((each) => each["name"] === name);

    test("has the settings, by their titles in the status, and hides the secret", () => {
      const titles = Object.keys(ALERT_TITLES).map((name) => [name, named(name)?.["title"]]);
      expect(Object.fromEntries(titles)).toEqual(ALERT_TITLES);
      expect(named("alert_webhook_secret")).toMatchObject({ format: "password" });
    });
  },
);
