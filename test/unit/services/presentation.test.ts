/**
 * What people read of a service: its manifest says what the code understands and nothing else, and guide and page call
 * everything as the dashboard and the code do. What one service alone has is told in `test/unit/<name>/manifest.test.ts`.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import planhatManifest from "../../../manifest.json";
import packageJson from "../../../package.json";
import { switchValues as plangradeSwitches } from "../../../simulators/plangrade/switches";
import { switchValues as planningpmeSwitches } from "../../../simulators/planningpme/switches";
import { switchValues as plansourceSwitches } from "../../../simulators/plansource/switches";
import { COMMON_OUTCOMES, type OutcomeCodes } from "../../../src/outcome/outcome";
import type { Face } from "../../../src/services/face";
import { plangradeFace } from "../../../src/services/plangrade/face";
import plangradeManifest from "../../../src/services/plangrade/manifest.json";
import { OUTCOMES as PLANGRADE_OUTCOMES } from "../../../src/services/plangrade/reasons";
import { readSettings as readPlangrade } from "../../../src/services/plangrade/settings/settings";
import { planningpmeFace } from "../../../src/services/planningpme/face";
import planningpmeManifest from "../../../src/services/planningpme/manifest.json";
import { OUTCOMES as PLANNINGPME_OUTCOMES } from "../../../src/services/planningpme/reasons";
import { readSettings as readPlanningPme } from "../../../src/services/planningpme/settings/settings";
import { plansourceFace } from "../../../src/services/plansource/face";
import plansourceManifest from "../../../src/services/plansource/manifest.json";
import { OUTCOMES as PLANSOURCE_OUTCOMES } from "../../../src/services/plansource/reasons";
import { readSettings as readPlanSource } from "../../../src/services/plansource/settings/settings";
import type { SettingsResult } from "../../../src/services/service";

interface Setting {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly enumNames?: readonly string[];
}

interface Presented {
  readonly name: string;
  readonly face: Face;
  readonly manifest: {
    readonly source: string;
    readonly version: string;
    readonly readme: string;
    readonly logo: string;
    readonly picture: string;
    readonly private_settings: readonly Setting[];
    readonly settings_sections: readonly {
      readonly title: string;
      readonly description: string;
      readonly properties: readonly string[];
    }[];
    readonly json: readonly Pick<Setting, "name" | "title">[];
    readonly schedules: readonly { readonly url: string }[];
  };
  readonly readSettings: (given: unknown) => SettingsResult<unknown>;
  readonly outcomes: OutcomeCodes;
  /** Of the simulator: one for each thing that the service leaves open. */
  readonly switches: object;
}

const SERVICES: readonly Presented[] = [
  {
    name: "plansource",
    face: plansourceFace,
    manifest: plansourceManifest,
    readSettings: readPlanSource,
    outcomes: PLANSOURCE_OUTCOMES,
    switches: plansourceSwitches,
  },
  {
    name: "planningpme",
    face: planningpmeFace,
    manifest: planningpmeManifest,
    readSettings: readPlanningPme,
    outcomes: PLANNINGPME_OUTCOMES,
    switches: planningpmeSwitches,
  },
  {
    name: "plangrade",
    face: plangradeFace,
    manifest: plangradeManifest,
    readSettings: readPlangrade,
    outcomes: PLANGRADE_OUTCOMES,
    switches: plangradeSwitches,
  },
];

const ROOT = join(__dirname, "../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const sentence = expect.stringMatching(/^[A-Z].+\.$/) as unknown;

test("each service tells its connectors from those of the others", () => {
  const sources = [planhatManifest.source, ...SERVICES.map(({ manifest }) => manifest.source)];
  expect(sources).toEqual([...new Set(sources)]);
});

describe.each(SERVICES)("$name", ({ name, face, manifest, readSettings, outcomes, switches }) => {
  const settings = manifest.private_settings;
  const guide = read(`${face.assets}/readme.md`);
  const page = read(`docs/services/${name}.md`);

  describe("settings", () => {
    test("are named once each", () => {
      const names = settings.map((setting) => setting.name);
      expect(names.length).toBeGreaterThan(10);
      expect(names).toEqual([...new Set(names)]);
    });

    test.each(settings.map((setting) => setting.name))("%s is understood by the code", (setting) => {
      // No setting is an object, so whoever reads this one complains about it by name.
      const result = readSettings({ [setting]: {} });
      expect(result).toMatchObject({ ok: false, problems: [expect.stringMatching(`^${setting}: `)] });
    });

    test("have the defaults that the code assumes where nothing is stored", () => {
      const defaults = Object.fromEntries(settings.map((setting) => [setting.name, setting.default]));
      expect(readSettings(defaults)).toMatchObject({ ok: true });
      expect(readSettings(defaults)).toEqual(readSettings({}));
    });

    test("offer only choices that the code accepts, the default among them", () => {
      for (const { name: setting, enum: choices, enumNames, default: standard } of settings) {
        if (choices === undefined) continue;
        expect(choices).toContain(standard);
        expect(enumNames).toHaveLength(choices.length);
        for (const choice of choices) expect(readSettings({ [setting]: choice })).toMatchObject({ ok: true });
      }
    });

    test("stand in exactly one section", () => {
      const shown = manifest.settings_sections.flatMap(({ properties }) => properties);
      const buttons = manifest.json.map((button) => `json.${button.name}`);
      const expected = [...settings.map((setting) => `private_settings.${setting.name}`), ...buttons];
      expect(shown.toSorted()).toEqual(expected.toSorted());
    });

    test("come with a title and an explanation", () => {
      for (const { title, description } of [...settings, ...manifest.settings_sections]) {
        expect({ title, description }).toEqual({
          title: expect.stringMatching(/\S/) as unknown,
          description: sentence,
        });
      }
    });
  });

  test("the manifest has the project's version, and its files are there", () => {
    expect(manifest.version).toBe(packageJson.version);
    for (const file of [manifest.readme, manifest.logo, manifest.picture, "logo.svg"]) {
      expect({ file, exists: existsSync(join(ROOT, face.assets, file)) }).toEqual({ file, exists: true });
    }
  });

  test("a button for each fetch reads everything at once, after a question", () => {
    const fetches = manifest.schedules.map(({ url }) => url).filter((url) => url.startsWith("/fetch/"));
    const buttons = fetches.map((url): unknown =>
      expect.objectContaining({
        url: `${url}?force=1`,
        format: "button",
        description: sentence,
        options: {
          fireAndForget: true,
          confirm: expect.objectContaining({
            action: "fetch",
            entity: url.replace("/fetch/", ""),
            text: expect.stringMatching(/bills.*\?$/) as unknown,
          }) as unknown,
        },
      }),
    );
    expect(manifest.json).toEqual(buttons);
  });

  test("every remedy is for a code that there is", () => {
    const known = Object.keys({ ...COMMON_OUTCOMES, ...outcomes });
    expect(known).toEqual(expect.arrayContaining(Object.keys(face.remedies)));
  });

  test("the guide calls settings and buttons as the dashboard does", () => {
    const technical = manifest.settings_sections.find(({ title }) => title === "Technical Details")?.properties ?? [];
    for (const { name: setting, title } of [...settings, ...manifest.json]) {
      if (!technical.includes(`private_settings.${setting}`)) expect(guide).toContain(title);
    }
  });

  test("the page has a row for every setting, and for no other", () => {
    const [, table = ""] = page.split(/^## Settings$/m);
    const rows = (table.split(/^###? /m)[0] ?? "").matchAll(/^\| `(\w+)` +\|/gm);
    expect([...rows].map(([, setting]) => setting)).toEqual(settings.map((setting) => setting.name));
  });

  test.each([
    ["the guide", guide],
    ["the page", page],
  ])("%s explains every outcome of the service in the words of the code", (_, document) => {
    const rows = [...document.matchAll(/^\| `(\w+)` +\|(.+)\|$/gm)];
    const texts = new Map(rows.map(([, code, cells = ""]) => [code, cells.split("|").map((cell) => cell.trim())]));
    for (const [code, { text }] of Object.entries(outcomes)) {
      expect({ code, cells: texts.get(code) }).toEqual({ code, cells: expect.arrayContaining([text]) as unknown });
    }
  });

  test("the page says what handles each thing that the service leaves open", () => {
    const [, unknown = ""] = page.split(/^## What is unknown$/m);
    expect(Object.keys(switches).filter((each) => !unknown.includes(`\`${each}\``))).toEqual([]);
  });
});
