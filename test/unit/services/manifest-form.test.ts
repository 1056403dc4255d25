/**
 * Every manifest against the form that Hull's reference gives it: names, formats and places of what a dashboard reads.
 * Unknown keys are refused, so that a misspelt one does not go unnoticed.
 */
import { z } from "zod";
import planhatManifest from "../../../manifest.json";
import plangradeManifest from "../../../src/services/plangrade/manifest.json";
import planningpmeManifest from "../../../src/services/planningpme/manifest.json";
import plansourceManifest from "../../../src/services/plansource/manifest.json";

const word = z.string().regex(/^[a-z][a-z0-9_]*$/);
const line = z.string().min(1);
const path = z.string().regex(/^\/[a-z/_-]+(?:\?force=1)?$/);
/** Minutes, or every so many of them. */
const interval = z.strictObject({ type: z.literal("interval"), value: z.string().regex(/^[1-9]\d*$/) });

const FORMATS = {
  string: ["title", "select", "trait", "accountTrait", "password", "hidden"],
  boolean: ["hidden"],
  number: ["hidden"],
  array: ["table", "segment", "accountSegment", "event", "traitMapping", "accountTraitMapping", "tags"],
} as const;

const column = z.strictObject({
  type: z.enum(["string", "boolean"]),
  title: line,
  format: z.enum(["trait", "accountTrait", "select"]).optional(),
  default: z.union([z.string(), z.boolean()]).optional(),
  enum: z.array(line).optional(),
  enumNames: z.array(line).optional(),
  options: z
    .strictObject({ loadOptions: path, allowCreate: z.boolean().optional(), placeholder: line.optional() })
    .optional(),
});

const setting = z
  .strictObject({
    name: word,
    title: line,
    description: line.optional(),
    type: z.enum(["string", "boolean", "number", "array"]),
    format: line.optional(),
    default: z.unknown().optional(),
    enum: z.array(z.string()).min(2).optional(),
    enumNames: z.array(line).optional(),
    required: z.boolean().optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    options: z
      .strictObject({
        standard: z.record(z.string(), line).optional(),
        loadOptions: path.optional(),
        allowCreate: z.boolean().optional(),
        placeholder: line.optional(),
        direction: z.enum(["incoming", "outgoing"]).optional(),
        showOverwriteToggle: z.boolean().optional(),
      })
      .optional(),
    items: z
      .strictObject({
        type: z.literal("object"),
        properties: z.record(word, column),
        required: z.array(word).optional(),
      })
      .optional(),
  })
  .refine(({ type, format }) => format === undefined || (FORMATS[type] as readonly string[]).includes(format), {
    error: "has a format that its type does not take",
  })
  .refine(({ format = "", options }) => !/mapping/i.test(format) || options?.direction !== undefined, {
    error: "maps in no direction",
  })
  .refine(({ format, items }) => (format === "table") === (items !== undefined), {
    error: "is a table without columns",
  });

const channel = z.enum([
  ...(["user:update", "account:update", "user:delete", "ship:update"] as const),
  ...(["users_segment:update", "users_segment:delete"] as const),
  ...(["accounts_segment:update", "accounts_segment:delete"] as const),
]);

const status = interval.extend({ url: z.literal("/status"), initial_value: z.enum(["setupRequired", "ok"]) });

const manifestForm = z.strictObject({
  name: line,
  description: line,
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  source: z.string().regex(/^[a-z-]+$/),
  ui: z.literal(false),
  readme: line,
  logo: line,
  picture: line,
  tags: z.array(
    z.enum([
      ...(["outgoing", "incoming", "oneColumn", "smart-notifier", "kraken-exports"] as const),
      ...(["batch", "batch-accounts", "first-install"] as const),
    ]),
  ),
  tabs: z.array(z.never()),
  json: z.array(
    z.strictObject({
      url: path,
      name: word,
      title: line,
      description: line,
      format: z.literal("button"),
      options: z.strictObject({
        fireAndForget: z.literal(true),
        confirm: z.strictObject({
          action: z.literal("fetch"),
          text: line,
          button: line,
          entity: z.enum(["users", "accounts"]),
        }),
      }),
    }),
  ),
  subscriptions: z
    .array(
      z.strictObject({
        url: z.literal("/smart-notifier"),
        conditions: z.strictObject({ channels: z.strictObject({ only: z.array(channel) }) }),
      }),
    )
    .length(1),
  batches: z.array(z.strictObject({ url: path, channels: z.array(z.strictObject({ channel })).length(1) })),
  schedules: z.array(
    interval.extend({
      url: path,
      value_from: z.string().startsWith("private_settings."),
      default: line,
      options: z.strictObject({ fireAndForget: z.literal(true) }),
    }),
  ),
  status,
  statuses: z.array(status).length(1),
  settings: z.array(z.never()),
  private_settings: z.array(setting),
  settings_sections: z.array(
    z.strictObject({
      title: line,
      description: line,
      step: z.enum(["credentials", "actions", "incoming", "mapping", "outgoing"]).optional(),
      properties: z.array(z.string().regex(/^(?:private_settings|json)\.[a-z_]+$/)).min(1),
    }),
  ),
});

const MANIFESTS = {
  planhat: planhatManifest,
  plansource: plansourceManifest,
  planningpme: planningpmeManifest,
  plangrade: plangradeManifest,
};

describe.each(Object.entries(MANIFESTS))("the manifest of %s", (name, written) => {
  const manifest = manifestForm.parse(written);
  const hasAccounts = name !== "plansource";

  test("promises what is there: both directions, exports and batches of its entities", () => {
    expect(manifest.tags).toEqual([
      ...["outgoing", "incoming", "oneColumn", "smart-notifier", "kraken-exports", "batch"],
      ...(hasAccounts ? ["batch-accounts"] : []),
      "first-install",
    ]);
    expect(manifest.batches).toEqual([
      { url: "/batch", channels: [{ channel: "user:update" }] },
      ...(hasAccounts ? [{ url: "/batch-accounts", channels: [{ channel: "account:update" }] }] : []),
    ]);
  });

  test("has the status asked every half hour, once: in no schedule", () => {
    expect(manifest.status).toEqual({ url: "/status", type: "interval", value: "30", initial_value: "setupRequired" });
    expect(manifest.statuses).toEqual([manifest.status]);
    expect(manifest.schedules.map(({ url }) => url)).toEqual([
      ...(hasAccounts ? ["/fetch/accounts"] : []),
      "/fetch/users",
    ]);
  });

  test("takes the interval of each fetch from a setting, whose default it repeats", () => {
    for (const { value_from: from, default: otherwise } of manifest.schedules) {
      const found = manifest.private_settings.find((each) => `private_settings.${each.name}` === from);
      expect(found).toMatchObject({ title: expect.stringMatching(/interval/i) as unknown, default: otherwise });
    }
  });

  test("begins with the credentials", () => {
    const [first, ...others] = manifest.settings_sections;
    expect(first?.step).toBe("credentials");
    expect(others.filter(({ step }) => step !== undefined)).toEqual([]);
    const passwords = manifest.private_settings.filter(
      (each) => each.format === "password" && !each.name.startsWith("alert_"),
    );
    for (const secret of passwords) expect(first?.properties).toContain(`private_settings.${secret.name}`);
  });

  test("offers newer tables beside the older ones", () => {
    const named = manifest.private_settings.filter(({ options }) => options?.direction === "outgoing");
    expect(named.length).toBe(name === "plansource" ? 1 : 2);
    for (const each of named)
      expect(each).toMatchObject({ default: [], format: expect.stringMatching(/mapping/i) as unknown });
  });
});

test("the form refuses what Hull does not know", () => {
  const faults = [
    { ...planhatManifest, schedule: [] },
    { ...planhatManifest, tags: ["smart-notify"] },
    { ...planhatManifest, status: { ...planhatManifest.status, initial_value: "new" } },
    { ...planhatManifest, private_settings: [{ name: "a", title: "A", type: "string", format: "event", default: "" }] },
    {
      ...planhatManifest,
      private_settings: [{ name: "a", title: "A", type: "array", format: "traitMapping", default: [] }],
    },
  ];
  for (const fault of faults) expect(manifestForm.safeParse(fault).success).toBe(false);
});
