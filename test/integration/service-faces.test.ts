/** What Hull's dashboard reads of each service's connector before it is set up. */
import plangradeManifest from "../../src/services/plangrade/manifest.json";
import planningpmeManifest from "../../src/services/planningpme/manifest.json";
import plansourceManifest from "../../src/services/plansource/manifest.json";
import { usePlangrade } from "../fixture/plangrade";
import { usePlanningPme } from "../fixture/planningpme";
import { usePlanSource } from "../fixture/plansource";
import { send } from "./asking";

const SERVICES = [
  { name: "plansource", title: "PlanSource", manifest: plansourceManifest, open: usePlanSource() },
  { name: "planningpme", title: "PlanningPME", manifest: planningpmeManifest, open: usePlanningPme() },
  { name: "plangrade", title: "plangrade", manifest: plangradeManifest, open: usePlangrade() },
];

test.each(SERVICES)("manifest, guide and logos of $name are served to any page", async ({ name, ...expected }) => {
  const { fixture } = await expected.open();
  const get = (path: string) => send(fixture.baseUrl, `/${name}${path}`);
  const { manifest, title } = expected;
  expect((await get("/manifest.json")).body).toEqual(manifest);
  for (const [file, type] of [
    [manifest.readme, /^text\/markdown/],
    [manifest.logo, /^image\/png/],
    [manifest.picture, /^image\/png/],
    ["logo.svg", /^image\/svg\+xml/],
  ] as const) {
    for (const path of [`/${file}`, `/assets/${file}`]) {
      const { status, headers } = await get(path);
      expect([path, status, headers.get("access-control-allow-origin")]).toEqual([path, 200, "*"]);
      expect(headers.get("content-type")).toMatch(type);
    }
  }
  expect((await get("/readme.md")).text).toMatch(new RegExp(`^# ${title}`));
  const { status, headers } = await get("/readme");
  const dashboard = /^https:\/\/dashboard\.hullapp\.io\/readme\?url=https:\/\/127\.0\.0\.1:\d+\/(\w+)$/;
  expect([status, dashboard.exec(headers.get("location") ?? "")?.[1]]).toEqual([302, name]);
});
